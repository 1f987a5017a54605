// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/everything.h"

#include <utility>

namespace weir::checker {
namespace {

constexpr uint64_t kEventsBetweenAll = 1000;
// So many of each log's last entries are looked at again then.
constexpr size_t kEntriesAgain = 64;

std::string NameOf(ControllerId id) { return "controller-" + std::to_string(id.value()); }

}  // namespace

Everything::Everything(cluster::Cluster& cluster) : cluster_(cluster) { TakeSeats(); }

// Processes may join a cluster that runs.
void Everything::TakeSeats() {
  for (const std::string& name : cluster_.controller_names()) {
    seats_[name].name = name;
    seats_[name].disk = &cluster_.quorum_disk(name);
  }
  for (const std::string& name : cluster_.node_names()) seats_[name].name = name;
}

Everything::Seat* Everything::SeatOf(const sim::Life& life) {
  if (life.number >= by_life_.size()) {
    by_life_.resize(life.number + 1);
    is_life_known_.resize(life.number + 1);
  }
  if (!is_life_known_[life.number]) {
    is_life_known_[life.number] = true;
    TakeSeats();
    auto found = seats_.find(life.process);
    by_life_[life.number] = found == seats_.end() ? nullptr : &found->second;
  }
  Seat* seat = by_life_[life.number];
  if (seat == nullptr) return nullptr;
  if (seat->life != life.number) {
    // What was in memory is gone; what is on the disk is not.
    seat->life = life.number;
    seat->leads = false;
    seat->committed = seat->image = LogIndex(0);
    seat->controller = nullptr;
    seat->node = nullptr;
    images_.Forget(seat->name);
  }
  if (seat->controller == nullptr && seat->node == nullptr) {
    seat->controller = cluster_.controller(seat->name);
    seat->node = cluster_.node(seat->name);
    if (seat->node) nodes_[seat->node->id()] = seat;
  }
  return seat;
}

void Everything::Look() {
  // The life has ended where the event was its end.
  const sim::Life* life = cluster_.world().last_ran();
  Seat* seat = life != nullptr && life->alive ? SeatOf(*life) : nullptr;
  if (seat != nullptr) {
    if (seat->controller) LookAtController(*seat);
    if (seat->node) LookAtNode(*seat);
  }
  if (++events_ % kEventsBetweenAll == 0) {
    LookAtAll(EqualImages::Depth::kAll, kEntriesAgain);
  }
}

void Everything::LookInFull() { LookAtAll(EqualImages::Depth::kBytes, SIZE_MAX); }

void Everything::DiskReplaced(const std::string& process) {
  Seat& seat = seats_.at(process);
  if (seat.disk == nullptr) return;
  for (const metadata::Voter& voter : newest().voters) {
    if (NameOf(voter.id) == process) lost_[{voter.id, voter.directory}] = *seat.disk;
  }
  promises_.Forget(process);
  logs_.Forget(process);
  seat.hard_state = {};
  seat.log_last = {};
  seat.log_size = 0;
}

const quorum::MemoryQuorumDisk* Everything::DiskOf(const raft::VoterId& voter) const {
  if (auto lost = lost_.find(voter); lost != lost_.end()) return &lost->second;
  auto seat = seats_.find(NameOf(voter.controller));
  return seat == seats_.end() ? nullptr : seat->second.disk;
}

LogOnDisk Everything::LogOf(const Seat& seat) const {
  return {seat.name, seat.disk->begin, &seat.disk->entries};
}

void Everything::LookAtLog(Seat& seat, size_t again) {
  const auto& entries = seat.disk->entries;
  bool has_moved = entries.size() != seat.log_size ||
                   (!entries.empty() && (entries.back().index != seat.log_last.index ||
                                         entries.back().term != seat.log_last.term));
  if (again == 0 && !has_moved) return;
  LogOnDisk log = LogOf(seat);
  logs_.Saw(log, again, findings_);
  seat.log_last = log.last();
  seat.log_size = entries.size();
}

void Everything::LookAtController(Seat& seat) {
  bool has_new_promise = seat.disk->hard_state != seat.hard_state;
  if (has_new_promise) {
    promises_.Saw(seat.name, seat.disk->hard_state, findings_);
    seat.hard_state = seat.disk->hard_state;
  }
  LookAtLog(seat, 0);
  const quorum::Quorum* quorum = seat.controller->quorum();
  if (quorum == nullptr) return;
  bool led = std::exchange(seat.leads, quorum->is_leader());
  if (seat.leads && (!led || has_new_promise)) LookAtLeader(seat, *quorum);
  const machine::Position position = seat.controller->machine().position();
  if (position.index != seat.committed.value()) Committed(seat, *quorum, position);
}

void Everything::LookAtLeader(const Seat& seat, const quorum::Quorum& quorum) {
  auto described = quorum.Describe();
  terms_.Saw(described.term, seat.controller->id(), findings_);
  // A full disk is a slow one: whoever leads may have more than lies on its own.
  auto holds = [&, log = LogOf(seat)](const raft::LogPosition& position) {
    return log.Holds(position) || quorum.TermAt(position.index) == position.term;
  };
  entries_.Leads(seat.name, described.term, holds, findings_);
  std::vector<raft::HardState> promises;
  for (const auto& known : described.voters) {
    if (known.voter.is_learner) continue;
    if (const auto* disk = DiskOf(known.voter.id)) promises.push_back(disk->hard_state);
  }
  promises_.Elected(seat.controller->id(), described.term, promises, findings_);
}

void Everything::Committed(Seat& seat, const quorum::Quorum& quorum,
                           const machine::Position& position) {
  raft::LogPosition at{LogIndex(position.index), Term(position.epoch)};
  if (at.index < seat.committed) {
    findings_.Add(seat.name, ": what is committed went back from entry ", seat.committed, " to ",
                  at.index);
  }
  seat.committed = at.index;
  // Whoever begins with a snapshot announces nothing.
  bool is_news = at.index > entries_.last().index &&
                 (!seat.disk->snapshot || at.index > seat.disk->snapshot->last.index);
  auto described = quorum.Describe();
  entries_.Announced(seat.name, described.term, at, findings_);
  if (is_news) {
    if (seat.leads) {
      entries_.Counted(LogOf(seat), described.term, described.commit, findings_);
    }
    std::vector<LogOnDisk> logs;
    for (const auto& known : described.voters) {
      if (known.voter.is_learner) continue;
      const auto* disk = DiskOf(known.voter.id);
      if (disk == nullptr) continue;
      logs.push_back({NameOf(known.voter.id.controller), disk->begin, &disk->entries});
    }
    // While the voters change, whose majority it was is not known to whoever announces it.
    if (!described.is_changing) entries_.OnDisks(logs, findings_);
  }
  const metadata::Image& image = seat.controller->machine().committed();
  images_.Saw(seat.name, image, EqualImages::Depth::kChanges, findings_);
  if (changes_.Committed(image, findings_)) {
    partitions_.clear();
    for (auto& [name, other] : seats_) other.replicas.clear();
    for (const auto& [id, partition] : image.partitions) partitions_.push_back(id);
  }
}

void Everything::LookAtNode(Seat& seat) {
  const metadata::Image& image = seat.node->image();
  if (image.index != seat.image) {
    if (image.index < seat.image) {
      findings_.Add(seat.name, ": its image went back from index ", seat.image, " to ",
                    image.index);
    }
    seat.image = image.index;
    images_.Saw(seat.name, image, EqualImages::Depth::kChanges, findings_);
  }
  if (partitions_.empty()) return;
  // One replica at a time: what stands for long is seen soon.
  seat.turn = (seat.turn + 1) % partitions_.size();
  LookAtReplica(seat, seat.turn, false);
}

namespace {

std::optional<ReplicaPositions> PositionsOf(storage::StorageNode& node, const PartitionId& id,
                                            uint64_t life) {
  const partition::Partition* held = node.partitions() ? node.partitions()->Find(id) : nullptr;
  if (held == nullptr || !held->is_open()) return std::nullopt;
  return ReplicaPositions{.partition = id,
                          .node = node.id(),
                          .life = life,
                          .leads = held->leading().value_or(kNoLeaderEpoch),
                          .end = held->log()->end(),
                          .durable = held->log()->durable(),
                          .high_watermark = held->high_watermark()};
}

}  // namespace

// Where nothing has moved, there is nothing to see, unless something did elsewhere.
void Everything::LookAtReplica(Seat& seat, size_t turn, bool again) {
  const PartitionId& id = partitions_[turn];
  auto replica = PositionsOf(*seat.node, id, seat.life);
  if (replica) replica->since = changes_.Since(id, replica->node, seat.node->image().index);
  seat.replicas.resize(partitions_.size());
  if (replica == seat.replicas[turn] && !again) return;
  seat.replicas[turn] = replica;
  if (!replica) return offsets_.Gone(id, seat.node->id());
  if (replica->leads != kNoLeaderEpoch) {
    epochs_.Saw(id, replica->leads, replica->node, findings_);
  }
  if (!changes_.IsStrict(id.topic)) return;
  offsets_.Saw(*replica, findings_);
  if (replica->leads != kNoLeaderEpoch) LookAtMembers(*replica);
}

void Everything::LookAtMembers(const ReplicaPositions& leader) {
  const metadata::Image& image = changes_.newest();
  const metadata::Partition* partition = image.partitions.Find(leader.partition);
  // Who leads with an older epoch knows nothing of the ISR, and commits nothing.
  if (partition == nullptr || partition->leader_epoch != leader.leads) return;
  for (NodeId id : partition->isr) {
    auto seat = nodes_.find(id);
    const metadata::Node* node = image.nodes.Find(id);
    const metadata::Replica* replica = partition->ReplicaOn(id);
    if (seat == nodes_.end() || node == nullptr || replica == nullptr) continue;
    storage::StorageNode* running = cluster_.node(seat->second->name);
    if (running == nullptr || !node->Offers(replica->directory)) continue;
    auto member = PositionsOf(*running, leader.partition, 0);
    if (member) offsets_.SawInSync(leader, *member, findings_);
  }
}

void Everything::LookAtAll(EqualImages::Depth depth, size_t log_again) {
  for (auto& [name, seat] : seats_) {
    if (seat.disk != nullptr) {
      promises_.Saw(name, seat.disk->hard_state, findings_);
      LookAtLog(seat, log_again);
    }
    controller::Controller* controller = cluster_.controller(name);
    if (controller != nullptr && controller->machine().position().index > 0) {
      images_.Saw(name, controller->machine().committed(), depth, findings_);
    }
    storage::StorageNode* node = cluster_.node(name);
    if (node == nullptr) continue;
    if (node->image().index > LogIndex(0)) images_.Saw(name, node->image(), depth, findings_);
    if (seat.node != node) continue;
    for (size_t turn = 0; turn < partitions_.size(); ++turn) LookAtReplica(seat, turn, true);
  }
  if (changes_.newest().index == inspected_) return;
  inspected_ = changes_.newest().index;
  for (const std::string& words : metadata::Violations(changes_.newest())) findings_.Add(words);
}

}  // namespace weir::checker
