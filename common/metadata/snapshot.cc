// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/snapshot.h"

#include <glog/logging.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <utility>

#include "common/metadata/apply.h"
#include "common/metadata/records.h"

namespace weir::metadata {

namespace {

using google::protobuf::internal::WireFormatLite;

constexpr uint32_t kLastIndexTag =
    WireFormatLite::MakeTag(v1::Snapshot::kLastIndexFieldNumber, WireFormatLite::WIRETYPE_VARINT);
constexpr uint32_t kLastTermTag =
    WireFormatLite::MakeTag(v1::Snapshot::kLastTermFieldNumber, WireFormatLite::WIRETYPE_VARINT);
constexpr uint32_t kRecordTag = WireFormatLite::MakeTag(v1::Snapshot::kRecordsFieldNumber,
                                                        WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

// The order is that of what needs what: a partition needs its topic.
template <class F>
void ForEachRecord(const Image& image, F add) {
  if (!image.cluster_id.is_nil()) add(ToClusterRecord(image.cluster_id, image.created_at));
  if (!image.voters.empty()) add(ToRecord(image.voters));
  if (image.opened_by != kNoController) add(ToTermRecord(image.opened_term, image.opened_by));
  for (const auto& [name, level] : image.features) add(ToFeatureRecord(name, level));
  for (const auto& [id, node] : image.nodes) add(ToRecord(node));
  for (const auto& [id, topic] : image.topics) add(ToRecord(topic));
  for (const auto& [id, partition] : image.partitions) add(ToRecord(id, partition));
  for (const auto& [key, value] : image.configs) add(ToRecord(key, &value));
  if (image.producer_ids != ProducerIds{}) add(ToRecord(image.producer_ids));
  image.requests.ForEach([&](const RecentRequests::Request& r) { add(ToRecord(r)); });
}

bool ReadRecord(google::protobuf::io::CodedInputStream& in, v1::Record& record) {
  uint32_t size = 0;
  if (!in.ReadVarint32(&size)) return false;
  auto limit = in.PushLimit(static_cast<int>(size));
  if (in.BytesUntilLimit() != static_cast<int>(size)) return false;
  bool read = record.ParseFromCodedStream(&in) && in.ConsumedEntireMessage();
  in.PopLimit(limit);
  return read;
}

}  // namespace

v1::Snapshot ToSnapshot(const Image& image) {
  v1::Snapshot snapshot;
  snapshot.set_last_index(image.index.value());
  snapshot.set_last_term(image.term.value());
  ForEachRecord(image, [&](v1::Record record) { *snapshot.add_records() = std::move(record); });
  return snapshot;
}

Image FromSnapshot(const v1::Snapshot& snapshot) {
  CHECK(IsKnown(snapshot)) << "a snapshot of a newer version";
  Image image;
  for (const v1::Record& record : snapshot.records()) image = Apply(std::move(image), record);
  image.index = LogIndex(snapshot.last_index());
  image.term = Term(snapshot.last_term());
  return image;
}

std::string WriteSnapshot(const Image& image) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  auto put_number = [&](uint32_t tag, int64_t number) {
    if (number == 0) return;
    out.WriteTag(tag);
    out.WriteVarint64(static_cast<uint64_t>(number));
  };
  put_number(kLastIndexTag, image.index.value());
  put_number(kLastTermTag, image.term.value());
  ForEachRecord(image, [&](const v1::Record& record) {
    out.WriteTag(kRecordTag);
    out.WriteVarint32(static_cast<uint32_t>(record.ByteSizeLong()));
    record.SerializeWithCachedSizes(&out);
  });
  out.Trim();
  return bytes;
}

Result<Image> ReadSnapshot(std::string_view bytes) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  Image image;
  v1::Record record;
  uint64_t index = 0;
  uint64_t term = 0;
  bool is_whole = true;
  while (uint32_t tag = is_whole ? in.ReadTag() : 0) {
    if (tag == kLastIndexTag) {
      is_whole = in.ReadVarint64(&index);
    } else if (tag == kLastTermTag) {
      is_whole = in.ReadVarint64(&term);
    } else {
      CHECK_EQ(tag, kRecordTag) << "a snapshot of a newer version";
      is_whole = ReadRecord(in, record);
      if (is_whole) image = Apply(std::move(image), record);
    }
  }
  if (!is_whole || !in.ConsumedEntireMessage()) {
    return Fail(Error::Kind::kCorrupt, "not a snapshot of the metadata: it cannot be read after " +
                                           std::to_string(in.CurrentPosition()) + " bytes");
  }
  image.index = LogIndex(static_cast<int64_t>(index));
  image.term = Term(static_cast<int64_t>(term));
  return image;
}

std::string SerializeDeterministically(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  CHECK(message.SerializeToCodedStream(&out));
  out.Trim();
  return bytes;
}

}  // namespace weir::metadata
