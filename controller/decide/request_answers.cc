// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/request_answers.h"

#include <glog/logging.h>

#include "common/metadata/records.h"
#include "proto/metadata/answers.pb.h"

namespace weir::decide {
namespace {

using metadata::v1::RequestAnswer;

void Encode(const LeadersElected& outcome, RequestAnswer::LeadersElected* elected) {
  for (const auto& election : outcome.elections) {
    elected->add_codes(static_cast<int32_t>(election.code));
    elected->add_leaders(election.leader.value());
    elected->add_is_unclean(election.is_unclean);
  }
}

// The words are not kept: a repeated answer says what was decided, and that it was earlier.
Answer<Outcome> Decode(const RequestAnswer::LeadersElected& elected, const Command& command) {
  const auto* asked = std::get_if<ElectLeaders>(&command);
  if (!asked || asked->partitions.size() != static_cast<size_t>(elected.codes_size())) {
    return Refuse(ErrorCode::kInvalidRequest,
                  "another request was sent with this request_id already: draw a new one");
  }
  LeadersElected outcome;
  for (int i = 0; i < elected.codes_size(); ++i) {
    auto code = static_cast<ErrorCode>(elected.codes(i));
    outcome.elections.push_back({asked->partitions[static_cast<size_t>(i)], code,
                                 NodeId(elected.leaders(i)), elected.is_unclean(i),
                                 "as was answered before"});
  }
  return outcome;
}

}  // namespace

std::string EncodeAnswer(const Answer<Outcome>& told) {
  RequestAnswer answer;
  if (!told) {
    answer.mutable_refused()->set_code(static_cast<int32_t>(told.error().code));
    answer.mutable_refused()->set_message(told.error().message);
    return answer.SerializeAsString();
  }
  const Outcome& outcome = *told;
  if (const auto* created = std::get_if<TopicCreated>(&outcome)) {
    *answer.mutable_topic_created()->mutable_topic() = metadata::ToRecord(created->topic).topic();
    answer.mutable_topic_created()->set_partition_count(created->partition_count);
    answer.mutable_topic_created()->set_replication_factor(created->replication_factor);
  } else if (const auto* deleted = std::get_if<TopicDeleted>(&outcome)) {
    answer.mutable_topic_deleted()->set_topic_id(deleted->topic.ToBytes());
  } else if (const auto* added = std::get_if<PartitionsAdded>(&outcome)) {
    answer.mutable_partitions_added()->set_partition_count(added->partition_count);
  } else if (const auto* elected = std::get_if<LeadersElected>(&outcome)) {
    Encode(*elected, answer.mutable_leaders_elected());
  }
  return answer.SerializeAsString();
}

Answer<Outcome> DecodeAnswer(const std::string& bytes, const Command& command) {
  RequestAnswer answer;
  CHECK(answer.ParseFromString(bytes)) << "the answer of a recorded request cannot be read";
  switch (answer.answer_case()) {
    case RequestAnswer::kTopicCreated:
      return TopicCreated{metadata::FromRecord(answer.topic_created().topic()),
                          answer.topic_created().partition_count(),
                          answer.topic_created().replication_factor()};
    case RequestAnswer::kTopicDeleted:
      return TopicDeleted{TopicId(metadata::UuidOf(answer.topic_deleted().topic_id()))};
    case RequestAnswer::kPartitionsAdded:
      return PartitionsAdded{answer.partitions_added().partition_count()};
    case RequestAnswer::kLeadersElected:
      return Decode(answer.leaders_elected(), command);
    case RequestAnswer::kRefused:
      return Refuse(static_cast<ErrorCode>(answer.refused().code()), answer.refused().message());
    case RequestAnswer::ANSWER_NOT_SET:
      break;
  }
  return Decided{};
}

}  // namespace weir::decide
