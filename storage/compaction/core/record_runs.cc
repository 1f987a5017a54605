// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/record_runs.h"

#include <glog/logging.h>

#include <utility>

#include "common/codec/compression.h"
#include "common/records/contents.h"

namespace weir::compaction {

using records::BatchHeader;
using records::Compression;

Answer<std::string_view> OpenRecords(const BatchHeader& header, std::string_view batch,
                                     std::string* room) {
  CHECK_EQ(batch.size(), header.size());
  std::string_view records = batch.substr(records::kHeaderBytes);
  // What has no records left has no stream either.
  if (header.compression() == Compression::kNone || header.count == 0) return records;
  auto opened = codec::Decompress(header.compression(), records, records::kContentsBytesMax);
  if (!opened) return std::unexpected(opened.error());
  *room = std::move(*opened);
  return std::string_view(*room);
}

std::string SealRecords(Compression compression, std::string records) {
  if (compression == Compression::kNone) return records;
  return codec::Compress(compression, records);
}

std::unexpected<Refusal> RecordRuns::Invalid(std::string_view what) {
  std::string number = std::to_string(read_);
  read_ = header_.count;
  rest_ = codec::Reader("");
  return Refuse(ErrorCode::kInvalidRecord,
                "record " + number + " of the batch " + std::string(what));
}

Answer<std::optional<RecordRun>> RecordRuns::Next() {
  std::string_view from = rest_.rest();
  if (read_ == header_.count) {
    if (from.empty()) return std::nullopt;
    return Invalid("is one more than its header counts: " + std::to_string(from.size()) +
                   " bytes are left over");
  }
  int32_t length = rest_.Varint();
  if (rest_.failed() || length < 0) return Invalid("has no lawful length");
  std::string_view fields = rest_.Run(static_cast<size_t>(length));
  if (rest_.failed()) return Invalid("is longer than what is left of the batch");
  RecordRun run;
  run.whole = from.substr(0, from.size() - rest_.rest().size());
  codec::Reader in(fields);
  run.attributes = in.Run(1);
  int64_t timestamp_delta = in.Varlong();
  run.after_timestamp = in.rest();
  int32_t offset_delta = in.Varint();
  run.key = in.NullableRun();
  run.is_tombstone = !in.NullableRun().has_value();
  // The count of its headers takes a byte at the least; what they hold is nobody's concern here.
  if (in.failed() || in.rest().empty()) return Invalid("is shorter than its fields say");
  if (offset_delta <= last_delta_ || offset_delta > header_.last_offset_delta) {
    return Invalid("has offset delta " + std::to_string(offset_delta) + ", which is out of order");
  }
  run.offset = header_.base_offset + offset_delta;
  // Wraps where a producer lies, as any sum of its numbers may.
  run.timestamp.ms = static_cast<int64_t>(static_cast<uint64_t>(header_.base_timestamp.ms) +
                                          static_cast<uint64_t>(timestamp_delta));
  if (header_.has_append_time()) run.timestamp = header_.max_timestamp;
  last_delta_ = offset_delta;
  ++read_;
  return run;
}

bool ReadRecords(const BatchHeader& header, std::string_view batch, std::string* room,
                 std::vector<RecordRun>* runs) {
  runs->clear();
  auto opened = OpenRecords(header, batch, room);
  if (!opened) return false;
  RecordRuns reader(header, *opened);
  auto record = reader.Next();
  for (; record && *record; record = reader.Next()) runs->push_back(**record);
  if (!record) runs->clear();
  return record.has_value();
}

}  // namespace weir::compaction
