// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/records.h"

#include <utility>

#include "storage/broker/partitions.h"

namespace weir::broker {
namespace {

constexpr Duration kAppendTimeoutDefault = std::chrono::seconds(30);
constexpr Duration kAppendTimeoutMost = std::chrono::minutes(15);

}  // namespace

Answer<partition::Partition*> Records::Led(PartitionId id) const {
  partition::Partition* partition = partitions_->Find(id);
  if (partition == nullptr) return std::unexpected(partitions_->WhyNotHere(id));
  if (!partition->leads()) return std::unexpected(partitions_->WhyNotLed(id));
  return partition;
}

void Records::Append(const Caller&, AppendCommand command,
                     Callback<void(Answer<partition::AppendOutcome>)> done) {
  if (command.acks < -1 || command.acks > 1) {
    return done(Refuse(ErrorCode::kInvalidRequiredAcks,
                       "acks must be -1 (all), 1 (the leader) or 0 (nobody), not " +
                           std::to_string(command.acks)));
  }
  auto partition = Led(command.partition);
  if (!partition) return done(std::unexpected(partition.error()));
  LeaderEpoch epoch = (*partition)->state().assignment.leader_epoch;
  if (command.leader_epoch && *command.leader_epoch != epoch) {
    bool old = *command.leader_epoch < epoch;
    return done(Refuse(old ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch,
                       "the leader epoch here is " + std::to_string(epoch.value()) + ", not " +
                           std::to_string(command.leader_epoch->value()) + ": locate again"));
  }
  auto admitted = partitions_->AdmitAppend(command.partition, command.batch.size());
  if (!admitted) return done(std::unexpected(admitted.error()));
  Duration timeout = command.timeout;
  if (timeout <= Duration::zero()) timeout = kAppendTimeoutDefault;
  (*partition)
      ->Append(std::move(command.batch), command.acks, std::min(timeout, kAppendTimeoutMost),
               std::move(done));
}

partition::Partition::WaitId Records::Fetch(const Caller&, const FetchCommand& command,
                                            Callback<void(Answer<partition::FetchOutcome>)> done) {
  auto partition = Led(command.partition);
  if (!partition) {
    done(std::unexpected(partition.error()));
    return 0;
  }
  return (*partition)->Fetch(command.offset, command.max_bytes, command.max_wait, std::move(done));
}

void Records::CancelFetch(PartitionId partition, partition::Partition::WaitId id) {
  if (auto* held = partitions_->Find(partition)) held->CancelFetch(id);
}

Answer<partition::OffsetsOutcome> Records::Offsets(const Caller&, PartitionId id) {
  auto partition = Led(id);
  if (!partition) return std::unexpected(partition.error());
  return (*partition)->Offsets();
}

}  // namespace weir::broker
