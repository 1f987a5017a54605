// SPDX-License-Identifier: Apache-2.0
// A log of random history beside all that was ever written to it: appended, cut above its high
// watermark, and compacted at any times, with maps of any size. What compaction must not change is
// compared after each run; what is wrong is said in words.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/compaction/core/core_fixture.h"
#include "storage/compaction/core/plan.h"

namespace weir::compaction {

class HistoryFixture {
 public:
  explicit HistoryFixture(uint64_t seed);

  // Something happens.
  void Step();

  void Append();
  void Clean();

  // Empty as long as all is right.
  const std::vector<std::string>& wrong() const { return wrong_; }
  const BatchLog& log() const { return log_; }
  Offset clean_end() const { return clean_end_; }
  int64_t runs() const { return runs_; }
  int64_t cuts() const { return cuts_; }
  // Runs that ended where their map was full.
  int64_t full_maps() const { return full_maps_; }
  // Tombstones that went, each in its time.
  int64_t tombstones_gone() const { return tombstones_gone_; }

 private:
  size_t Draw(size_t below) { return random_() % below; }
  void Expect(bool is_right, const std::string& what);
  void Cut();
  std::vector<ClosedSegment> Closed() const;
  void Filter(const Cleanable& cleanable, const DirtyScan& scan, const OffsetMap& map);
  void Compare(const BatchLog& before, Offset cleaned_end);
  void CompareTombstones(const BatchLog& before);

  std::mt19937_64 random_;
  BatchLog log_;
  // Where segments begin; the last one is written.
  std::set<Offset> bases_ = {Offset(0)};
  // All that was written and not cut.
  std::vector<SeenRecord> all_;
  // When a run first saw the tombstone at an offset, and all that it deletes was gone.
  std::map<Offset, int64_t> tombstones_;
  std::map<int64_t, int32_t> sequences_;
  ProducerBatches producers_;
  CompactionConfig config_;
  Offset high_watermark_;
  Offset clean_end_;
  int64_t now_ = 1'000'000;
  int values_ = 0;
  int epoch_ = 1;
  int64_t runs_ = 0;
  int64_t cuts_ = 0;
  int64_t full_maps_ = 0;
  int64_t tombstones_gone_ = 0;
  std::vector<std::string> wrong_;
};

}  // namespace weir::compaction
