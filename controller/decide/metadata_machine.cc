// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/metadata_machine.h"

#include <glog/logging.h>

#include "common/base/planted_bug.h"
#include "common/metadata/apply.h"
#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"
#include "controller/decide/decisions.h"
#include "proto/metadata/answers.pb.h"

namespace weir::decide {
namespace {

// The command's idempotence key, if it is of a kind that has one and one was given.
std::optional<RequestId> RequestIdOf(const Command& command) {
  return std::visit(
      [](const auto& c) -> std::optional<RequestId> {
        if constexpr (requires { c.request_id; }) {
          return c.request_id;
        } else {
          return std::nullopt;
        }
      },
      command);
}

std::string EncodeAnswer(const Outcome& outcome) {
  metadata::v1::RequestAnswer answer;
  if (const auto* created = std::get_if<TopicCreated>(&outcome)) {
    *answer.mutable_topic_created()->mutable_topic() = metadata::ToRecord(created->topic).topic();
    answer.mutable_topic_created()->set_partition_count(created->partition_count);
    answer.mutable_topic_created()->set_replication_factor(created->replication_factor);
  } else if (const auto* deleted = std::get_if<TopicDeleted>(&outcome)) {
    answer.mutable_topic_deleted()->set_topic_id(deleted->topic.ToBytes());
  }
  return answer.SerializeAsString();
}

Outcome DecodeAnswer(const std::string& bytes) {
  metadata::v1::RequestAnswer answer;
  CHECK(answer.ParseFromString(bytes)) << "the answer of a recorded request cannot be read";
  if (answer.has_topic_created()) {
    const auto& created = answer.topic_created();
    return TopicCreated{metadata::FromRecord(created.topic()), created.partition_count(),
                        created.replication_factor()};
  }
  if (answer.has_topic_deleted()) {
    return TopicDeleted{TopicId(metadata::UuidOf(answer.topic_deleted().topic_id()))};
  }
  return Decided{};
}

}  // namespace

Decision MetadataMachine::Decide(const State& tip, const Command& command, machine::Now now) const {
  auto request_id = RequestIdOf(command);
  if (request_id && !PLANTED_BUG("decide: requests are forgotten")) {
    if (const std::string* told = tip.requests.Find(*request_id)) {
      return {std::nullopt, DecodeAnswer(*told)};
    }
  }
  Decision decision =
      std::visit([&](const auto& c) { return decide::Decide(tip, c, now); }, command);
  if (request_id && decision.entry && decision.answer) {
    decision.entry->set_request_id(request_id->ToBytes());
    *decision.entry->add_records() =
        metadata::ToRecord({*request_id, EncodeAnswer(*decision.answer)});
  }
  return decision;
}

MetadataMachine::State MetadataMachine::Apply(State state, const Entry& entry,
                                              machine::Position position) const {
  return metadata::Apply(std::move(state), entry, LogIndex(position.index), Term(position.epoch));
}

MetadataMachine::Entry MetadataMachine::Open(int64_t epoch) const {
  Entry entry;
  *entry.add_records() = metadata::ToTermRecord(Term(epoch), self_);
  return entry;
}

Bytes MetadataMachine::Encode(const Entry& entry) const {
  return Bytes::FromString(metadata::SerializeDeterministically(entry));
}

MetadataMachine::Entry MetadataMachine::Decode(const Bytes& bytes) const {
  Entry entry;
  CHECK(entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      << "a committed entry of the metadata log cannot be read";
  return entry;
}

MetadataMachine::State MetadataMachine::Restore(const Bytes& snapshot,
                                                machine::Position position) const {
  auto read = metadata::ReadSnapshot(snapshot.view());
  CHECK(read) << "the snapshot of the metadata log cannot be read: " << read.error();
  State state = std::move(*read);
  state.index = LogIndex(position.index);
  state.term = Term(position.epoch);
  return state;
}

}  // namespace weir::decide
