// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/founding.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "proto/metadata/records.pb.h"

namespace weir::quorum {
namespace {

using weir::raft::v1::DescribeResponse;

constexpr char kMetadataFeature[] = "metadata";
constexpr int kFirstLevel = 1;

std::unexpected<Error> Invalid(std::string why) {
  return Fail(Error::Kind::kInvalid, std::move(why));
}

std::string NameOf(const DescribeResponse& answer) {
  return "controller " + std::to_string(answer.controller_id()) + " at " + answer.endpoint();
}

Result<Voter> VoterOf(const DescribeResponse& answer) {
  auto directory = DirectoryId::FromBytes(answer.directory_id());
  if (!directory || directory->is_nil()) {
    return Invalid(NameOf(answer) + " does not say which data folder it has");
  }
  if (answer.controller_id() < 0) return Invalid(NameOf(answer) + " has an id below 0");
  if (answer.endpoint().empty()) {
    return Invalid(NameOf(answer) + " does not say where its peers reach it");
  }
  return Voter{{ControllerId(answer.controller_id()), *directory}, answer.endpoint()};
}

// All answers as voters; refused if two of them are one.
Result<std::vector<Voter>> VotersOf(const std::vector<DescribeResponse>& answers) {
  std::vector<Voter> voters;
  std::map<ControllerId, std::string> ids;
  std::map<DirectoryId, std::string> directories;
  std::map<std::string, std::string> endpoints;
  for (const DescribeResponse& answer : answers) {
    auto voter = VoterOf(answer);
    if (!voter) return std::unexpected(voter.error());
    std::string name = NameOf(answer);
    auto [same_id, new_id] = ids.emplace(voter->id.controller, name);
    auto [same_folder, new_folder] = directories.emplace(voter->id.directory, name);
    if (!new_folder) {
      return Invalid(same_folder->second + " and " + name +
                     " have one data folder: the same controller twice, or a copied folder");
    }
    if (!new_id) {
      return Invalid(same_id->second + " and " + name +
                     " have the same id: give each controller an id of its own");
    }
    auto [same_endpoint, new_endpoint] = endpoints.emplace(voter->endpoint, name);
    if (!new_endpoint) {
      return Invalid(same_endpoint->second + " and " + name + " name the same endpoint");
    }
    voters.push_back(std::move(*voter));
  }
  return voters;
}

// The plan where some controllers have the cluster of `snapshot` already.
Result<InitPlan> Complete(const std::vector<DescribeResponse>& answers,
                          const std::vector<Voter>& voters, ClusterId cluster,
                          const std::string& snapshot) {
  InitPlan plan{.cluster = cluster, .snapshot = snapshot, .completes = true};
  std::optional<Founding> founding;
  if (!snapshot.empty()) {
    auto parsed = ParseFounding(snapshot);
    if (!parsed) return std::unexpected(parsed.error());
    founding = std::move(*parsed);
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].cluster_id().empty()) continue;
    if (!founding) {
      return Invalid(NameOf(answers[i]) + " is empty, but cluster " + cluster.ToString() +
                     " has outgrown its founding: it can only be joined");
    }
    bool is_voter = false;
    for (const Voter& voter : founding->voters) is_voter |= voter.id == voters[i].id;
    if (!is_voter) {
      return Invalid(NameOf(answers[i]) + " with this data folder is not a voter of cluster " +
                     cluster.ToString() +
                     ", which exists already: a wiped or added controller cannot found it again");
    }
    plan.found.push_back(i);
  }
  return plan;
}

}  // namespace

std::string MakeFoundingSnapshot(ClusterId cluster, const std::vector<Voter>& voters,
                                 WallTime now) {
  weir::metadata::v1::Snapshot snapshot;
  snapshot.set_last_index(kFoundingPosition.index.value());
  snapshot.set_last_term(kFoundingPosition.term.value());
  auto& record = *snapshot.add_records()->mutable_cluster();
  record.set_cluster_id(cluster.ToBytes());
  record.set_created_at_ms(now.ms);
  auto& level = *snapshot.add_records()->mutable_feature_level();
  level.set_name(kMetadataFeature);
  level.set_level(kFirstLevel);
  auto& list = *snapshot.add_records()->mutable_voters();
  for (const Voter& voter : voters) {
    auto& added = *list.add_voters();
    added.set_controller_id(voter.id.controller.value());
    added.set_directory_id(voter.id.directory.ToBytes());
    added.set_endpoint(voter.endpoint);
  }
  return snapshot.SerializeAsString();
}

Result<Founding> ParseFounding(std::string_view bytes) {
  weir::metadata::v1::Snapshot snapshot;
  if (!snapshot.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Fail(Error::Kind::kCorrupt, "not a snapshot of a cluster's metadata");
  }
  std::optional<ClusterId> cluster;
  Founding founding;
  for (const auto& record : snapshot.records()) {
    if (record.has_cluster()) cluster = ClusterId::FromBytes(record.cluster().cluster_id());
    if (!record.has_voters()) continue;
    auto voters = ReadVoters(record.voters());
    if (!voters) return std::unexpected(voters.error().While("reading a snapshot"));
    founding.voters = std::move(*voters);
  }
  if (!cluster || cluster->is_nil() || founding.voters.empty()) {
    return Fail(Error::Kind::kCorrupt, "a snapshot that names no cluster, or no voters");
  }
  founding.cluster = *cluster;
  return founding;
}

Result<std::vector<Voter>> VotersInSnapshot(std::string_view snapshot) {
  auto founding = ParseFounding(snapshot);
  if (!founding) return std::unexpected(founding.error());
  return std::move(founding->voters);
}

Result<InitPlan> PlanInit(const std::vector<DescribeResponse>& answers, ClusterId fresh,
                          WallTime now) {
  if (answers.empty()) return Invalid("a cluster needs at least one controller");
  auto voters = VotersOf(answers);
  if (!voters) return std::unexpected(voters.error());
  std::optional<ClusterId> cluster;
  std::string snapshot;
  std::string first;
  for (const DescribeResponse& answer : answers) {
    if (answer.cluster_id().empty()) continue;
    auto theirs = ClusterId::FromBytes(answer.cluster_id());
    if (!theirs) return Invalid(NameOf(answer) + " names a cluster in a way not understood");
    if (cluster && *cluster != *theirs) {
      return Invalid(first + " belongs to cluster " + cluster->ToString() + ", but " +
                     NameOf(answer) + " to cluster " + theirs->ToString());
    }
    if (!cluster) first = NameOf(answer);
    cluster = theirs;
    if (!answer.founding_snapshot().empty()) snapshot = answer.founding_snapshot();
  }
  if (cluster) return Complete(answers, *voters, *cluster, snapshot);
  InitPlan plan{.cluster = fresh, .snapshot = MakeFoundingSnapshot(fresh, *voters, now)};
  for (size_t i = 0; i < answers.size(); ++i) plan.found.push_back(i);
  return plan;
}

}  // namespace weir::quorum
