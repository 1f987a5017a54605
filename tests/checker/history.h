// SPDX-License-Identifier: Apache-2.0
// What producers were told, held against what readers find: nothing acknowledged is lost, nothing
// is changed, duplicated by the system, or out of order within a key; and who reads while it is
// written sees what stays, skips nothing and never goes back. A topic may forget what its config
// lets it forget, and nothing else. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::checker {

// A record as a workload writes it: its key, and the how-manieth of that key it is.
struct Written {
  std::string key;
  int64_t number = 0;
  auto operator<=>(const Written&) const = default;
};

// The value that carries it, and back; nothing if it is no such value.
std::string ValueOf(const Written& record);
std::optional<Written> ParseValue(const std::string& key, const std::string& value);

class History {
 public:
  void Sent(const Written& record, Instant now = {});
  // `offset` below zero: acknowledged, and where is not known.
  void Acknowledged(const Written& record, PartitionIndex partition, Offset offset);
  // What was acknowledged may be gone, for its producer did not ask that all in sync have it. It is
  // still never changed, written twice, or out of order.
  void AllowLoss() { may_be_lost_ = true; }
  // Even what was read may be gone, and offsets be given again: the topic may lose what is
  // committed.
  void AllowReadLoss() { may_be_lost_ = may_be_read_and_lost_ = true; }

  // The topic is compacted: of each key at least the last record stays. The system fills no gap.
  void AllowCompaction() { is_compacted_ = true; }
  // The topic forgets, from the beginning of each partition on, what was sent so long ago.
  void AllowForgetting(Duration age) { forgotten_after_ = age; }

  // `reader` follows the partition from its beginning while it is written, and was handed this.
  void Read(const std::string& reader, PartitionIndex partition, Offset offset,
            const std::string& key, const std::string& value);
  // `reader` was told, after all that it was told before, that what is below can be read.
  void Told(const std::string& reader, PartitionIndex partition, Offset high_watermark);
  size_t read() const { return read_; }

  // A reader, from the beginning to the end of a partition, found this next.
  void Found(PartitionIndex partition, Offset offset, const std::string& key,
             const std::string& value);

  size_t sent() const { return records_.size(); }
  size_t acknowledged() const { return acknowledged_; }

  // Everything that is wrong, in words; empty if nothing is.
  std::vector<std::string> Judge(Instant now = {}) const;

 private:
  struct Place {
    PartitionIndex partition;
    Offset offset;
    auto operator<=>(const Place&) const = default;
  };
  struct Fate {
    Instant sent;
    std::optional<Place> acknowledged;
    std::vector<Place> found;
    std::optional<Place> read;
  };
  // How far one reader is in one partition.
  struct Progress {
    Offset next;
    // As it was told last, if ever.
    std::optional<Offset> high_watermark;
  };

  // Null, and noted, if nobody has sent it.
  std::pair<const Written, Fate>* Recognise(const Place& place, const std::string& key,
                                            const std::string& value);
  void JudgeAcknowledged(const Written& record, const Fate& fate, Instant now,
                         std::vector<std::string>& wrong) const;
  bool MayBeGone(const Written& record, const Fate& fate, Instant now) const;
  void JudgeReads(std::vector<std::string>& wrong) const;

  bool may_be_lost_ = false;
  bool may_be_read_and_lost_ = false;
  bool is_compacted_ = false;
  std::optional<Duration> forgotten_after_;
  std::map<Written, Fate> records_;
  size_t acknowledged_ = 0;
  // The last number found of each key, and the next offset a reader may find in each partition.
  std::map<std::string, int64_t> last_found_;
  std::map<PartitionIndex, Offset> first_offset_;
  std::map<PartitionIndex, Offset> next_offset_;
  std::map<std::pair<std::string, PartitionIndex>, Progress> readers_;
  // What readers saw at each place, while it was written.
  std::map<Place, Written> seen_;
  size_t read_ = 0;
  std::vector<std::string> wrong_;
};

}  // namespace weir::checker
