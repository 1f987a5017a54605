// SPDX-License-Identifier: Apache-2.0
#include "common/records/batch_builder.h"

#include <glog/logging.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/codec/crc32c.h"
#include "common/codec/varint.h"
#include "common/codec/writer.h"

namespace weir::records {
namespace {

void WriteRecord(int64_t timestamp_delta, int32_t offset_delta, std::optional<std::string_view> key,
                 std::optional<std::string_view> value, std::span<const Header> headers,
                 std::string* out) {
  codec::Writer writer(out);
  writer.Fixed<int8_t>(0);
  writer.Varlong(timestamp_delta);
  writer.Varint(offset_delta);
  writer.NullableRun(key);
  writer.NullableRun(value);
  writer.Varint(static_cast<int32_t>(headers.size()));
  for (const Header& header : headers) {
    writer.NullableRun(header.key);
    writer.NullableRun(header.value);
  }
}

std::string WriteHeader(const BatchHeader& header) {
  std::string out;
  codec::Writer writer(&out);
  writer.Fixed(header.base_offset.value());
  writer.Fixed(header.length);
  writer.Fixed(header.leader_epoch.value());
  writer.Fixed(header.magic);
  writer.Fixed(header.checksum);
  writer.Fixed(header.attributes);
  writer.Fixed(header.last_offset_delta);
  writer.Fixed(header.base_timestamp.ms);
  writer.Fixed(header.max_timestamp.ms);
  writer.Fixed(header.producer_id.value());
  writer.Fixed(header.producer_epoch.value());
  writer.Fixed(header.base_sequence);
  writer.Fixed(header.count);
  CHECK_EQ(out.size(), kHeaderBytes);
  return out;
}

// `bytes` has room for the header at its front; what the header says of them becomes right.
Bytes Sealed(BatchHeader header, std::string bytes) {
  CHECK_GE(bytes.size(), kHeaderBytes);
  CHECK_LE(bytes.size() - kLengthCountsFrom, size_t{std::numeric_limits<int32_t>::max()});
  header.length = static_cast<int32_t>(bytes.size() - kLengthCountsFrom);
  bytes.replace(0, kHeaderBytes, WriteHeader(header));
  header.checksum = codec::Crc32c(std::string_view(bytes).substr(kChecksumCoversFrom));
  bytes.replace(0, kHeaderBytes, WriteHeader(header));
  return Bytes::FromString(std::move(bytes));
}

}  // namespace

Bytes AssembleBatch(BatchHeader header, std::string_view records) {
  std::string bytes;
  bytes.reserve(kHeaderBytes + records.size());
  bytes.append(kHeaderBytes, '\0');
  bytes.append(records);
  return Sealed(header, std::move(bytes));
}

BatchBuilder::BatchBuilder() : bytes_(kHeaderBytes, '\0') { header_.leader_epoch = kNoLeaderEpoch; }

void BatchBuilder::Add(WallTime timestamp, std::optional<std::string_view> key,
                       std::optional<std::string_view> value, std::span<const Header> headers) {
  if (empty()) header_.base_timestamp = header_.max_timestamp = timestamp;
  header_.max_timestamp = std::max(header_.max_timestamp, timestamp);
  record_.clear();
  WriteRecord(timestamp.ms - header_.base_timestamp.ms, header_.count, key, value, headers,
              &record_);
  codec::AppendVarint(static_cast<int32_t>(record_.size()), &bytes_);
  bytes_.append(record_);
  ++header_.count;
}

void BatchBuilder::SetProducer(ProducerId id, ProducerEpoch epoch, int32_t base_sequence) {
  header_.producer_id = id;
  header_.producer_epoch = epoch;
  header_.base_sequence = base_sequence;
}

void BatchBuilder::SetAttributes(int16_t attributes) { header_.attributes = attributes; }

size_t BatchBuilder::SizeWith(std::optional<std::string_view> key,
                              std::optional<std::string_view> value,
                              std::span<const Header> headers) const {
  // Length, attributes, timestamp, offset, two lengths and the headers' count.
  constexpr size_t kRecordOverheadMax = 1 + codec::kVarlongBytesMax + 5 * codec::kVarintBytesMax;
  size_t size = bytes_.size() + kRecordOverheadMax;
  if (key) size += key->size();
  if (value) size += value->size();
  for (const Header& header : headers) {
    size += 2 * codec::kVarintBytesMax + header.key.size();
    if (header.value) size += header.value->size();
  }
  return size;
}

Bytes BatchBuilder::Build() {
  CHECK_GT(header_.count, 0);
  header_.last_offset_delta = header_.count - 1;
  BatchHeader header = std::exchange(header_, {});
  header_.leader_epoch = kNoLeaderEpoch;
  return Sealed(header, std::exchange(bytes_, std::string(kHeaderBytes, '\0')));
}

}  // namespace weir::records
