// SPDX-License-Identifier: Apache-2.0
// All that must hold of a cluster's state at any moment, whatever fails: looks after every event at
// the process that ran, every 1,000 events at all of them in full, and only looks. What it costs
// is small beside what the cluster does.
//
//   Everything everything(cluster);
//   cluster.world().Observe([&] { everything.Look(); });
//   ...
//   everything.LookInFull();
//   EXPECT_TRUE(everything.findings().empty());
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/checker/equal_images.h"
#include "tests/checker/findings.h"
#include "tests/checker/kept_promises.h"
#include "tests/checker/lawful_changes.h"
#include "tests/checker/log_matching.h"
#include "tests/checker/one_leader.h"
#include "tests/checker/replica_positions.h"
#include "tests/cluster/cluster.h"

namespace weir::checker {

class Everything {
 public:
  // The cluster outlives this.
  explicit Everything(cluster::Cluster& cluster);

  // After each event of the world.
  void Look();
  // At all there is, without a bound on what that costs: at the end of a run.
  void LookInFull();
  // Told before it happens: what lies on the disk of this process is lost, and it gets a new one,
  // with no promises to keep. What it had promised and saved was promised and saved all the same.
  void DiskReplaced(const std::string& process);
  const Findings& findings() const { return findings_; }
  // The newest image that was committed.
  const metadata::Image& newest() const { return changes_.newest(); }

 private:
  // A process, and what was seen of it last.
  struct Seat {
    std::string name;
    uint64_t life = 0;
    // Of controllers.
    const quorum::MemoryQuorumDisk* disk = nullptr;
    controller::Controller* controller = nullptr;
    raft::HardState hard_state;
    raft::LogPosition log_last;
    size_t log_size = 0;
    bool leads = false;
    LogIndex committed;
    // Of nodes.
    storage::StorageNode* node = nullptr;
    LogIndex image;
    // The partition that is looked at next, and what each was when it was looked at last.
    size_t turn = 0;
    std::vector<std::optional<ReplicaPositions>> replicas;
  };

  void TakeSeats();
  Seat* SeatOf(const sim::Life& life);
  void LookAtController(Seat& seat);
  void LookAtLog(Seat& seat, size_t again);
  void LookAtLeader(const Seat& seat, const quorum::Quorum& quorum);
  void Committed(Seat& seat, const quorum::Quorum& quorum, const machine::Position& position);
  void LookAtNode(Seat& seat);
  void LookAtReplica(Seat& seat, size_t turn, bool again);
  void LookAtMembers(const ReplicaPositions& leader);
  void LookAtAll(EqualImages::Depth depth, size_t log_again);
  LogOnDisk LogOf(const Seat& seat) const;
  // What a voter has on its disk, or had when it lost it; null where neither is known.
  const quorum::MemoryQuorumDisk* DiskOf(const raft::VoterId& voter) const;

  cluster::Cluster& cluster_;
  Findings findings_;
  uint64_t events_ = 0;
  LogIndex inspected_;
  std::map<std::string, Seat> seats_;
  // By the number of a life; null for processes that are not looked at.
  std::vector<Seat*> by_life_;
  std::vector<bool> is_life_known_;
  std::map<NodeId, Seat*> nodes_;
  std::map<raft::VoterId, quorum::MemoryQuorumDisk> lost_;
  std::vector<PartitionId> partitions_;

  OneLeaderPerTerm terms_;
  KeptPromises promises_;
  LogMatching logs_;
  CommittedEntries entries_;
  EqualImages images_;
  LawfulChanges changes_;
  OneLeaderPerEpoch epochs_;
  KeptOffsets offsets_;
};

}  // namespace weir::checker
