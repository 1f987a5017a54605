// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/snapshot.h"

#include <glog/logging.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <limits>
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

// Gives the entries of a map as records, one a call. The map outlives it.
template <class Map, class F>
std::function<std::optional<v1::Record>()> RecordsOf(const Map& map, F to_record) {
  return [at = map.begin(), end = map.end(), to_record]() mutable -> std::optional<v1::Record> {
    if (at == end) return std::nullopt;
    v1::Record record = to_record(at->first, at->second);
    ++at;
    return record;
  };
}

std::function<std::optional<v1::Record>()> Once(v1::Record record) {
  return [record = std::optional(std::move(record))]() mutable {
    return std::exchange(record, std::nullopt);
  };
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

// One record after the other out of the bytes of a v1::Snapshot into an image.
template <class F>
Result<Image> Fold(std::string_view bytes, F fold) {
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
    } else if (tag == kRecordTag && ReadRecord(in, record)) {
      auto folded = fold(std::move(image), record);
      if (!folded) return folded;
      image = std::move(*folded);
    } else {
      is_whole = false;
    }
  }
  bool has_position = static_cast<int64_t>(index) >= 0 && static_cast<int64_t>(term) >= 0;
  if (!is_whole || !has_position || !in.ConsumedEntireMessage()) {
    return Fail(Error::Kind::kCorrupt, "not a snapshot of the metadata: it cannot be read after " +
                                           std::to_string(in.CurrentPosition()) + " bytes");
  }
  image.index = LogIndex(static_cast<int64_t>(index));
  image.term = Term(static_cast<int64_t>(term));
  return image;
}

}  // namespace

SnapshotWriter::SnapshotWriter(Image image) : image_(std::move(image)) {
  auto& to = sections_;
  if (!image_.cluster_id.is_nil()) {
    to.push_back(Once(ToClusterRecord(image_.cluster_id, image_.created_at)));
  }
  if (!image_.voters.empty()) to.push_back(Once(ToRecord(image_.voters)));
  if (image_.opened_by != kNoController) {
    to.push_back(Once(ToTermRecord(image_.opened_term, image_.opened_by)));
  }
  to.push_back(RecordsOf(image_.features, [](const std::string& name, int32_t level) {
    return ToFeatureRecord(name, level);
  }));
  to.push_back(RecordsOf(image_.nodes, [](NodeId, const Node& node) { return ToRecord(node); }));
  to.push_back(
      RecordsOf(image_.topics, [](const TopicId&, const Topic& topic) { return ToRecord(topic); }));
  to.push_back(RecordsOf(image_.partitions, [](const PartitionId& id, const Partition& partition) {
    return ToRecord(id, partition);
  }));
  to.push_back(RecordsOf(image_.configs, [](const ConfigKey& key, const std::string& value) {
    return ToRecord(key, &value);
  }));
  if (image_.producer_ids != ProducerIds{}) to.push_back(Once(ToRecord(image_.producer_ids)));
  to.push_back(RecordsOf(image_.requests.in_order(),
                         [](int64_t, const RecentRequests::Request& r) { return ToRecord(r); }));
}

std::optional<v1::Record> SnapshotWriter::NextRecord() {
  while (!sections_.empty()) {
    if (auto record = sections_.front()()) return record;
    sections_.pop_front();
  }
  return std::nullopt;
}

std::string SnapshotWriter::Next(size_t bytes_wanted) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  auto put_number = [&](uint32_t tag, int64_t number) {
    if (number == 0) return;
    out.WriteTag(tag);
    out.WriteVarint64(static_cast<uint64_t>(number));
  };
  if (!std::exchange(begun_, true)) {
    put_number(kLastIndexTag, image_.index.value());
    put_number(kLastTermTag, image_.term.value());
  }
  while (static_cast<size_t>(out.ByteCount()) < bytes_wanted) {
    auto record = NextRecord();
    if (!record) break;
    out.WriteTag(kRecordTag);
    out.WriteVarint32(static_cast<uint32_t>(record->ByteSizeLong()));
    record->SerializeWithCachedSizes(&out);
  }
  out.Trim();
  return bytes;
}

v1::Snapshot ToSnapshot(const Image& image) {
  v1::Snapshot snapshot;
  snapshot.set_last_index(image.index.value());
  snapshot.set_last_term(image.term.value());
  SnapshotWriter writer(image);
  while (auto record = writer.NextRecord()) *snapshot.add_records() = std::move(*record);
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
  return SnapshotWriter(image).Next(std::numeric_limits<size_t>::max());
}

Result<Image> ReadSnapshot(std::string_view bytes) {
  return Fold(bytes, [](Image image, const v1::Record& record) -> Result<Image> {
    return Apply(std::move(image), record);
  });
}

Result<Image> JudgeSnapshot(std::string_view bytes) {
  auto judged = Fold(bytes, [](Image image, const v1::Record& record) {
    return Judge(std::move(image), record);
  });
  if (!judged) return std::unexpected(judged.error().While("judging a snapshot"));
  return judged;
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
