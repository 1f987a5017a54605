// SPDX-License-Identifier: Apache-2.0
// One replica of one partition, as a pure state machine: what it may show, whom it counts, where it
// cuts. It holds positions, never records; time arrives as an argument; what is to be done leaves
// as effects (TakeEffects). Kafka's Partition.scala and AbstractFetcherThread are the model.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/planted_bug.h"
#include "common/base/time.h"
#include "common/collections/epoch_history.h"

namespace weir::replica {

using LeaderEpochs = EpochHistory<LeaderEpoch, Offset>;

struct ReplicaConfig {
  // An in-sync replica that has lacked something for this long leaves the ISR.
  Duration lag_max = std::chrono::seconds(10);
  // Between a refused ask for an ISR and the next.
  Duration ask_backoff = std::chrono::milliseconds(200);
  // Between a refused Follow and the next; doubles up to the last.
  Duration follow_backoff = std::chrono::milliseconds(20);
  Duration follow_backoff_max = std::chrono::milliseconds(250);
};

// What the cluster's image says of a replica's node.
struct Member {
  // Of its present registration.
  NodeEpoch epoch = kNoNodeEpoch;
  // Registered, unfenced, not stopping, and with the replica's directory: it may join an ISR.
  bool active = false;
  bool operator==(const Member&) const = default;
};

// What the cluster's image says of the partition.
struct Assignment {
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  PartitionEpoch partition_epoch{-1};
  // This node among them, or it neither leads nor follows.
  std::map<NodeId, Member> replicas;
  std::set<NodeId> isr;
  // min.insync.replicas as configured; never more than there are replicas counts.
  int32_t min_isr = 1;
  // `flush`: only what is on stable storage counts; `cache`: what is written counts.
  bool flush = true;
  bool operator==(const Assignment&) const = default;
};

// The local log, as far as the rules care. Invariant: start <= durable <= written <= end.
struct Positions {
  Offset start;
  Offset end;
  Offset written;
  Offset durable;
  // Of the last batch; kNoLeaderEpoch where there is none.
  LeaderEpoch last_epoch = kNoLeaderEpoch;
  bool operator==(const Positions&) const = default;
};

// A follower's wish, as the leader hears it.
struct FollowRequest {
  NodeId node = kNoNode;
  NodeEpoch node_epoch = kNoNodeEpoch;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  Offset offset;
  LeaderEpoch last_epoch = kNoLeaderEpoch;
  Offset flushed;
  // Where its log begins.
  Offset start{0};
};

struct Accepted {
  bool operator==(const Accepted&) const = default;
};
struct Diverging {
  LeaderEpoch epoch;
  Offset end;
  bool operator==(const Diverging&) const = default;
};
struct Refused {
  ErrorCode code;
  bool operator==(const Refused&) const = default;
};
using FollowAnswer = std::variant<Accepted, Diverging, Refused>;

// Effects.
struct RaiseHighWatermark {
  Offset to;
  bool operator==(const RaiseHighWatermark&) const = default;
};
struct AskIsr {
  LeaderEpoch leader_epoch;
  PartitionEpoch partition_epoch;
  std::map<NodeId, NodeEpoch> isr;
  bool operator==(const AskIsr&) const = default;
};
// Be connected to this node, and say StreamOpened when that is so; Disconnect ends it.
struct Connect {
  NodeId leader;
  bool operator==(const Connect&) const = default;
};
struct Disconnect {
  NodeId leader;
  bool operator==(const Disconnect&) const = default;
};
struct FollowFrom {
  NodeId leader;
  int64_t follow_id;
  FollowRequest request;
};
struct Acknowledge {
  NodeId leader;
  LeaderEpoch leader_epoch;
  Offset appended;
  Offset flushed;
};
// Cut the local log; then say Cut. No other input but LocalMoved comes in between.
struct TruncateTo {
  Offset end;
  bool operator==(const TruncateTo&) const = default;
};
struct RestartAt {
  Offset start;
  bool operator==(const RestartAt&) const = default;
};
using Effect = std::variant<RaiseHighWatermark, AskIsr, Connect, Disconnect, FollowFrom,
                            Acknowledge, TruncateTo, RestartAt>;

class Replica {
 public:
  // At `now`, later than that of any earlier Replica of this partition in this process: what
  // answers a Follow of theirs is then known as such. `known_high_watermark` is what an earlier
  // process had: a lower bound, as far as the log still goes.
  Replica(NodeId self, ReplicaConfig config, Positions positions, Instant now,
          Offset known_high_watermark = Offset(0));

  // The partition's record, or the registration of one of its nodes, has changed. A record older
  // than the present one is ignored.
  void Apply(const Assignment& assignment, Instant now);

  // The local log has moved: appended, written, synced.
  void LocalMoved(const Positions& positions, Instant now);
  // The cut that was asked for is done.
  void Cut(const Positions& positions, Instant now);

  // As leader. `epochs` are the local log's.
  FollowAnswer FollowerFollows(const FollowRequest& request, const LeaderEpochs& epochs,
                               Instant now);
  void FollowerAcked(NodeId node, Offset appended, Offset flushed, Instant now);
  void FollowerStartsAt(NodeId node, Offset start);
  void FollowerGone(NodeId node, Instant now);
  void IsrRefused(PartitionEpoch partition_epoch, ErrorCode code, Instant now);
  // There is a new session with the controller: an ask that waits for its answer is lost or
  // decided, and is sent again. (Never twice on one session: a refusal then would not be the last
  // word on the set that was asked for.)
  void SessionRenewed();

  // As follower. What belongs to another leader epoch or an earlier Follow is ignored.
  void StreamOpened(Instant now);
  void StreamEnded(Instant now);
  // Whether records that begin at `offset` are to be appended. If not, the answer to a next Follow
  // will bring what is right.
  bool TakesData(LeaderEpoch epoch, int64_t follow_id, Offset offset, Instant now);
  // What TakesData let in could not be appended.
  void DataRefused(Instant now);
  void LeaderHighWatermark(LeaderEpoch epoch, int64_t follow_id, Offset high_watermark);
  // `own` are the local log's epochs.
  void LeaderDiverges(LeaderEpoch epoch, int64_t follow_id, Diverging where,
                      const LeaderEpochs& own, Instant now);
  void LeaderRefuses(LeaderEpoch epoch, int64_t follow_id, ErrorCode code, Offset leader_start,
                     Instant now);

  void Tick(Instant now);
  Instant NextDeadline() const;

  bool has_effects() const { return !effects_.empty(); }
  std::vector<Effect> TakeEffects() { return std::exchange(effects_, {}); }

  bool leads() const { return std::holds_alternative<Leading>(role_); }
  // The role waits for a cut of the local log.
  bool is_cutting() const;
  const Assignment& assignment() const { return assignment_; }
  // As a follower: what is below its high watermark may be shown. Not before its log is known to be
  // a prefix of the leader's, and only while it is in sync: others may be far behind.
  bool MayShow() const;
  // As leader: who else is in sync and holds `offset`, and how far its log goes.
  std::map<NodeId, Offset> InSyncWith(Offset offset) const;
  // As leader: the followers whose logs hold all of [from, to), as it stands here.
  std::vector<NodeId> HoldersOf(Offset from, Offset to) const;
  // As leader: no log of a replica in sync begins before it, its own included.
  Offset LowWatermark() const;
  // The local log is the leader's, or is known to be the front of it.
  bool SharesLeadersLog() const;
  Offset high_watermark() const { return high_watermark_; }
  // As leader: its high watermark has reached all that an earlier leader may have shown. Until then
  // it may be lower than clients were told before (KIP-207).
  bool KnowsHighWatermark() const;
  // Grants in force: |ISR| as granted, and what it must not fall below.
  bool IsUnderMinIsr() const;
  // One past what is safe on this replica alone, as the topic's durability counts.
  Offset counted() const { return Counted(positions_.written, positions_.durable); }
  // As leader: granted and asked together. The high watermark satisfies both.
  std::set<NodeId> MaximalIsr() const;

 private:
  struct Offline {};

  struct Following {
    enum class Phase {
      kWaiting,     // For the stream, for the local log to be written, for the back-off.
      kAsked,       // A Follow is under way.
      kReconciled,  // The leader took the Follow: our log is a prefix of its log.
      kCutting,     // The local log is being cut.
    };
    Phase phase = Phase::kWaiting;
    bool stream_open = false;
    // Of the last Follow sent.
    int64_t follow_id = 0;
    Instant follow_not_before;
    Duration backoff{};
    Offset leader_high_watermark;
    // What the leader was told last.
    Offset acked_appended;
    Offset acked_flushed;
  };

  struct Progress {
    bool is_following = false;
    // With which it follows.
    NodeEpoch epoch = kNoNodeEpoch;
    // Where its log began when it followed.
    Offset start;
    // What it said it has. Nothing until it was heard in this leader epoch: that holds the high
    // watermark back.
    Offset appended;
    Offset flushed;
    // The latest time at which it is known to have had all that the leader had.
    std::optional<Instant> caught_up;
  };

  // Until `time`, nothing at or above `end` was written here.
  struct Mark {
    Instant time;
    Offset end;
  };

  struct Leading {
    // Where this leader's own records begin. Who has not reached it may lack what an earlier
    // leader committed, and does not join the ISR.
    Offset epoch_start;
    std::map<NodeId, Progress> followers;
    // Asked for, not yet granted. The high watermark must satisfy both sets until it is.
    std::optional<std::set<NodeId>> isr_asked;
    Instant ask_not_before;
    // Ascending; none older than what decides about a lag.
    std::deque<Mark> marks;
  };

  void BecomeLeader(Instant now);
  void BecomeFollower(const Assignment& before, Instant now);
  void UpdateLeading(Leading& leading, bool is_new_record, Instant now);
  void UpdateFollowing(Following& following, const Assignment& before, Instant now);

  void RaiseTo(Offset to);
  // Raises the high watermark as far as all allow, then asks for another ISR if one is due.
  void Review(Leading& leading, Instant now);
  void ReviewIsr(Leading& leading, Instant now);
  void RaiseAsLeader(const Leading& leading, Instant now);
  std::set<NodeId> DesiredIsr(const Leading& leading, Instant now) const;
  void SendAsk(const Leading& leading);
  void NoteWritten(Leading& leading, Offset before, Instant now);
  void NoteCaughtUp(const Leading& leading, Progress& progress, Instant now) const;
  std::optional<Refused> WhyNotFollowed(const FollowRequest& request) const;
  Instant LeadingDeadline(const Leading& leading) const;

  Offset Counted(Offset appended, Offset flushed) const {
    if (PLANTED_BUG("replica: the page cache counts as the disk")) return appended;
    return assignment_.flush ? flushed : appended;
  }
  Offset Counted(const Progress& p) const { return Counted(p.appended, p.flushed); }
  bool IsCaughtUp(const Progress& progress, Instant now) const;
  bool IsEligible(NodeId node, const Progress& progress) const;
  bool MayJoin(const Leading& leading, NodeId node, const Progress& progress, Instant now) const;

  // The follower, if what arrives answers its last Follow in the present leader epoch.
  Following* Hears(LeaderEpoch epoch, int64_t follow_id);
  bool IsReadyToFollow(const Following& following) const;
  void FollowIfReady(Following& following, Instant now);
  void FollowLater(Following& following, Instant now);
  void AcknowledgeIfMoved(Following& following);
  void RaiseAsFollower(const Following& following);
  void CutTo(Following& following, Offset target);

  const NodeId self_;
  const ReplicaConfig config_;
  Assignment assignment_;
  Positions positions_;
  // Invariant: never falls, but by a cut of the local log below it.
  Offset high_watermark_;
  // Grows over all roles, so that answers to an earlier role's Follow are never taken for ours.
  int64_t last_follow_id_;
  // Of the last input.
  Instant now_;
  std::variant<Offline, Following, Leading> role_;
  std::vector<Effect> effects_;
};

}  // namespace weir::replica
