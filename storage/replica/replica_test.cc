// SPDX-License-Identifier: Apache-2.0
#include "storage/replica/replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::replica {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr NodeId kSelf{1};
constexpr NodeId kTwo{2};
constexpr NodeId kThree{3};

Instant At(Duration since_start) { return Instant{} + since_start; }

// A record in which every node's epoch is ten times its id.
Assignment Record(int leader, int epoch, int partition_epoch, std::set<int> isr,
                  std::set<int> replicas = {1, 2, 3}) {
  Assignment record;
  record.leader = NodeId(leader);
  record.leader_epoch = LeaderEpoch(epoch);
  record.partition_epoch = PartitionEpoch(partition_epoch);
  for (int node : replicas) record.replicas[NodeId(node)] = {NodeEpoch(node * 10), true};
  for (int node : isr) record.isr.insert(NodeId(node));
  record.min_isr = 2;
  return record;
}

Positions Synced(int64_t end, int epoch, int64_t start = 0) {
  return {Offset(start), Offset(end), Offset(end), Offset(end), LeaderEpoch(epoch)};
}

FollowRequest From(NodeId node, int epoch, int64_t offset, int last_epoch) {
  return {node,           NodeEpoch(node.value() * 10), LeaderEpoch(epoch),
          Offset(offset), LeaderEpoch(last_epoch),      Offset(offset)};
}

LeaderEpochs Epochs(std::vector<std::pair<int, int64_t>> runs) {
  LeaderEpochs epochs;
  for (auto [epoch, start] : runs) epochs.Assign(LeaderEpoch(epoch), Offset(start));
  return epochs;
}

template <class T>
std::vector<T> Only(const std::vector<Effect>& effects) {
  std::vector<T> found;
  for (const Effect& effect : effects) {
    if (auto* one = std::get_if<T>(&effect)) found.push_back(*one);
  }
  return found;
}

std::set<NodeId> Asked(const std::vector<Effect>& effects) {
  std::set<NodeId> nodes;
  for (const AskIsr& ask : Only<AskIsr>(effects)) {
    for (auto [node, epoch] : ask.isr) nodes.insert(node);
  }
  return nodes;
}

// Leads in epoch 5 with an empty log; 2 and 3 follow from its start.
class Leader : public testing::Test {
 protected:
  Leader() { Lead({1, 2, 3}); }

  void Lead(std::set<int> isr) {
    replica.Apply(Record(1, 5, 7, isr), At(seconds(0)));
    Follows(kTwo, 0);
    Follows(kThree, 0);
    replica.TakeEffects();
  }
  void Follows(NodeId node, int64_t offset, Duration now = {}) {
    ASSERT_EQ(FollowAnswer(Accepted{}),
              replica.FollowerFollows(From(node, 5, offset, -1), Epochs({}), At(now)));
  }
  void Has(int64_t end, Duration now = {}) { replica.LocalMoved(Synced(end, 5), At(now)); }
  void Acks(NodeId node, int64_t end, Duration now = {}) {
    replica.FollowerAcked(node, Offset(end), Offset(end), At(now));
  }
  Offset high() const { return replica.high_watermark(); }

  Replica replica{kSelf, {}, Synced(0, -1), Instant{}};
};

TEST_F(Leader, RaisesTheHighWatermarkToTheLeastOfTheIsr) {
  Has(10);
  Acks(kTwo, 10);
  EXPECT_EQ(high(), Offset(0));
  Acks(kThree, 6);
  EXPECT_EQ(high(), Offset(6));
  Acks(kThree, 10);
  EXPECT_EQ(high(), Offset(10));
  EXPECT_THAT(Only<RaiseHighWatermark>(replica.TakeEffects()),
              testing::ElementsAre(RaiseHighWatermark{Offset(6)}, RaiseHighWatermark{Offset(10)}));
}

TEST_F(Leader, CountsOnlyWhatIsFlushedInAFlushPartition) {
  replica.LocalMoved({Offset(0), Offset(10), Offset(10), Offset(4), LeaderEpoch(5)}, At({}));
  Acks(kThree, 10);
  replica.FollowerAcked(kTwo, Offset(10), Offset(7), At({}));
  EXPECT_EQ(high(), Offset(4)) << "its own disk is the slowest";
  Has(10);
  EXPECT_EQ(high(), Offset(7)) << "then node 2's";
}

TEST_F(Leader, CountsWhatIsWrittenInACachePartition) {
  Assignment record = Record(1, 6, 8, {1, 2, 3});
  record.flush = false;
  replica.Apply(record, At({}));
  auto follow = [&](NodeId node) {
    replica.FollowerFollows(From(node, 6, 0, -1), Epochs({}), At({}));
  };
  follow(kTwo);
  follow(kThree);
  replica.LocalMoved({Offset(0), Offset(10), Offset(8), Offset(0), LeaderEpoch(6)}, At({}));
  replica.FollowerAcked(kTwo, Offset(8), Offset(0), At({}));
  replica.FollowerAcked(kThree, Offset(8), Offset(0), At({}));
  EXPECT_EQ(high(), Offset(8));
}

TEST_F(Leader, ASilentMemberHoldsTheHighWatermark) {
  replica.Apply(Record(1, 6, 8, {1, 2, 3}), At({}));
  replica.FollowerFollows(From(kTwo, 6, 0, -1), Epochs({}), At({}));
  Has(10);
  Acks(kTwo, 10);
  EXPECT_EQ(high(), Offset(0));
}

TEST_F(Leader, NamesWhoIsInSyncAndHoldsAnOffset) {
  Has(10);
  Acks(kTwo, 10);
  Acks(kThree, 6);
  using Holders = std::map<NodeId, Offset>;
  EXPECT_EQ(replica.InSyncWith(Offset(6)), (Holders{{kTwo, Offset(10)}, {kThree, Offset(6)}}));
  EXPECT_EQ(replica.InSyncWith(Offset(7)), (Holders{{kTwo, Offset(10)}}));
  replica.FollowerGone(kTwo, At({}));
  EXPECT_EQ(replica.InSyncWith(Offset(7)), Holders{});
  replica.Apply(Record(1, 5, 8, {1, 2}), At({}));
  EXPECT_EQ(replica.InSyncWith(Offset(6)), Holders{}) << "3 is not in sync any more";
}

TEST_F(Leader, DoesNotNameWhoseLogBeginsLater) {
  Has(10);
  FollowRequest request = From(kTwo, 5, 10, 5);
  request.start = Offset(4);
  replica.FollowerFollows(request, Epochs({{5, 0}}), At({}));
  EXPECT_TRUE(replica.InSyncWith(Offset(3)).empty());
  EXPECT_TRUE(replica.InSyncWith(Offset(4)).contains(kTwo));
}

TEST_F(Leader, NothingMovesBelowMinIsr) {
  replica.Apply(Record(1, 5, 8, {1}), At({}));
  EXPECT_TRUE(replica.IsUnderMinIsr());
  Has(10);
  EXPECT_EQ(high(), Offset(0));
}

TEST_F(Leader, MinIsrIsNeverMoreThanTheReplicas) {
  replica.Apply(Record(1, 5, 8, {1}, {1}), At({}));
  EXPECT_FALSE(replica.IsUnderMinIsr());
  Has(10);
  EXPECT_EQ(high(), Offset(10));
}

TEST_F(Leader, AShrinkHoldsTheHighWatermarkUntilItIsGranted) {
  Has(10, seconds(1));
  Acks(kTwo, 10, seconds(1));
  ASSERT_EQ(replica.NextDeadline(), At(seconds(11)));
  replica.Tick(At(milliseconds(10999)));
  EXPECT_TRUE(replica.TakeEffects().empty());
  replica.Tick(replica.NextDeadline());
  auto asks = Only<AskIsr>(replica.TakeEffects());
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(
      asks[0],
      (AskIsr{LeaderEpoch(5), PartitionEpoch(7), {{kSelf, NodeEpoch(10)}, {kTwo, NodeEpoch(20)}}}));
  EXPECT_EQ(high(), Offset(0));
  EXPECT_EQ(replica.NextDeadline(), Instant::Never()) << "one ask at a time";

  replica.Apply(Record(1, 5, 8, {1, 2}), At(seconds(12)));
  EXPECT_EQ(high(), Offset(10));
}

TEST_F(Leader, AFollowerThatIsAlwaysALittleBehindStaysInSync) {
  // Each write is acknowledged just after the next one.
  for (int i = 1; i <= 100; ++i) {
    Has(i, milliseconds(700 * i));
    Acks(kTwo, i - 1, milliseconds(700 * i));
    Acks(kThree, i - 1, milliseconds(700 * i));
  }
  EXPECT_EQ(Asked(replica.TakeEffects()), std::set<NodeId>());
  EXPECT_EQ(replica.MaximalIsr(), (std::set{kSelf, kTwo, kThree}));
}

TEST_F(Leader, AFollowerThatFallsFartherAndFartherBehindLeaves) {
  for (int i = 1; i <= 300; ++i) {
    Has(i, milliseconds(100 * i));
    Acks(kTwo, i, milliseconds(100 * i));
    Acks(kThree, i / 2, milliseconds(100 * i));
    if (replica.MaximalIsr().size() == 3 && !Only<AskIsr>(replica.TakeEffects()).empty()) {
      // Half the speed: 10 s behind after 20 s, known to a mark's distance.
      EXPECT_GE(i, 195);
      EXPECT_LE(i, 205);
      return;
    }
  }
  FAIL() << "it never left";
}

TEST_F(Leader, AnExpandedSetCountsFromTheAskOn) {
  Lead({1, 2, 3});
  replica.Apply(Record(1, 5, 8, {1, 2}), At({}));
  Has(10);
  Acks(kTwo, 10);
  // 3 is caught up, for it was so until the write: it is waited for though it has not joined.
  EXPECT_EQ(Asked(replica.TakeEffects()), (std::set{kSelf, kTwo, kThree}));
  EXPECT_EQ(high(), Offset(0));
  Acks(kThree, 10);
  EXPECT_EQ(high(), Offset(10));
}

TEST_F(Leader, AFollowerJoinsWhenItReachesTheHighWatermark) {
  replica.Apply(Record(1, 5, 8, {1, 2}), At({}));
  replica.TakeEffects();
  replica.IsrRefused(PartitionEpoch(8), ErrorCode::kIneligibleReplica, At({}));
  replica.FollowerGone(kThree, At({}));
  Has(10);
  Acks(kTwo, 10);
  EXPECT_EQ(high(), Offset(10));
  Follows(kThree, 4, seconds(1));
  EXPECT_EQ(Asked(replica.TakeEffects()), std::set<NodeId>());
  Acks(kThree, 10, seconds(1));
  EXPECT_EQ(Asked(replica.TakeEffects()), (std::set{kSelf, kTwo, kThree}));
}

TEST_F(Leader, WhoLagsDoesNotJoinThoughItHasAllThatIsVisible) {
  Has(10, seconds(1));
  replica.Tick(At(seconds(11)));
  EXPECT_EQ(Asked(replica.TakeEffects()), std::set{kSelf});
  // Below min.insync.replicas nothing has become visible.
  replica.Apply(Record(1, 5, 8, {1}), At(seconds(12)));
  EXPECT_EQ(high(), Offset(0));
  EXPECT_EQ(Asked(replica.TakeEffects()), std::set<NodeId>());
  Acks(kTwo, 10, seconds(13));
  EXPECT_EQ(Asked(replica.TakeEffects()), (std::set{kSelf, kTwo}));
}

TEST_F(Leader, AStaleIncarnationDoesNotJoin) {
  replica.Apply(Record(1, 5, 8, {1, 2}), At({}));
  replica.IsrRefused(PartitionEpoch(8), ErrorCode::kIneligibleReplica, At({}));
  replica.TakeEffects();
  // Registered anew, and its old self still follows.
  Assignment record = Record(1, 5, 8, {1, 2});
  record.replicas[kThree].epoch = NodeEpoch(31);
  replica.Apply(record, At(seconds(1)));
  EXPECT_EQ(Asked(replica.TakeEffects()), std::set<NodeId>());
  FollowRequest anew = From(kThree, 5, 0, -1);
  anew.node_epoch = NodeEpoch(31);
  replica.FollowerFollows(anew, Epochs({}), At(seconds(1)));
  EXPECT_EQ(Asked(replica.TakeEffects()), (std::set{kSelf, kTwo, kThree}));
}

TEST_F(Leader, AFencedNodeDoesNotJoin) {
  Assignment record = Record(1, 5, 8, {1, 2});
  record.replicas[kThree].active = false;
  replica.Apply(record, At({}));
  EXPECT_EQ(Asked(replica.TakeEffects()), std::set<NodeId>());
  replica.Apply(Record(1, 5, 8, {1, 2}), At({}));
  EXPECT_EQ(Asked(replica.TakeEffects()), (std::set{kSelf, kTwo, kThree}));
}

TEST_F(Leader, WhoLacksTheEpochsStartDoesNotJoin) {
  // Elected again with 10 records and a high watermark that it does not know yet; 3 was in sync
  // a moment ago.
  Has(10);
  replica.Apply(Record(1, 6, 8, {1, 2, 3}), At({}));
  replica.Apply(Record(1, 6, 9, {1, 2}), At({}));
  replica.TakeEffects();
  auto three = From(kThree, 6, 9, 5);
  EXPECT_EQ(replica.FollowerFollows(three, Epochs({{5, 0}}), At({})), FollowAnswer(Accepted{}));
  EXPECT_EQ(Asked(replica.TakeEffects()), std::set<NodeId>());
  replica.FollowerAcked(kThree, Offset(10), Offset(10), At({}));
  EXPECT_EQ(Asked(replica.TakeEffects()), (std::set{kSelf, kTwo, kThree}));
}

TEST_F(Leader, AsksAgainAfterARefusalAndABackOff) {
  replica.Apply(Record(1, 5, 8, {1, 2}), At({}));
  EXPECT_EQ(Only<AskIsr>(replica.TakeEffects()).size(), 1u);
  replica.IsrRefused(PartitionEpoch(8), ErrorCode::kIneligibleReplica, At(seconds(1)));
  EXPECT_EQ(replica.MaximalIsr(), (std::set{kSelf, kTwo}));
  EXPECT_TRUE(replica.TakeEffects().empty());
  EXPECT_EQ(replica.NextDeadline(), At(milliseconds(1200)));
  replica.Tick(At(milliseconds(1200)));
  EXPECT_EQ(Only<AskIsr>(replica.TakeEffects()).size(), 1u);
}

TEST_F(Leader, AnUncertainRefusalLeavesTheSetCounted) {
  replica.Apply(Record(1, 5, 8, {1, 2}), At({}));
  replica.TakeEffects();
  replica.IsrRefused(PartitionEpoch(8), ErrorCode::kInvalidUpdateVersion, At({}));
  EXPECT_EQ(replica.MaximalIsr(), (std::set{kSelf, kTwo, kThree}));
  replica.IsrRefused(PartitionEpoch(7), ErrorCode::kIneligibleReplica, At({}));
  EXPECT_EQ(replica.MaximalIsr(), (std::set{kSelf, kTwo, kThree})) << "an older ask's answer";
  replica.Apply(Record(1, 5, 9, {1, 2}), At({}));
  EXPECT_EQ(Only<AskIsr>(replica.TakeEffects()).size(), 1u) << "on the newer record";
}

TEST_F(Leader, RepeatsItsAskOnANewSession) {
  replica.Apply(Record(1, 5, 8, {1, 2}), At({}));
  auto first = Only<AskIsr>(replica.TakeEffects());
  replica.SessionRenewed();
  EXPECT_EQ(Only<AskIsr>(replica.TakeEffects()), first);
  replica.Apply(Record(1, 5, 9, {1, 2, 3}), At({}));
  replica.SessionRenewed();
  EXPECT_TRUE(replica.TakeEffects().empty());
}

TEST_F(Leader, IgnoresAnOlderRecord) {
  replica.Apply(Record(1, 5, 8, {1, 2, 3}), At({}));
  replica.Apply(Record(2, 4, 6, {2}), At({}));
  EXPECT_TRUE(replica.leads());
}

TEST_F(Leader, IgnoresAcknowledgementsOfWhatItDoesNotHave) {
  Has(10);
  Acks(kTwo, 11);
  Acks(kThree, 10);
  EXPECT_EQ(high(), Offset(0));
}

TEST(Leading, AnswersAFollowByTheEpochs) {
  struct Case {
    const char* name;
    int last_epoch;
    int64_t offset;
    FollowAnswer answer;
  };
  auto diverging = [](int epoch, int64_t end) {
    return FollowAnswer(Diverging{LeaderEpoch(epoch), Offset(end)});
  };
  const Case cases[] = {
      {"a prefix", 3, 15, Accepted{}},
      {"the end of an epoch", 3, 20, Accepted{}},
      {"the end", 6, 40, Accepted{}},
      {"longer than the leader's, same epoch", 6, 41, diverging(6, 40)},
      {"a tail of an epoch that ended earlier here", 3, 25, diverging(3, 20)},
      {"an epoch that is not here", 4, 25, diverging(3, 20)},
      {"an epoch that is not here, at a lower offset", 5, 12, diverging(3, 20)},
      {"older than all that is here", 1, 12, diverging(-1, 10)},
      {"older, at the very start", 1, 10, Accepted{}},
      {"empty, at the start", -1, 10, Accepted{}},
      {"empty, begun anew beyond the end", -1, 50, diverging(-1, 40)},
      {"before the start", 3, 9, Refused{ErrorCode::kOffsetOutOfRange}},
  };
  for (const Case& c : cases) {
    Replica replica(kSelf, {}, Synced(40, 6, 10), Instant{});
    replica.Apply(Record(1, 7, 1, {1, 2, 3}), At({}));
    EXPECT_EQ(replica.FollowerFollows(From(kTwo, 7, c.offset, c.last_epoch),
                                      Epochs({{3, 10}, {6, 20}}), At({})),
              c.answer)
        << c.name;
  }
}

TEST(Leading, RefusesWhoHasOtherMetadata) {
  Replica replica(kSelf, {}, Synced(0, -1), Instant{});
  auto answer = [&](NodeId node, int epoch) {
    return replica.FollowerFollows(From(node, epoch, 0, -1), Epochs({}), At({}));
  };
  EXPECT_EQ(answer(kTwo, 5), FollowAnswer(Refused{ErrorCode::kNotLeaderOrFollower}));
  replica.Apply(Record(1, 5, 1, {1, 2}, {1, 2}), At({}));
  EXPECT_EQ(answer(kTwo, 4), FollowAnswer(Refused{ErrorCode::kFencedLeaderEpoch}));
  EXPECT_EQ(answer(kTwo, 6), FollowAnswer(Refused{ErrorCode::kUnknownLeaderEpoch}));
  EXPECT_EQ(answer(kThree, 5), FollowAnswer(Refused{ErrorCode::kUnknownLeaderEpoch}));
  EXPECT_EQ(answer(kTwo, 5), FollowAnswer(Accepted{}));
}

// Follows node 2 in epoch 5 with 10 records.
class FollowerOf2 : public testing::Test {
 protected:
  FollowerOf2() {
    replica.Apply(Record(2, 5, 7, {1, 2, 3}), At({}));
    EXPECT_THAT(Only<Connect>(replica.TakeEffects()), testing::ElementsAre(Connect{kTwo}));
    replica.StreamOpened(At({}));
    follow = Followed();
  }
  // The one Follow among the effects.
  FollowFrom Followed() {
    auto found = Only<FollowFrom>(replica.TakeEffects());
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? FollowFrom{} : found[0];
  }

  Replica replica{kSelf, {}, Synced(10, 4), Instant{100}};
  FollowFrom follow;
  const LeaderEpoch epoch{5};
};

TEST_F(FollowerOf2, FollowsFromItsEnd) {
  EXPECT_EQ(follow.leader, kTwo);
  EXPECT_EQ(follow.request.offset, Offset(10));
  EXPECT_EQ(follow.request.last_epoch, LeaderEpoch(4));
  EXPECT_EQ(follow.request.node_epoch, NodeEpoch(10));
  EXPECT_EQ(follow.request.flushed, Offset(10));
}

TEST_F(FollowerOf2, TakesDataAtItsEndOnly) {
  EXPECT_FALSE(replica.TakesData(LeaderEpoch(4), follow.follow_id, Offset(10), At({})));
  EXPECT_FALSE(replica.TakesData(epoch, follow.follow_id - 1, Offset(10), At({})));
  EXPECT_TRUE(replica.TakesData(epoch, follow.follow_id, Offset(10), At({})));
  replica.LocalMoved({Offset(0), Offset(12), Offset(10), Offset(10), epoch}, At({}));
  EXPECT_FALSE(replica.TakesData(epoch, follow.follow_id, Offset(10), At({})));
  EXPECT_FALSE(replica.TakesData(epoch, follow.follow_id, Offset(12), At({}))) << "follows anew";
  replica.Tick(At(seconds(1)));
  EXPECT_TRUE(replica.TakeEffects().empty()) << "not before all is written";
  replica.LocalMoved(Synced(12, 5), At(seconds(1)));
  EXPECT_EQ(Followed().request.offset, Offset(12));
}

TEST_F(FollowerOf2, AcknowledgesWhatIsFlushed) {
  replica.TakesData(epoch, follow.follow_id, Offset(10), At({}));
  replica.LocalMoved({Offset(0), Offset(12), Offset(12), Offset(10), epoch}, At({}));
  EXPECT_TRUE(Only<Acknowledge>(replica.TakeEffects()).empty());
  replica.LocalMoved({Offset(0), Offset(13), Offset(13), Offset(12), epoch}, At({}));
  auto acks = Only<Acknowledge>(replica.TakeEffects());
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].appended, Offset(13));
  EXPECT_EQ(acks[0].flushed, Offset(12));
}

TEST_F(FollowerOf2, ShowsNothingBeforeTheLeaderHasTakenItsFollow) {
  replica.LocalMoved(Synced(10, 4), At({}));
  EXPECT_EQ(replica.high_watermark(), Offset(0));
  replica.LeaderHighWatermark(epoch, follow.follow_id + 1, Offset(9));
  EXPECT_EQ(replica.high_watermark(), Offset(0));
  replica.LeaderHighWatermark(epoch, follow.follow_id, Offset(30));
  EXPECT_EQ(replica.high_watermark(), Offset(10)) << "never above its own end";
}

TEST_F(FollowerOf2, MayShowWhatItHasReconciledWhileItIsInSync) {
  EXPECT_FALSE(replica.MayShow());
  replica.LeaderHighWatermark(epoch, follow.follow_id, Offset(9));
  EXPECT_TRUE(replica.MayShow());
  replica.Apply(Record(2, 5, 8, {2, 3}), At({}));
  EXPECT_FALSE(replica.MayShow());
  replica.Apply(Record(2, 5, 9, {1, 2, 3}), At({}));
  EXPECT_TRUE(replica.MayShow());
  replica.StreamEnded(At({}));
  EXPECT_FALSE(replica.MayShow());
}

TEST(Known, AHighWatermarkIsBelievedAsFarAsTheLogGoes) {
  auto high = [](int64_t known) {
    return Replica(kSelf, {}, Synced(10, 4, 3), Instant{}, Offset(known)).high_watermark();
  };
  EXPECT_EQ(high(0), Offset(3));
  EXPECT_EQ(high(7), Offset(7));
  EXPECT_EQ(high(11), Offset(10));
}

TEST_F(FollowerOf2, CutsWhereTheLogsPart) {
  struct Case {
    const char* name;
    int epoch;
    int64_t end;
    int64_t cut;
  };
  const Case cases[] = {
      {"the leader's epoch ends earlier", 4, 8, 8},
      {"own epoch ends earlier than the leader's", 3, 9, 6},
      {"an epoch that is not here: the next lower one's end", 2, 9, 4},
      {"nothing in common", -1, 9, 0},
  };
  for (const Case& c : cases) {
    Replica r(kSelf, {}, Synced(10, 4), Instant{});
    r.Apply(Record(2, 5, 7, {1, 2, 3}), At({}));
    r.StreamOpened(At({}));
    auto asked = Only<FollowFrom>(r.TakeEffects());
    ASSERT_EQ(asked.size(), 1u);
    r.LeaderDiverges(epoch, asked[0].follow_id, {LeaderEpoch(c.epoch), Offset(c.end)},
                     Epochs({{1, 0}, {3, 4}, {4, 6}}), At({}));
    EXPECT_THAT(Only<TruncateTo>(r.TakeEffects()), testing::ElementsAre(TruncateTo{Offset(c.cut)}))
        << c.name;
    EXPECT_TRUE(r.is_cutting());
    r.Cut(Synced(c.cut, 1), At({}));
    EXPECT_FALSE(r.is_cutting());
    asked = Only<FollowFrom>(r.TakeEffects());
    ASSERT_EQ(asked.size(), 1u) << c.name;
    EXPECT_EQ(asked[0].request.offset, Offset(c.cut));
  }
}

TEST_F(FollowerOf2, BeginsAnewWhereTheLeaderBegins) {
  replica.LeaderRefuses(epoch, follow.follow_id, ErrorCode::kOffsetOutOfRange, Offset(50), At({}));
  EXPECT_THAT(Only<RestartAt>(replica.TakeEffects()), testing::ElementsAre(RestartAt{Offset(50)}));
  replica.Cut(Synced(50, -1, 50), At({}));
  EXPECT_EQ(Followed().request.offset, Offset(50));
  EXPECT_EQ(replica.high_watermark(), Offset(50));
}

TEST_F(FollowerOf2, TriesAgainLaterAndLater) {
  Instant now = At({});
  std::vector<Duration> waits;
  for (int i = 0; i < 6; ++i) {
    replica.LeaderRefuses(epoch, follow.follow_id, ErrorCode::kUnknownLeaderEpoch, Offset(0), now);
    EXPECT_TRUE(replica.TakeEffects().empty());
    waits.push_back(replica.NextDeadline() - now);
    now = replica.NextDeadline();
    replica.Tick(now);
    follow = Followed();
  }
  EXPECT_THAT(waits, testing::ElementsAre(milliseconds(20), milliseconds(40), milliseconds(80),
                                          milliseconds(160), milliseconds(250), milliseconds(250)));
}

TEST_F(FollowerOf2, FollowsAnewWhenTheStreamIsBack) {
  replica.StreamEnded(At({}));
  EXPECT_FALSE(replica.TakesData(epoch, follow.follow_id, Offset(10), At({})));
  replica.Tick(At(seconds(1)));
  EXPECT_TRUE(replica.TakeEffects().empty());
  replica.StreamOpened(At(seconds(1)));
  EXPECT_GT(Followed().follow_id, follow.follow_id);
}

TEST_F(FollowerOf2, FollowsAnewWithEachEpochAndRegistration) {
  replica.Apply(Record(2, 6, 8, {1, 2, 3}), At({}));
  EXPECT_EQ(Followed().request.leader_epoch, LeaderEpoch(6));
  Assignment record = Record(2, 6, 8, {1, 2, 3});
  record.replicas[kSelf].epoch = NodeEpoch(11);
  replica.Apply(record, At({}));
  EXPECT_EQ(Followed().request.node_epoch, NodeEpoch(11));
  record.partition_epoch = PartitionEpoch(9);
  record.isr = {kTwo};
  replica.Apply(record, At({}));
  EXPECT_TRUE(replica.TakeEffects().empty()) << "another ISR alone changes nothing";
}

TEST_F(FollowerOf2, TurnsToTheNextLeader) {
  replica.Apply(Record(3, 6, 8, {1, 3}), At({}));
  auto effects = replica.TakeEffects();
  EXPECT_THAT(Only<Disconnect>(effects), testing::ElementsAre(Disconnect{kTwo}));
  EXPECT_THAT(Only<Connect>(effects), testing::ElementsAre(Connect{kThree}));
  EXPECT_TRUE(Only<FollowFrom>(effects).empty());
  replica.Apply(Record(-1, 7, 9, {1}), At({}));
  EXPECT_THAT(Only<Disconnect>(replica.TakeEffects()), testing::ElementsAre(Disconnect{kThree}));
  EXPECT_EQ(replica.NextDeadline(), Instant::Never());
}

TEST_F(FollowerOf2, KeepsItsHighWatermarkAsTheNextLeader) {
  replica.LeaderHighWatermark(epoch, follow.follow_id, Offset(8));
  replica.Apply(Record(1, 6, 8, {1, 3}), At({}));
  EXPECT_TRUE(replica.leads());
  EXPECT_EQ(replica.high_watermark(), Offset(8));
}

}  // namespace
}  // namespace weir::replica
