// SPDX-License-Identifier: Apache-2.0
#include "common/records/record_reader.h"

#include <glog/logging.h>

#include <string>

namespace weir::records {
namespace {

// The record's headers; nothing where the bytes do not hold what they say.
std::optional<std::vector<Header>> ReadHeaders(codec::Reader& in) {
  int32_t count = in.Varint();
  // A header takes two bytes at the least: a count that lies reserves no memory.
  if (in.failed() || count < 0 || static_cast<size_t>(count) > in.rest().size() / 2) {
    return std::nullopt;
  }
  std::vector<Header> headers;
  headers.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    auto key = in.NullableRun();
    auto value = in.NullableRun();
    if (in.failed() || !key) return std::nullopt;
    headers.push_back({*key, value});
  }
  return headers;
}

}  // namespace

RecordReader::RecordReader(const BatchHeader& header, std::string_view batch, Offsets offsets)
    : header_(header),
      rest_(batch.substr(kHeaderBytes, header.size() - kHeaderBytes)),
      offsets_(offsets) {
  CHECK_GE(batch.size(), header.size());
}

RecordReader RecordReader::OfContents(BatchHeader header, std::string_view contents,
                                      Offsets offsets) {
  header.attributes &= ~kCompressionBits;
  return RecordReader(header, contents, offsets, Uncompressed());
}

std::unexpected<Refusal> RecordReader::Invalid(std::string_view what) {
  std::string number = std::to_string(read_);
  read_ = header_.count;
  rest_ = codec::Reader("");
  return Refuse(ErrorCode::kInvalidRecord,
                "record " + number + " of the batch " + std::string(what));
}

Answer<std::optional<Record>> RecordReader::Next() {
  if (header_.compression() != Compression::kNone) {
    if (read_ == header_.count) return std::nullopt;
    read_ = header_.count;
    return Refuse(ErrorCode::kUnsupportedCompressionType,
                  "the batch is compressed (codec " +
                      std::to_string(static_cast<int>(header_.compression())) +
                      "), and its records can be read only uncompressed here");
  }
  if (read_ == header_.count) {
    if (!rest_.rest().empty()) {
      return Invalid("is one more than its header counts: " + std::to_string(rest_.rest().size()) +
                     " bytes are left over");
    }
    return std::nullopt;
  }
  int32_t length = rest_.Varint();
  if (rest_.failed() || length < 0) return Invalid("has no lawful length");
  codec::Reader in(rest_.Run(static_cast<size_t>(length)));
  if (rest_.failed()) return Invalid("is longer than what is left of the batch");
  in.Fixed<int8_t>();  // Attributes: none has a meaning.
  int64_t timestamp_delta = in.Varlong();
  int32_t offset_delta = in.Varint();
  Record record;
  record.key = in.NullableRun();
  record.value = in.NullableRun();
  auto headers = ReadHeaders(in);
  if (!headers || in.failed()) return Invalid("is shorter than its fields say");
  if (!in.rest().empty()) return Invalid("is longer than its fields say");
  if (offsets_ == Offsets::kAll && offset_delta != read_) {
    return Invalid("has offset delta " + std::to_string(offset_delta) + "; it must be " +
                   std::to_string(read_));
  }
  if (offset_delta <= last_delta_ || offset_delta > header_.last_offset_delta) {
    return Invalid("has offset delta " + std::to_string(offset_delta) + ", which is out of order");
  }
  record.headers = std::move(*headers);
  record.offset = header_.base_offset + offset_delta;
  // Wraps where a producer lies, as any sum of its numbers may.
  record.timestamp.ms = static_cast<int64_t>(static_cast<uint64_t>(header_.base_timestamp.ms) +
                                             static_cast<uint64_t>(timestamp_delta));
  if (header_.has_append_time()) record.timestamp = header_.max_timestamp;
  last_delta_ = offset_delta;
  ++read_;
  return record;
}

}  // namespace weir::records
