// SPDX-License-Identifier: Apache-2.0
// One partition on this node: owns its log and its replica::Replica, carries out what the replica
// decides, and holds the requests that wait. It has no rules of its own.
//
// One strand. Callbacks and hooks never come within the call that started them. Answers that a
// caller waits for come exactly once, unless the Partition is destroyed without Close.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/host/host.h"
#include "proto/node/session.pb.h"
#include "storage/journal/journal.h"
#include "storage/log/log.h"
#include "storage/partition/follower.h"
#include "storage/partition/follower_streams.h"
#include "storage/replica/replica.h"

namespace weir::partition {

// What the cluster's image says of this partition, as its node needs it.
struct PartitionState {
  replica::Assignment assignment;
  // `flush` is the assignment's, and `topic` the partition's own.
  log::LogOptions log;
  // While it is not in sync, a follower gets what this node's rate for throttled replicas allows,
  // and this node as a follower takes as much.
  bool throttled_as_leader = false;
  bool throttled_as_follower = false;
  bool operator==(const PartitionState&) const = default;
};

// What a partition tells its node.
class PartitionHooks {
 public:
  virtual ~PartitionHooks() = default;
  // To be sent on the present session with the controller, once; dropped where there is none, for
  // SessionRenewed asks again. The grant is a new PartitionState; a refusal goes to IsrRefused.
  virtual void AskIsr(const node::v1::ChangeIsr& ask) = 0;
  // Its log is open: it can serve.
  virtual void Opened(const PartitionId&) {}
  virtual void HighWatermarkRaised(const PartitionId& partition, Offset high_watermark) = 0;
  // The log was cut below it: an election had been unclean.
  virtual void HighWatermarkFell(const PartitionId&) {}
  // Leads since now, in this epoch; or does not any more.
  virtual void LeadershipChanged(const PartitionId& partition,
                                 std::optional<LeaderEpoch> leads) = 0;
  // Something of its log is damaged: as it was opened, or as it was found since.
  virtual void Damaged(const PartitionId&) {}
  // The disk failed. The partition neither leads nor follows from here on.
  virtual void Failed(const PartitionId& partition, const Error& error) = 0;
};

struct AppendOutcome {
  Offset first;
  Offset last;
  Offset log_start;
  // It had been written before, at these offsets.
  bool duplicate = false;
};

struct FetchOutcome {
  // Whole batches, from the one that holds the offset asked for; empty if none came in time.
  Bytes records;
  // One past the last record of `records`: where to fetch next.
  Offset next;
  Offset high_watermark;
  Offset log_start;
  // Another replica is nearer to whoever asks: nothing was read here.
  std::optional<NodeId> nearest;
  // Room that the records take: to be kept for as long as they are in memory.
  std::shared_ptr<const void> hold;
};

struct OffsetsOutcome {
  Offset log_start;
  Offset high_watermark;
  Offset log_end;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::vector<log::Damage> damages;
};

// Whom a fetch may be answered by.
enum class ReadFrom {
  kLeader,
  // Also a follower that is in sync, which shows what is below its own high watermark, a moment
  // later than the leader does.
  kAnyInSync,
};

// Hears what a follower's feed at the leader must know.
class FeedEvents {
 public:
  virtual ~FeedEvents() = default;
  // More is written, or the high watermark is higher.
  virtual void OnMoved() = 0;
  // This partition leads no longer, or in another epoch. The feed is forgotten by then.
  virtual void OnStopped() = 0;
};

class Partition : private log::LogEvents, private Follower {
 public:
  using WaitId = uint64_t;

  // Opens nothing until the first Apply. `hooks`, `streams` and `journal` outlive it.
  // `known_high_watermark`: as an earlier process wrote it down. Without a journal, `flush` syncs
  // file by file.
  Partition(host::Host host, PartitionId id, NodeId self, std::string folder, PartitionHooks* hooks,
            FollowerStreams* streams, replica::ReplicaConfig config = {},
            Offset known_high_watermark = Offset(0), journal::Journal* journal = nullptr);
  ~Partition() override;
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  // The image says something else of this partition, or of a node that replicates it. Takes effect
  // at once, or when the log is open and no cut is under way.
  void Apply(PartitionState state);

  // The disk under it failed, as others have found: it neither leads nor follows from here on.
  void Fail(const Error& error);

  // The answer to an AskIsr.
  void IsrRefused(PartitionEpoch partition_epoch, ErrorCode code);
  // A new session with the controller stands: call it on every partition.
  void SessionRenewed();

  // `acks`: -1 when the high watermark is past the batch, 1 when it is safe here, 0 at once.
  // NOT_ENOUGH_REPLICAS before anything is appended; NOT_ENOUGH_REPLICAS_AFTER_APPEND or
  // REQUEST_TIMED_OUT when `timeout` is over; NOT_LEADER_OR_FOLLOWER when leadership is lost: in
  // all three the batch may be in the log, and may yet be committed. `hold` is kept until the batch
  // is written and answered.
  void Append(Bytes batch, int acks, Duration timeout, Callback<void(Answer<AppendOutcome>)> done,
              log::Origin origin = log::Origin::kClient, std::shared_ptr<const void> hold = {});

  // The same without an answer to wait for: in the log at once, committed when the high watermark
  // has passed it, lost if leadership is lost before.
  Answer<AppendOutcome> AppendNow(Bytes batch, log::Origin origin,
                                  std::shared_ptr<const void> hold = {});

  // What is below the high watermark, from `offset`; waits up to `max_wait` for the first record.
  // A stream that follows the log calls it again with `next`. Returns an id for CancelFetch.
  // `grant`, where it is given, says when the reading begins how many bytes it may be instead.
  // A follower refuses with OFFSET_NOT_AVAILABLE what it cannot show (yet).
  WaitId Fetch(Offset offset, size_t max_bytes, Duration max_wait,
               Callback<void(Answer<FetchOutcome>)> done, Callback<size_t()> grant = nullptr,
               ReadFrom from = ReadFrom::kLeader);
  // Forgets a Fetch that waits, without an answer. One that does not wait is ignored.
  void CancelFetch(WaitId id);

  // Of the leader: who else is in sync and holds `offset`, and how far its log goes.
  std::map<NodeId, Offset> InSyncWith(Offset offset) const;

  // Only the leader answers; OFFSET_NOT_AVAILABLE until its high watermark is no lower than any
  // that was told before.
  Answer<OffsetsOutcome> Offsets() const;

  // Of the leader: the first record at `at` or later that can be read; nothing if there is none.
  void OffsetForTime(WallTime at, Callback<void(Answer<std::optional<log::TimedOffset>>)> done);

  // Of the leader: the log begins at `before` from now on; nothing: at the high watermark. The
  // answer comes when all in sync have done it, and is where their logs begin. OFFSET_OUT_OF_RANGE:
  // above the high watermark. REQUEST_TIMED_OUT: it is done here, and will be done by the others.
  void DeleteRecords(std::optional<Offset> before, Duration timeout,
                     Callback<void(Answer<Offset>)> done);

  // Whole batches below the high watermark, whoever leads; empty where there are none from
  // `offset`. The log must be open, and must not begin after `offset`.
  void ReadCommitted(Offset offset, size_t max_bytes, Callback<void(Result<Bytes>)> done);

  const PartitionId& id() const { return id_; }
  bool leads() const { return leading_.has_value(); }
  // The epoch in which it leads.
  std::optional<LeaderEpoch> leading() const { return leading_; }
  // The state applied last, or waiting to be.
  const PartitionState& state() const { return wanted_; }
  // The log is open: its replica can serve.
  bool is_open() const { return log_ != nullptr; }
  // Why it neither leads nor follows any more, if so.
  const std::optional<Error>& failure() const { return failure_; }
  const log::Log* log() const { return log_.get(); }
  // For compaction. Null while the log is being opened, cut or closed, and once it failed.
  log::Log* settled_log() const {
    return is_busy() || is_cut_under_way_ || is_closing_ || failure_ ? nullptr : log_.get();
  }
  // Where the log lies on the host's disk.
  const std::string& folder() const { return folder_; }
  Offset high_watermark() const;

  // To be called now and then: lets the log delete what it need not keep, up to the high watermark.
  void Upkeep();

  // Answers all who wait, syncs the log and marks it clean. Nothing else may be called after.
  void Close(Callback<void(Result<void>)> done);

  // For LeaderFeeds. A feed that was accepted hears of what moves until Unfollow or OnStopped;
  // a newer one of the same node stops the older.
  replica::FollowAnswer Follow(const replica::FollowRequest& request,
                               const std::shared_ptr<FeedEvents>& feed);
  void Acked(NodeId node, const FeedEvents* feed, Offset appended, Offset flushed, Offset start);
  void Unfollow(NodeId node, const FeedEvents* feed);
  // Whole batches that were appended here as leader from `offset` on, and are still in memory, for
  // they are not written yet: up to `max_bytes`, at least one. Nothing where there are none.
  struct Tail {
    Pieces records;
    Offset end;
  };
  std::optional<Tail> TailFrom(Offset offset, size_t max_bytes) const;
  bool HasTailFrom(Offset offset) const { return TailAt(offset) != unwritten_.end(); }
  // Whole batches from `offset` up to what is written, whatever the role.
  void ReadForFeed(Offset offset, size_t max_bytes, Callback<void(Result<Bytes>)> done);

  // For Healer (partition_healing.cc). As log::Log::Diagnose.
  void Diagnose(Callback<void(Result<std::optional<log::Damage>>)> done);
  // The nodes whose logs hold [from, to) as this one does, or did.
  std::vector<NodeId> HoldersOf(Offset from, Offset to) const;
  // The epoch in which the log is the leader's, or is known to be the front of it.
  std::optional<LeaderEpoch> shared_epoch() const;
  // What the log of another node holds that shares the leader's in `epoch`, as this one must.
  void Mend(LeaderEpoch epoch, Bytes batches, Callback<void(Result<void>)> done);
  // For such another node. NOT_LEADER_OR_FOLLOWER or FENCED_LEADER_EPOCH where this log is not, or
  // not in `epoch`, known to be the leader's; OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR.
  void CopyFor(LeaderEpoch epoch, Offset from, Offset to, size_t max_bytes,
               Callback<void(Answer<Bytes>)> done);

 private:
  struct AppendWait {
    AppendOutcome outcome;
    Callback<void(Answer<AppendOutcome>)> done;
    Instant deadline;
    std::shared_ptr<const void> hold;
  };
  struct FetchWait {
    Offset offset;
    size_t max_bytes;
    Callback<void(Answer<FetchOutcome>)> done;
    Callback<size_t()> grant;
    Instant deadline;
    // Its records are being read: no deadline any more.
    bool is_reading = false;
  };
  struct DeleteWait {
    Callback<void(Answer<Offset>)> done;
    Instant deadline;
  };
  // Appended, not yet written.
  struct Unwritten {
    Offset begin;
    Offset end;
    // As a follower: what the leader's stream is charged with.
    int64_t bytes = 0;
    // As a leader: the batch, and what its appender is charged with.
    Pieces stamped = {};
    std::shared_ptr<const void> hold = {};
  };

  void OnWritten(Offset end) override;
  void OnDurable(Offset end) override;
  void OnFailed(const Error& error) override;
  void OnStartMoved(Offset start) override;
  void OnDamaged(const log::Damage& damage) override;
  void OnStreamOpened() override;
  void OnStreamEnded() override;
  void OnLeaderMessage(const node::v1::FromLeader& header, Bytes records) override;
  void OnData(const node::v1::Data& data, Bytes records);

  void ApplyWanted();
  void Reopen();
  void OpenLog();
  void Opened(Result<std::unique_ptr<log::Log>> opened);
  void CloseLog();
  // No role can be taken now: the log is being opened, closed to be opened again, or cut.
  bool is_busy() const;

  void Moved();
  // Carries out what the replica decided, and answers who need wait no longer.
  void Settle();
  void CarryOut(const replica::RaiseHighWatermark& effect);
  void CarryOut(const replica::AskIsr& effect);
  void CarryOut(const replica::Connect& effect);
  void CarryOut(const replica::Disconnect& effect);
  void CarryOut(const replica::FollowFrom& effect);
  void CarryOut(const replica::Acknowledge& effect);
  void CarryOut(const replica::TruncateTo& effect);
  void CarryOut(const replica::RestartAt& effect);
  void CutDone(Result<void> cut);
  void LeadershipMayHaveChanged();
  void LeaveStream();
  // As a follower that is not in sync.
  bool IsThrottled() const;
  void SendAck();
  // The batch that begins at `offset`, if it was appended as leader and is still in memory.
  std::deque<Unwritten>::const_iterator TailAt(Offset offset) const;
  void ReleaseUnwritten(Offset written);
  // The stream is charged no more with what is still unwritten.
  void DischargeStream();
  void StopFeeds();
  void TellFeeds();
  // Once for all that is appended in this turn.
  void TellFeedsSoon();

  // As a follower: deletes what the leader has deleted.
  void FollowStart(LeaderEpoch epoch, Offset leaders);
  void TellStart();
  void AnswerDeletes();
  void AnswerAppends();
  void AnswerFetches();
  void ReadFor(WaitId id);
  void AnswerRead(WaitId id, Result<Bytes> read);
  FetchOutcome OutcomeOf(Bytes records, Offset next) const;
  // What may be shown here ends there.
  Offset ReadableEnd() const;
  // Why a fetch is not answered here.
  std::optional<Refusal> WhyNotRead(ReadFrom from) const;
  // It leads, or it follows and may show what it has.
  bool serves_reads() const;
  void RefuseFetches(const Refusal& refusal);
  void RefuseAll(const Refusal& refusal);
  // Answers whose deadline has come; returns the next one.
  Instant Expire(Instant now);
  void ArmTimer(Instant at);
  void OnTimer();

  replica::Positions PositionsOf() const;
  log::LogOptions OptionsOf(const PartitionState& state) const;
  Refusal NotLeader() const;

  host::Host host_;
  const PartitionId id_;
  const NodeId self_;
  const std::string folder_;
  PartitionHooks* const hooks_;
  FollowerStreams* const streams_;
  const replica::ReplicaConfig config_;
  const Offset known_high_watermark_;
  journal::Journal* const journal_;

  // The state applied last, or to be applied when nothing is in its way.
  PartitionState wanted_;
  bool has_wanted_ = false;
  log::LogOptions options_;
  std::unique_ptr<log::Log> log_;
  // There as soon as the log was open once.
  std::optional<replica::Replica> replica_;
  bool is_opening_ = false;
  bool is_closing_ = false;
  bool is_cut_under_way_ = false;
  std::optional<Error> failure_;
  Callback<void(Result<void>)> close_done_;

  // The epoch in which this node leads, as feeds and hooks were told.
  std::optional<LeaderEpoch> leading_;
  std::map<NodeId, std::weak_ptr<FeedEvents>> feeds_;
  bool is_raise_posted_ = false;
  bool is_telling_feeds_posted_ = false;
  // As follower: the leader's node whose stream is subscribed.
  std::optional<NodeId> connected_;
  std::deque<Unwritten> unwritten_;
  // Held back by the throttle: without it the leader sends no more than the credit.
  std::optional<replica::Acknowledge> held_ack_;
  // To which start the log is being brought, as the leader told it.
  Offset start_followed_;

  // By the end that must be reached: by the high watermark, or safe here.
  std::multimap<Offset, AppendWait> waiting_for_all_;
  std::multimap<Offset, AppendWait> waiting_for_local_;
  // By the start that all in sync must reach.
  std::multimap<Offset, DeleteWait> waiting_for_start_;
  std::map<WaitId, FetchWait> fetches_;
  WaitId last_wait_ = 0;
  // The high watermark up to which waiting fetches were answered.
  Offset answered_to_;

  host::Strand::TimerId timer_ = 0;
  Instant timer_at_ = Instant::Never();
  Lifetime lifetime_;
};

}  // namespace weir::partition
