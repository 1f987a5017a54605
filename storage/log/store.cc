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
      synced_(recovered.end),
      epochs_(std::move(recovered.epochs)),
      producers_(std::move(recovered.producers)),
      segments_(std::move(recovered.segments)),
      damages_(std::move(recovered.damages)),
      has_folder_(recovered.has_folder),
      checkpoint_(std::move(recovered.checkpoint)),
      saved_epochs_(std::move(recovered.saved_epochs)),
      snapshots_(std::move(recovered.snapshots)),
      bytes_since_mark_(recovered.scanned_bytes),
      checkpointed_at_(host.clock.Now()) {
  // What is damaged is not written behind.
  const auto reaches_last = [&](const Damage& d) { return d.to > segments_.back()->base(); };
  has_active_ = !segments_.empty() && segments_.back()->bytes() > 0 && !recovered.last_is_closed &&
                std::ranges::none_of(damages_, reaches_last);
  for (const SegmentPointer& segment : segments_) {
    if (segment->file.written_at.ms > 0) continue;
    segment->file.written_at = segment->created = host.clock.WallNow();
  }
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
  Enqueue(header, pieces, now);
  StartWriting();
  return Appended{header.base_offset, header.last_offset(), false,
                  append_time(header.max_timestamp), std::move(pieces)};
}

Answer<void> Store::AppendAsFollower(Bytes batches, LeaderEpoch epoch) {
  if (auto may = MayAppend(epoch); !may) return may;
  LeaderEpoch least = epochs_.latest().value_or(LeaderEpoch(0));
  const Gaps gaps = options_.compacted ? Gaps::kAllowed : Gaps::kRefused;
  const Offset next = NextFromLeader(batches);
  auto admitted = AdmitFromLeader(std::move(batches), next, least, epoch, gaps);
  if (!admitted) return std::unexpected(admitted.error());
  const Producers before =
      PLANTED_BUG("log: a follower forgets producers") ? producers_ : Producers();
  const WallTime now = host_.clock.WallNow();
  producers_.Forget(now, options_.admission.forgets_producers_after);
  if (next < end_) BeginBelowStart(next);
  for (auto& batch : *admitted) Enqueue(batch.header, {std::move(batch.bytes)}, now);
  if (PLANTED_BUG("log: a follower forgets producers")) producers_ = before;
  if (next < start_) epochs_.DropBefore(start_);
  StartWriting();
  return {};
}

// The leader's log may begin within a batch, which it sends whole; and so may this one.
Offset Store::NextFromLeader(const Bytes& batches) const {
  auto first = records::ParseHeader(batches.view());
  const bool is_empty = start_ == end_ && segments_.empty() && pending_.empty();
  if (!first || !is_empty || first->base_offset >= end_ || first->end_offset() <= end_) return end_;
  return first->base_offset;
}

// The log's start divides its first batch, which has an epoch of its own.
void Store::BeginBelowStart(Offset base) {
  end_ = base;
  epochs_.TruncateTo(base);
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

void Store::Enqueue(const BatchHeader& header, Pieces pieces, WallTime now) {
  CHECK_GE(header.base_offset, end_);
  CHECK_EQ(SizeOf(pieces), header.size());
  Pending pending{header, std::move(pieces), false, nullptr, nullptr};
  if (planned_.bytes == 0) {
    pending.begins = true;
  } else if (MustRoll(planned_, options_.roll, planned_jitter_ms_, planned_created_, header, now)) {
    pending.begins = true;
    pending.rolls = std::make_shared<const Folds>(epochs_, producers_);
    bytes_since_mark_ = 0;
  }
  if (journaled_) {
    // Where the log's start divides its first batch, that begins below what was there.
    const Offset base = std::max(end_, start_);
    journaled_->Append(base, header.end_offset(), header.leader_epoch, pending.pieces);
  }
  if (pending.begins) BeginPlanned(header.base_offset, now);
  planned_.Add(header, options_.index_interval_bytes, nullptr);
  epochs_.Assign(header.leader_epoch, header.base_offset);
  producers_.Apply(header);
  end_ = header.end_offset();
  bytes_since_mark_ += header.size();
  if (wants_mark_ || bytes_since_mark_ >= options_.recovery_bytes) {
    pending.marks = std::make_shared<const Folds>(epochs_, producers_);
    wants_mark_ = false;
    bytes_since_mark_ = 0;
  }
  pending_.push_back(std::move(pending));
}

void Store::BeginPlanned(Offset base, WallTime now) {
  planned_ = SegmentFold(base);
  planned_created_ = now;
  planned_jitter_ms_ = 0;
  const int64_t jitter_max = std::min(options_.roll.jitter_ms, options_.roll.ms);
  if (jitter_max > 0) {
    planned_jitter_ms_ =
        static_cast<int64_t>(host_.random.Next() % static_cast<uint64_t>(jitter_max));
  }
}

void Store::PlanFromFiles() {
  BeginPlanned(end_, host_.clock.WallNow());
  if (!has_active_) return;
  planned_ = segments_.back()->file.fold;
  planned_created_ = segments_.back()->created;
}

void Store::SetOptions(const LogOptions& options) {
  CHECK_EQ(options.flush, options_.flush) << "what is durable is not changed under way";
  CHECK_EQ(options.compacted, options_.compacted) << "recovery would not know of the gaps";
  options_ = options;
}

std::unexpected<Error> Store::Closed() const {
  if (failed_) return std::unexpected(*failed_);
  return weir::Fail(Error::Kind::kUnavailable, "the log in " + folder_ + " is closed");
}

void Store::ReportDamage(Damage damage) {
  for (const Damage& known : damages_) {
    if (known.from <= damage.from && damage.to <= known.to) return;
  }
  LOG(ERROR) << damage.file << " is damaged at position " << damage.position << ", offsets "
             << damage.from << " to " << damage.to << ": " << damage.what;
  damages_.push_back(damage);
  if (events_ != nullptr) events_->OnDamaged(damage);
}

void Store::Fail(const Error& error) {
  if (failed_) return;
  failed_ = error;
  if (error.kind == Error::Kind::kFull) {
    failed_->message = "no space is left on the disk of " + folder_ + " (" + error.message +
                       "); free some, and start the node again";
  }
  pending_.clear();
  if (journaled_) journaled_->GiveUpUnwritten();
  if (events_ != nullptr) events_->OnFailed(*failed_);
}

void Store::Abandon() {
  abandoned_ = true;
  events_ = nullptr;
  pending_.clear();
  if (journaled_) journaled_->Leave();
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
