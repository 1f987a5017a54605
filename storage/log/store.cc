// SPDX-License-Identifier: Apache-2.0
#include "storage/log/store.h"

#include <glog/logging.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/log/admission.h"

namespace weir::log {

using records::BatchHeader;

Store::Store(host::Host host, std::string folder, LogOptions options, LogEvents* events,
             Recovered recovered)
    : host_(host),
      folder_(std::move(folder)),
      options_(options),
      events_(events),
      start_(recovered.start),
      end_(recovered.end),
      written_(recovered.end),
      durable_(recovered.end),
      epochs_(std::move(recovered.epochs)),
      producers_(std::move(recovered.producers)),
      segments_(std::move(recovered.segments)),
      has_folder_(recovered.has_folder),
      checkpoint_end_(recovered.checkpoint_end) {
  PlanFromFiles();
}

Answer<Appended> Store::AppendAsLeader(Bytes batch, LeaderEpoch epoch, Origin origin,
                                       WallTime now) {
  if (auto may = MayAppend(epoch); !may) return std::unexpected(may.error());
  const AdmissionRules& rules = options_.admission;
  auto admitted = AdmitFromProducer(std::move(batch), origin, rules, options_.max_batch_bytes, now);
  if (!admitted) return std::unexpected(admitted.error());
  BatchHeader& header = admitted->header;
  producers_.Forget(now, rules.forgets_producers_after);
  auto judged = producers_.Judge(header);
  if (!judged) return std::unexpected(judged.error());
  auto append_time = [&](WallTime timestamp) {
    return rules.stamps_append_time ? timestamp : WallTime{-1};
  };
  if (*judged) {
    const Producers::Batch& original = **judged;
    return Appended{original.first, original.last, true, append_time(original.timestamp)};
  }
  header.base_offset = end_;
  header.leader_epoch = epoch;
  Pieces pieces = admitted->Stamped(end_, epoch);
  Enqueue(header, pieces);
  StartWriting();
  return Appended{header.base_offset, header.last_offset(), false,
                  append_time(header.max_timestamp), std::move(pieces)};
}

Answer<void> Store::AppendAsFollower(Bytes batches, LeaderEpoch epoch) {
  if (auto may = MayAppend(epoch); !may) return may;
  LeaderEpoch least = epochs_.latest().value_or(LeaderEpoch(0));
  auto admitted = AdmitFromLeader(std::move(batches), end_, least, epoch);
  if (!admitted) return std::unexpected(admitted.error());
  const Producers before =
      PLANTED_BUG("log: a follower forgets producers") ? producers_ : Producers();
  producers_.Forget(host_.clock.WallNow(), options_.admission.forgets_producers_after);
  for (auto& batch : *admitted) Enqueue(batch.header, {std::move(batch.bytes)});
  if (PLANTED_BUG("log: a follower forgets producers")) producers_ = before;
  StartWriting();
  return {};
}

Answer<void> Store::MayAppend(LeaderEpoch epoch) const {
  if (failed_) {
    return Refuse(ErrorCode::kKafkaStorageError,
                  "the log takes nothing more since its disk failed: " + failed_->message);
  }
  if (closed_) return Refuse(ErrorCode::kKafkaStorageError, "the log is closed");
  if (changes_ > 0) {
    return Refuse(ErrorCode::kKafkaStorageError, "the log is being cut; try again when it is");
  }
  LeaderEpoch latest = epochs_.latest().value_or(LeaderEpoch(0));
  if (epoch < latest) {
    return Refuse(ErrorCode::kFencedLeaderEpoch,
                  "leader epoch " + std::to_string(epoch.value()) + " is over; the log has " +
                      "batches of epoch " + std::to_string(latest.value()));
  }
  return {};
}

void Store::Enqueue(const BatchHeader& header, Pieces pieces) {
  CHECK_EQ(header.base_offset, end_);
  CHECK_EQ(SizeOf(pieces), header.size());
  // Kafka's index has 32 bits for a position, and for an offset.
  constexpr uint64_t kSegmentBytesMax = std::numeric_limits<int32_t>::max();
  uint64_t limit = std::min(options_.segment_bytes, kSegmentBytesMax);
  Pending pending{header.base_offset, header.last_offset(), header.size(), std::move(pieces), {}};
  bool is_full = planned_bytes_ + header.size() > limit ||
                 header.last_offset() - planned_base_ > std::numeric_limits<int32_t>::max();
  if (planned_bytes_ > 0 && is_full) {
    pending.rolls = std::make_shared<const Folds>(epochs_, producers_);
    planned_bytes_ = 0;
  }
  if (planned_bytes_ == 0) planned_base_ = header.base_offset;
  planned_bytes_ += header.size();
  epochs_.Assign(header.leader_epoch, header.base_offset);
  producers_.Apply(header);
  end_ = header.end_offset();
  pending_.push_back(std::move(pending));
}

void Store::PlanFromFiles() {
  planned_bytes_ = segments_.empty() ? 0 : segments_.back().bytes;
  planned_base_ = segments_.empty() ? end_ : segments_.back().base;
}

void Store::Fail(const Error& error) {
  if (failed_) return;
  failed_ = error;
  if (error.kind == Error::Kind::kFull) {
    failed_->message = "no space is left on the disk of " + folder_ + " (" + error.message +
                       "); free some, and start the node again";
  }
  pending_.clear();
  if (events_ != nullptr) events_->OnFailed(*failed_);
}

void Store::Abandon() {
  abandoned_ = true;
  events_ = nullptr;
  pending_.clear();
  auto dropped = std::exchange(waiters_, {});
}

host::Task<void> Store::Settled() {
  co_await host::AwaitDone([this](auto done) { waiters_.push_back(std::move(done)); });
}

void Store::Wake() {
  for (auto& waiter : std::exchange(waiters_, {})) waiter();
}

Store::Busy::~Busy() {
  if (has_ended_) return;
  *flag_ = false;
  auto dropped = std::exchange(store_->waiters_, {});
}

void Store::Busy::End() {
  has_ended_ = true;
  *flag_ = false;
  store_->Wake();
}

}  // namespace weir::log
