// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/voters_entry.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <set>
#include <utility>

namespace weir::quorum {
namespace {

using google::protobuf::internal::WireFormatLite;

uint32_t LengthTag(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

}  // namespace

bool BringsVoters(std::string_view entry) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(entry.data()),
                                            static_cast<int>(entry.size()));
  uint32_t length = 0;
  uint32_t tag = in.ReadTag();
  if (tag == LengthTag(metadata::v1::Entry::kRequestIdFieldNumber)) {
    if (!in.ReadVarint32(&length) || !in.Skip(static_cast<int>(length))) return false;
    tag = in.ReadTag();
  }
  return tag == LengthTag(metadata::v1::Entry::kRecordsFieldNumber) && in.ReadVarint32(&length) &&
         in.ReadTag() == LengthTag(metadata::v1::Record::kVotersFieldNumber);
}

Result<std::vector<Voter>> ReadVoters(const metadata::v1::VotersRecord& record) {
  std::vector<Voter> voters;
  std::set<ControllerId> ids;
  for (const auto& voter : record.voters()) {
    auto directory = DirectoryId::FromBytes(voter.directory_id());
    ControllerId id(voter.controller_id());
    if (!directory || !ids.insert(id).second) {
      return Fail(Error::Kind::kCorrupt, "voters that cannot be told apart");
    }
    voters.push_back({{id, *directory}, voter.endpoint(), voter.learner()});
  }
  return voters;
}

Result<std::optional<std::vector<Voter>>> VotersIn(std::string_view bytes) {
  if (!BringsVoters(bytes)) return std::optional<std::vector<Voter>>();
  metadata::v1::Entry entry;
  if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Fail(Error::Kind::kCorrupt, "an entry that seems to bring voters cannot be read");
  }
  auto voters = ReadVoters(entry.records(0).voters());
  if (!voters) return std::unexpected(voters.error());
  if (MembershipOf(*voters).voters.empty()) {
    return Fail(Error::Kind::kCorrupt, "an entry that leaves the quorum without a voter");
  }
  return std::optional(std::move(*voters));
}

raft::Membership MembershipOf(const std::vector<Voter>& voters) {
  raft::Membership membership;
  for (const Voter& voter : voters) {
    (voter.is_learner ? membership.learners : membership.voters).insert(voter.id);
  }
  return membership;
}

}  // namespace weir::quorum
