// SPDX-License-Identifier: Apache-2.0
// The records of one batch as runs of bytes: what compaction looks at, and the rest as it is, so
// that what stays is copied whole. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error_code.h"
#include "common/codec/reader.h"
#include "common/records/batch.h"

namespace weir::compaction {

struct RecordRun {
  Offset offset;
  WallTime timestamp;
  std::optional<std::string_view> key;
  bool is_tombstone = false;
  // The record as it stands there, with its length before it.
  std::string_view whole;
  // Of that: its attributes, and all that comes after its timestamp.
  std::string_view attributes;
  std::string_view after_timestamp;
};

// The records' bytes, in the clear: a view into `batch`, or into `*room` where they are compressed.
// CORRUPT_MESSAGE, MESSAGE_TOO_LARGE.
Answer<std::string_view> OpenRecords(const records::BatchHeader& header, std::string_view batch,
                                     std::string* room);

// The records' bytes as they stand in a batch of that compression.
std::string SealRecords(records::Compression compression, std::string records);

class RecordRuns {
 public:
  // `records` is what OpenRecords returned, and outlives the runs.
  RecordRuns(const records::BatchHeader& header, std::string_view records)
      : header_(header), rest_(records) {}

  // The next one; nothing after the last. INVALID_RECORD where the bytes are not what the header
  // says; nothing comes after that.
  Answer<std::optional<RecordRun>> Next();

 private:
  std::unexpected<Refusal> Invalid(std::string_view what);

  records::BatchHeader header_;
  codec::Reader rest_;
  int32_t read_ = 0;
  int64_t last_delta_ = -1;
};

// All records of the batch, or none where they cannot be read. They are views into `batch`, or into
// `*room`.
bool ReadRecords(const records::BatchHeader& header, std::string_view batch, std::string* room,
                 std::vector<RecordRun>* runs);

}  // namespace weir::compaction
