// SPDX-License-Identifier: Apache-2.0
#include "storage/journal/record.h"

#include <glog/logging.h>

#include "common/codec/reader.h"
#include "common/codec/writer.h"

namespace weir::journal {
namespace {

constexpr size_t kIdBytes = 16;

bool IsSound(const RecordHead& head) {
  if (head.offset < Offset(0) || head.partition.index < PartitionIndex(0)) return false;
  switch (head.kind) {
    case RecordKind::kAppend:
      return head.end > head.offset && head.length > 0;
    case RecordKind::kForget:
      return head.length == 0;
  }
  return false;
}

}  // namespace

std::string RecordHead::Encode() const {
  std::string bytes;
  bytes.reserve(kBytes);
  codec::Writer out(&bytes);
  out.Fixed(static_cast<uint8_t>(kind));
  out.Run(partition.topic.ToBytes());
  out.Fixed(partition.index.value());
  out.Fixed(offset.value());
  out.Fixed(end.value());
  out.Fixed(epoch.value());
  out.Fixed(length);
  CHECK_EQ(bytes.size(), kBytes);
  return bytes;
}

std::optional<RecordReader::Record> RecordReader::Next() {
  if (failed_ || position_ == frame_.size()) return std::nullopt;
  codec::Reader in(frame_.substr(position_));
  RecordHead head;
  head.kind = static_cast<RecordKind>(in.Fixed<uint8_t>());
  auto topic = TopicId::FromBytes(in.Run(kIdBytes));
  head.partition.index = PartitionIndex(in.Fixed<int32_t>());
  head.offset = Offset(in.Fixed<int64_t>());
  head.end = Offset(in.Fixed<int64_t>());
  head.epoch = LeaderEpoch(in.Fixed<int32_t>());
  head.length = in.Fixed<uint32_t>();
  failed_ = in.failed() || !topic || !IsSound(head) || in.rest().size() < head.length;
  if (failed_) return std::nullopt;
  head.partition.topic = *topic;
  size_t batches = position_ + RecordHead::kBytes;
  position_ = batches + head.length;
  return Record{head, batches};
}

}  // namespace weir::journal
