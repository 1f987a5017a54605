// SPDX-License-Identifier: Apache-2.0
// What is damaged here and whole elsewhere. Two logs that both share the leader's in one epoch are
// the same as far as both go, whatever the roles: so a follower is mended from its leader, and a
// leader from a follower, and neither has to say that it has less than it had.
#include <glog/logging.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "storage/partition/partition.h"

namespace weir::partition {

void Partition::OnDamaged(const log::Damage&) {
  host_.strand.Post(lifetime_.Bind([this] {
    if (!is_closing_) hooks_->Damaged(id_);
  }));
}

std::optional<LeaderEpoch> Partition::shared_epoch() const {
  const bool stands = log_ && replica_ && !is_busy() && !is_closing_ && !failure_;
  if (!stands) return std::nullopt;
  if (!replica_->SharesLeadersLog()) return std::nullopt;
  return replica_->assignment().leader_epoch;
}

std::vector<NodeId> Partition::HoldersOf(Offset from, Offset to) const {
  if (!shared_epoch()) return {};
  if (leading_) return replica_->HoldersOf(from, to);
  return {replica_->assignment().leader};
}

void Partition::Diagnose(Callback<void(Result<std::optional<log::Damage>>)> done) {
  if (log_ && !is_busy() && !is_closing_ && !failure_) return log_->Diagnose(std::move(done));
  host_.strand.Post([done = std::move(done)]() mutable {
    done(weir::Fail(Error::Kind::kUnavailable, "its log is being opened, cut or closed"));
  });
}

void Partition::Mend(LeaderEpoch epoch, Bytes batches, Callback<void(Result<void>)> done) {
  if (shared_epoch() == epoch) return log_->Mend(std::move(batches), std::move(done));
  host_.strand.Post([done = std::move(done)]() mutable {
    done(weir::Fail(Error::Kind::kUnavailable, "another leads since it was copied"));
  });
}

void Partition::CopyFor(LeaderEpoch epoch, Offset from, Offset to, size_t max_bytes,
                        Callback<void(Answer<Bytes>)> done) {
  auto refuse = [&](ErrorCode code, std::string why) {
    host_.strand.Post([done = std::move(done), code, why = std::move(why)]() mutable {
      done(Refuse(code, std::move(why)));
    });
  };
  const auto shared = shared_epoch();
  if (!shared) {
    return refuse(ErrorCode::kNotLeaderOrFollower,
                  "this log is not known to be the leader's, or the front of it");
  }
  if (*shared != epoch) {
    return refuse(epoch < *shared ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch,
                  "the leader epoch here is " + std::to_string(shared->value()));
  }
  if (from < log_->start() || from >= to || to > log_->written()) {
    std::ostringstream words;
    words << "offsets " << from << " to " << to << " are not all here: the log has "
          << log_->start() << " to " << log_->written();
    return refuse(ErrorCode::kOffsetOutOfRange, words.str());
  }
  log_->Read(from, to, max_bytes,
             lifetime_.Bind([this, epoch, done = std::move(done)](Result<Bytes> read) mutable {
               if (!read) return done(Refuse(ErrorCode::kKafkaStorageError, read.error().message));
               if (shared_epoch() != epoch) {
                 return done(Refuse(ErrorCode::kNotLeaderOrFollower, "another leads meanwhile"));
               }
               done(std::move(*read));
             }));
}

}  // namespace weir::partition
