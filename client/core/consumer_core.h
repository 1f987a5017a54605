// SPDX-License-Identifier: Apache-2.0
// A consumer of one topic as a pure state machine: answers and time in; effects out.
// Each partition's records are delivered in order, each once, none left out, across any change of
// leader. After every call, carry out TakeEffects() in order; call Tick at NextDeadline().
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "client/core/record.h"
#include "client/core/retry.h"
#include "client/core/routes.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::client {

struct ConsumerConfig {
  std::string topic;
  // Empty: all partitions.
  std::set<PartitionIndex> partitions;
  enum class Start { kEarliest, kLatest, kOffset };
  Start start = Start::kEarliest;
  // For kOffset: the first record wanted, of every partition.
  Offset offset;
  // And of these partitions instead.
  std::map<PartitionIndex, Offset> offsets = {};
  // Where the consumer stands: a replica in the same rack is read from, if there is one. Empty: the
  // leader is.
  std::string rack;
  // Finish at the high watermark that each partition had when it was first asked.
  bool until_end = false;
  // A stream that is silent for this long makes us ask whether the leader is still the leader.
  Duration doubt_after = std::chrono::seconds(2);
  Duration unknown_topic_patience = std::chrono::seconds(5);
  // Reading all partitions: what is older than this is asked again, for some may have been added.
  Duration route_age = std::chrono::seconds(30);
  // After a nearer replica has refused, or said nothing for a third of this, the leader is read
  // from this long.
  Duration nearest_age = std::chrono::seconds(30);
  // Without any answer for a partition for this long, the consumer fails; Duration::max(): never.
  Duration give_up_after = std::chrono::seconds(60);
};

// What a leader says of its log.
struct LogBounds {
  Offset log_start;
  Offset high_watermark;
  Offset log_end;
};

// One response of a leader, decoded.
struct FetchedRun {
  Offset high_watermark;
  // One past the last record of the run.
  Offset next_offset;
  std::vector<ReadRecord> records;
};

namespace effect {

// Ask where the topic is led; answered by Located or LocateFailed.
struct LocateTopic {
  std::string topic;
};
// Answered by BoundsAnswered.
struct AskBounds {
  uint64_t request = 0;
  NodeId leader;
  PartitionId partition;
};
// Follow the log from an offset: Fetched any number of times, then FollowEnded.
// or Redirected.
struct Follow {
  uint64_t request = 0;
  // The leader, or a nearer replica.
  NodeId node;
  PartitionId partition;
  Offset offset;
  // To be told with it; empty: the leader is to send the records itself.
  std::string rack;
};
// Nothing is wanted of this request any more.
struct Cancel {
  uint64_t request = 0;
};
struct Deliver {
  PartitionIndex partition;
  std::vector<ReadRecord> records;
};
// All partitions are at the end that was asked for.
struct Finished {};
// The consumer can do no more.
struct Failed {
  Refusal refusal;
};

}  // namespace effect

using ConsumerEffect =
    std::variant<effect::LocateTopic, effect::AskBounds, effect::Follow, effect::Cancel,
                 effect::Deliver, effect::Finished, effect::Failed>;
using ConsumerEffects = std::vector<ConsumerEffect>;

class ConsumerCore {
 public:
  ConsumerCore(ConsumerConfig config, uint64_t seed);

  void Start(Instant now);
  void Located(const TopicRoute& route, Instant now);
  void LocateFailed(const Refusal& refusal, Instant now);
  void BoundsAnswered(uint64_t request, const Answer<LogBounds>& answer, Instant now);
  void Fetched(uint64_t request, FetchedRun run, Instant now);
  // The leader says that `node` is nearer: nothing more comes of this request.
  void Redirected(uint64_t request, NodeId node, Instant now);
  void FollowEnded(uint64_t request, const Refusal& refusal, Instant now);
  void Tick(Instant now);

  Instant NextDeadline() const;
  ConsumerEffects TakeEffects();

  bool over() const { return over_; }
  // Where each partition will be read next; -1 before that is known.
  std::map<PartitionIndex, Offset> positions() const;

 private:
  struct Partition {
    enum class State { kUnrouted, kAsking, kFollowing, kDone };
    State state = State::kUnrouted;
    PartitionRoute route;
    // In kUnrouted: a Locate asked at this time or later is needed.
    Instant route_needed = {};
    uint64_t request = 0;
    // The next record wanted; -1: the bounds must be asked first.
    Offset next{-1};
    // With until_end: where it is done; -1: not yet known.
    Offset end{-1};
    // Read instead of the leader; and from when on the leader may name another.
    std::optional<NodeId> nearest;
    Instant nearest_from;
    // In kFollowing: the leader was told that it may.
    bool may_be_sent_on = false;
    // The leader said that `next` is out of range: its bounds decide.
    bool out_of_range = false;
    Instant last_heard;
    Instant began;
    Instant doubt_at = Instant::Never();
    BackOff backoff{0};
  };

  void TopicUnknown(Instant now);
  void Adopt(const TopicRoute& route, Instant now);
  void Reroute(PartitionIndex index, PartitionRoute route, Instant now);
  void Begin(PartitionIndex index, Partition& partition, Instant now);
  void Retry(Partition& partition, const Refusal& refusal, Instant now);
  bool JudgeBounds(PartitionIndex index, Partition& partition, const LogBounds& bounds);
  void CheckDone(Partition& partition);
  void FinishIfDone();
  void Fail(Refusal refusal);
  void Advance(Instant now);
  Instant NearestWantedAt(const Partition& partition) const;
  Instant LocateWantedAt() const;
  std::map<PartitionIndex, Partition>::iterator Find(uint64_t request);

  const ConsumerConfig config_;
  uint64_t seed_;
  uint64_t next_request_ = 1;
  ConsumerEffects effects_;
  bool known_ = false;
  bool over_ = false;
  TopicId topic_;
  std::map<PartitionIndex, Partition> partitions_;

  bool locating_ = false;
  Instant locate_asked_;
  Instant locate_not_before_ = {};
  Instant started_;
  Instant unknown_since_ = Instant::Never();
  Refusal last_refusal_{ErrorCode::kRequestTimedOut, "no node answered"};
  BackOff locate_backoff_;
};

}  // namespace weir::client
