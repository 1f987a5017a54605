// SPDX-License-Identifier: Apache-2.0
#include "common/metadata/snapshot.h"

#include <glog/logging.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "common/metadata/apply.h"
#include "common/metadata/records.h"

namespace weir::metadata {

// The order is that of what needs what: a partition needs its topic.
v1::Snapshot ToSnapshot(const Image& image) {
  v1::Snapshot snapshot;
  snapshot.set_last_index(image.index.value());
  snapshot.set_last_term(image.term.value());
  auto add = [&](v1::Record record) { *snapshot.add_records() = std::move(record); };
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
