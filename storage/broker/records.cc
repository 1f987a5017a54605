// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/records.h"

#include <algorithm>
#include <utility>

#include "storage/broker/nearest_replica.h"
#include "storage/broker/partitions.h"

namespace weir::broker {
namespace {

constexpr Duration kAppendTimeoutDefault = std::chrono::seconds(30);
constexpr Duration kAppendTimeoutMost = std::chrono::minutes(15);
// What remembers an append, beside its records.
constexpr int64_t kAppendOverhead = 512;

Duration WithinBounds(Duration timeout) {
  if (timeout <= Duration::zero()) return kAppendTimeoutDefault;
  return std::min(timeout, kAppendTimeoutMost);
}

Duration TimeoutOf(const AppendCommand& command) { return WithinBounds(command.timeout); }

int64_t RoomOf(const AppendCommand& command) {
  return kAppendOverhead + static_cast<int64_t>(command.batch.size());
}

Refusal NoRoom() {
  return {ErrorCode::kThrottlingQuotaExceeded,
          "this node holds as many appends as it may that are not yet acknowledged; try again"};
}

}  // namespace

// What one fetch has taken of the room for reads, until its records are gone from memory.
class Records::ReadHold {
 public:
  explicit ReadHold(std::weak_ptr<ReadRoom> room) : room_(std::move(room)) {}
  ReadHold(const ReadHold&) = delete;
  ReadHold& operator=(const ReadHold&) = delete;
  ~ReadHold() {
    if (auto room = room_.lock()) room->GiveBack(bytes_);
  }

  size_t Take(size_t wanted) {
    auto room = room_.lock();
    if (!room) return wanted;
    bytes_ = room->Take(static_cast<int64_t>(wanted));
    return static_cast<size_t>(bytes_);
  }
  void KeepFor(const Bytes& records) {
    const auto size = static_cast<int64_t>(records.size());
    if (auto room = room_.lock()) room->TakeMore(size - bytes_);
    bytes_ = size;
  }

 private:
  std::weak_ptr<ReadRoom> room_;
  int64_t bytes_ = 0;
};

Records::Records(host::Host host, Partitions* partitions, RecordsBounds bounds)
    : host_(host),
      partitions_(partitions),
      append_room_(bounds.append_bytes),
      read_room_(std::make_shared<ReadRoom>(bounds.read_bytes)) {}

Records::~Records() {
  for (auto& [ticket, waiting] : waiting_) host_.strand.Cancel(waiting.timer);
}

Answer<partition::Partition*> Records::Led(PartitionId id) const {
  partition::Partition* partition = partitions_->Find(id);
  if (partition == nullptr) return std::unexpected(partitions_->WhyNotHere(id));
  if (!partition->leads()) return std::unexpected(partitions_->WhyNotLed(id));
  return partition;
}

Answer<partition::Partition*> Records::LedForAppend(const AppendCommand& command) const {
  if (command.acks < -1 || command.acks > 1) {
    return Refuse(
        ErrorCode::kInvalidRequiredAcks,
        "acks must be -1 (all), 1 (the leader) or 0 (nobody), not " + std::to_string(command.acks));
  }
  auto partition = Led(command.partition);
  if (!partition || !command.leader_epoch) return partition;
  LeaderEpoch epoch = (*partition)->state().assignment.leader_epoch;
  if (*command.leader_epoch == epoch) return partition;
  bool old = *command.leader_epoch < epoch;
  return Refuse(old ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch,
                "the leader epoch here is " + std::to_string(epoch.value()) + ", not " +
                    std::to_string(command.leader_epoch->value()) + ": locate again");
}

void Records::Append(const Caller&, AppendCommand command, AppendDone done) {
  if (auto led = LedForAppend(command); !led) return done(std::unexpected(led.error()));
  if (!append_room_.Take(command.partition, RoomOf(command))) {
    return done(std::unexpected(NoRoom()));
  }
  Admit(std::move(command), std::move(done));
}

std::optional<AppendRoom::Ticket> Records::AppendInTurn(const Caller&, AppendCommand command,
                                                        AppendDone done, Callback<void()> taken) {
  if (auto led = LedForAppend(command); !led) {
    done(std::unexpected(led.error()));
    return std::nullopt;
  }
  const int64_t bytes = RoomOf(command);
  if (append_room_.Take(command.partition, bytes)) {
    Admit(std::move(command), std::move(done));
    return std::nullopt;
  }
  const AppendRoom::Ticket ticket = append_room_.Wait(command.partition, bytes);
  const Instant deadline = host_.clock.Now() + TimeoutOf(command);
  auto timer = host_.strand.RunAt(deadline, lifetime_.Bind([this, ticket] { Expire(ticket); }));
  waiting_.emplace(ticket, Waiting{std::move(command), std::move(done), std::move(taken), timer});
  return ticket;
}

void Records::Admit(AppendCommand command, AppendDone done) {
  // Gone when the records are written and the answer is told, whichever is last.
  std::shared_ptr<const void> hold(
      nullptr, lifetime_.Bind([this, partition = command.partition, bytes = RoomOf(command)](
                                  const void*) { GiveBack(partition, bytes); }));
  auto partition = LedForAppend(command);
  if (!partition) return done(std::unexpected(partition.error()));
  auto admitted = partitions_->AdmitAppend(command.partition, command.batch.size());
  if (!admitted) return done(std::unexpected(admitted.error()));
  const Duration timeout = TimeoutOf(command);
  (*partition)
      ->Append(std::move(command.batch), command.acks, timeout, std::move(done),
               log::Origin::kClient, std::move(hold));
}

void Records::Withdraw(AppendRoom::Ticket ticket) {
  auto waiting = waiting_.extract(ticket);
  if (waiting.empty()) return;
  host_.strand.Cancel(waiting.mapped().timer);
  append_room_.Leave(ticket);
  ServeLineSoon();
}

void Records::Expire(AppendRoom::Ticket ticket) {
  auto waiting = waiting_.extract(ticket);
  if (waiting.empty()) return;
  append_room_.Leave(ticket);
  ServeLineSoon();
  waiting.mapped().done(std::unexpected(NoRoom()));
  waiting.mapped().taken();
}

void Records::GiveBack(const PartitionId& partition, int64_t bytes) {
  append_room_.GiveBack(partition, bytes);
  ServeLineSoon();
}

void Records::ServeLineSoon() {
  if (waiting_.empty() || std::exchange(is_serving_posted_, true)) return;
  host_.strand.Post(lifetime_.Bind([this] {
    is_serving_posted_ = false;
    ServeLine();
  }));
}

void Records::ServeLine() {
  while (auto ticket = append_room_.Next()) {
    auto next = waiting_.extract(*ticket);
    Waiting& waiting = next.mapped();
    host_.strand.Cancel(waiting.timer);
    Admit(std::move(waiting.command), std::move(waiting.done));
    waiting.taken();
  }
}

partition::Partition::WaitId Records::Fetch(const Caller&, const FetchCommand& command,
                                            Callback<void(Answer<partition::FetchOutcome>)> done) {
  const bool any = !command.rack.empty();
  partition::Partition* here = partitions_->Find(command.partition);
  auto partition = any && here ? Answer<partition::Partition*>(here) : Led(command.partition);
  if (!partition) {
    done(std::unexpected(partition.error()));
    return 0;
  }
  if (auto elsewhere = SentElsewhere(command, **partition)) {
    done(std::move(*elsewhere));
    return 0;
  }
  auto hold = std::make_shared<ReadHold>(read_room_);
  auto grant = [hold, wanted = command.max_bytes] { return hold->Take(wanted); };
  return (*partition)
      ->Fetch(
          command.offset, command.max_bytes, command.max_wait,
          [hold, done = std::move(done)](Answer<partition::FetchOutcome> fetched) mutable {
            if (fetched) {
              hold->KeepFor(fetched->records);
              fetched->hold = std::move(hold);
            }
            done(std::move(fetched));
          },
          std::move(grant), any ? partition::ReadFrom::kAnyInSync : partition::ReadFrom::kLeader);
}

std::optional<partition::FetchOutcome> Records::SentElsewhere(
    const FetchCommand& command, const partition::Partition& partition) const {
  if (command.rack.empty() || !partition.leads()) return std::nullopt;
  auto nearest = NearestReplica(command.rack, partition.state().assignment.leader,
                                partition.InSyncWith(command.offset),
                                [this](NodeId node) { return partitions_->RackOf(node); });
  if (!nearest) return std::nullopt;
  return partition::FetchOutcome{.records = {},
                                 .next = command.offset,
                                 .high_watermark = partition.high_watermark(),
                                 .log_start = partition.log()->start(),
                                 .nearest = nearest,
                                 .hold = {}};
}

void Records::CancelFetch(PartitionId partition, partition::Partition::WaitId id) {
  if (auto* held = partitions_->Find(partition)) held->CancelFetch(id);
}

Answer<partition::OffsetsOutcome> Records::Offsets(const Caller&, PartitionId id) {
  auto partition = Led(id);
  if (!partition) return std::unexpected(partition.error());
  return (*partition)->Offsets();
}

void Records::OffsetForTime(const Caller&, PartitionId id, WallTime at,
                            Callback<void(Answer<std::optional<log::TimedOffset>>)> done) {
  auto partition = Led(id);
  if (!partition) return done(std::unexpected(partition.error()));
  (*partition)->OffsetForTime(at, std::move(done));
}

void Records::DeleteRecords(const Caller&, PartitionId id, std::optional<Offset> before,
                            Duration timeout, Callback<void(Answer<Offset>)> done) {
  auto partition = Led(id);
  if (!partition) return done(std::unexpected(partition.error()));
  if (auto may = partitions_->AdmitDelete(id); !may) return done(std::unexpected(may.error()));
  (*partition)->DeleteRecords(before, WithinBounds(timeout), std::move(done));
}

}  // namespace weir::broker
