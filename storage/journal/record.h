// SPDX-License-Identifier: Apache-2.0
// What the journal is told of one partition's log, and how that lies in a frame: a head of fixed
// size, then, for an append, whole batches as they lie in a segment. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace weir::journal {

enum class RecordKind : uint8_t {
  kAppend = 1,  // Batches that begin at `offset` and end at `end`.
  kForget = 2,  // All that was told before is in the segments, synced, or no longer matters.
};

struct RecordHead {
  static constexpr size_t kBytes = 45;

  PartitionId partition;
  RecordKind kind = RecordKind::kForget;
  // From here on of an append alone.
  Offset offset;
  Offset end;
  // Of an append's last batch.
  LeaderEpoch epoch;
  // Of the batches that follow.
  uint32_t length = 0;

  std::string Encode() const;
  bool operator==(const RecordHead&) const = default;
};

// Walks the records of one frame.
class RecordReader {
 public:
  struct Record {
    RecordHead head;
    // Where the batches begin.
    size_t position = 0;
  };

  explicit RecordReader(std::string_view frame) : frame_(frame) {}

  // Nothing at the end, or at what is no record.
  std::optional<Record> Next();
  bool failed() const { return failed_; }

 private:
  std::string_view frame_;
  size_t position_ = 0;
  bool failed_ = false;
};

}  // namespace weir::journal
