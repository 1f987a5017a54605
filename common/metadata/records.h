// SPDX-License-Identifier: Apache-2.0
// The values of the cluster's metadata as the records of its log, and back. Pure; a record with a
// field that this process does not know stops it (CHECK), for applying half of it would fork the
// fold.
#pragma once

#include "common/metadata/image.h"
#include "proto/metadata/records.pb.h"

namespace weir::metadata {

v1::Record ToRecord(const Topic& topic);
v1::Record ToRecord(const PartitionId& id, const Partition& partition);
v1::Record ToRecord(const Node& node);
v1::Record ToRecord(const std::vector<Voter>& voters);
v1::Record ToRecord(const ProducerIds& producer_ids);
v1::Record ToRecord(const RecentRequests::Request& request);
// Null `value`: removed.
v1::Record ToRecord(const ConfigKey& key, const std::string* value);
v1::Record ToFeatureRecord(const std::string& name, int32_t level);
v1::Record ToClusterRecord(const ClusterId& id, WallTime created_at);
v1::Record ToTermRecord(Term term, ControllerId controller);
v1::Record ToRemoveNodeRecord(NodeId node);
v1::Record ToRemoveTopicRecord(const TopicId& topic);

Topic FromRecord(const v1::TopicRecord& record);
Partition FromRecord(const v1::PartitionRecord& record);
PartitionId IdOf(const v1::PartitionRecord& record);
Node FromRecord(const v1::NodeRecord& record);
std::vector<Voter> FromRecord(const v1::VotersRecord& record);
ProducerIds FromRecord(const v1::ProducerIdsRecord& record);
ConfigKey KeyOf(const v1::ConfigRecord& record);

v1::Listener ToProto(const Listener& listener);
Listener FromProto(const v1::Listener& listener);
v1::FeatureRange ToProto(const FeatureRange& range);
FeatureRange FromProto(const v1::FeatureRange& range);

// Every field of `message` itself is one that this version knows.
bool IsKnown(const google::protobuf::Message& message);

// Of a kind that this version knows, without unknown fields anywhere in it, with identities of 16
// bytes and enums that say something: whether the functions above take it.
bool IsWellFormed(const v1::Record& record);
// The same of a part that also crosses by itself.
bool IsWellFormed(const v1::Listener& listener);
bool IsWellFormed(const v1::FeatureRange& range);

// 16 raw bytes to an identity. Anything else is a bug of whoever wrote the record.
Uuid UuidOf(const std::string& bytes);

}  // namespace weir::metadata
