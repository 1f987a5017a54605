// SPDX-License-Identifier: Apache-2.0
// Where a log begins, and which of its records is of a time: what is asked of a leader. What it
// deletes its followers delete.
#include <glog/logging.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "common/base/planted_bug.h"
#include "storage/partition/partition.h"

namespace weir::partition {
namespace {

template <class T>
void RefuseLater(host::Strand& strand, Callback<void(Answer<T>)> done, Refusal refusal) {
  strand.Post([done = std::move(done), refusal = std::move(refusal)]() mutable {
    done(std::unexpected(std::move(refusal)));
  });
}

}  // namespace

void Partition::OffsetForTime(WallTime at,
                              Callback<void(Answer<std::optional<log::TimedOffset>>)> done) {
  using Found = std::optional<log::TimedOffset>;
  // Until then, a record that was shown may not be found.
  if (auto offsets = Offsets(); !offsets) {
    return RefuseLater<Found>(host_.strand, std::move(done), offsets.error());
  }
  log_->OffsetForTime(at, high_watermark(),
                      lifetime_.Bind([this, done = std::move(done)](Result<Found> found) mutable {
                        if (found && leading_) return done(*found);
                        if (!leading_) return done(std::unexpected(NotLeader()));
                        std::ostringstream words;
                        words << "looking for a time in " << id_ << ": " << found.error();
                        done(Refuse(ErrorCode::kKafkaStorageError, words.str()));
                      }));
}

void Partition::DeleteRecords(std::optional<Offset> before, Duration timeout,
                              Callback<void(Answer<Offset>)> done) {
  if (!leading_) return RefuseLater<Offset>(host_.strand, std::move(done), NotLeader());
  const Offset start = before.value_or(high_watermark());
  if (start < Offset(0) || start > high_watermark()) {
    std::ostringstream words;
    words << "cannot delete up to offset " << start << ": what is committed of " << id_
          << " ends at " << high_watermark();
    return RefuseLater<Offset>(host_.strand, std::move(done),
                               {ErrorCode::kOffsetOutOfRange, words.str()});
  }
  const Instant deadline = host_.clock.Now() + timeout;
  log_->DeleteBefore(start, lifetime_.Bind([this, start, deadline,
                                            done = std::move(done)](Result<void> deleted) mutable {
    if (!leading_) return done(std::unexpected(NotLeader()));
    if (!deleted) {
      return done(Refuse(ErrorCode::kKafkaStorageError, deleted.error().message));
    }
    waiting_for_start_.emplace(start, DeleteWait{std::move(done), deadline});
    ArmTimer(deadline);
    Settle();
  }));
}

void Partition::AnswerDeletes() {
  if (!leading_ || waiting_for_start_.empty()) return;
  Offset low = replica_->LowWatermark();
  if (PLANTED_BUG("partition: deleted before others know")) low = log_->start();
  while (!waiting_for_start_.empty() && waiting_for_start_.begin()->first <= low) {
    auto first = waiting_for_start_.extract(waiting_for_start_.begin());
    first.mapped().done(low);
  }
}

void Partition::FollowStart(LeaderEpoch epoch, Offset leaders) {
  if (shared_epoch() != epoch || leading_) return;
  const Offset start = std::min(leaders, log_->written());
  if (start <= std::max(log_->start(), start_followed_)) return;
  start_followed_ = start;
  log_->DeleteBefore(start, lifetime_.Bind([this](const Result<void>& deleted) {
    if (deleted) return;
    LOG(WARNING) << "deleting the front of " << id_ << ": " << deleted.error();
    start_followed_ = Offset(0);
  }));
}

void Partition::TellStart() {
  const bool follows = connected_ && replica_ && !is_busy() && !is_closing_ && !failure_ &&
                       replica_->SharesLeadersLog();
  if (!follows || held_ack_) return;
  const replica::Assignment& now = replica_->assignment();
  held_ack_ = replica::Acknowledge{now.leader, now.leader_epoch, log_->written(), log_->durable()};
  SendAck();
}

}  // namespace weir::partition
