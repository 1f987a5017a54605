// SPDX-License-Identifier: Apache-2.0
// A small machine over a partition's log: a word is said once, and counted.
#include "storage/partition/partition_machine_log.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/machine/machine_driver.h"
#include "storage/partition/cluster_fixture.h"

namespace weir::partition {
namespace {

using machine::Position;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Takes each word once.
struct Words {
  using State = std::vector<std::string>;
  using Command = std::string;
  using Entry = std::string;
  using Outcome = size_t;
  static constexpr ErrorCode kNotLeading = ErrorCode::kNotCoordinator;

  machine::Decision<Entry, Outcome> Decide(const State& at, const Command& word,
                                           machine::Now) const {
    if (std::find(at.begin(), at.end(), word) != at.end()) {
      return {std::nullopt, Refuse(ErrorCode::kDuplicateResource, word + " was said before")};
    }
    return {word, at.size()};
  }
  State Apply(State state, const Entry& entry, Position) const {
    if (!entry.empty()) state.push_back(entry);
    return state;
  }
  Entry Open(int64_t) const { return ""; }
  Bytes Encode(const Entry& entry) const { return Bytes::FromString(entry); }
  Entry Decode(const Bytes& bytes) const { return bytes.ToString(); }
  State Restore(const Bytes&, Position) const { return {}; }
};

class Speaker : public PartitionHooks, private machine::MachineObserver<Words::State> {
 public:
  Speaker(host::Host host, Partition* partition)
      : host(host),
        log(host, partition),
        driver(Words(), log, *this,
               [strand = &host.strand](Task0 task) { strand->Post(std::move(task)); }) {
    log.Start(&driver);
  }

  void AskIsr(const node::v1::ChangeIsr&) override {}
  void Failed(const PartitionId&, const Error&) override {}
  void HighWatermarkRaised(const PartitionId&, Offset) override { log.HighWatermarkRaised(); }
  void LeadershipChanged(const PartitionId&, std::optional<LeaderEpoch> leads) override {
    log.LeadershipChanged(leads);
  }

  host::Host host;
  PartitionMachineLog log;
  machine::MachineDriver<Words> driver;

 private:
  void OnPublished(const Words::State&, const Words::State&, Position, const Bytes&) override {}
  void OnRestored(const Words::State&, const Words::State&, Position) override {}
  void OnActive(int64_t) override {}
  void OnInactive() override {}
};

class MachineOverPartition : public testing::Test {
 protected:
  MachineOverPartition() { EXPECT_TRUE(cluster.Settle()); }

  Speaker& speaker(int id) { return static_cast<Speaker&>(*cluster.node(id).listener); }
  bool BecomesActive(int id) {
    return cluster.world().RunUntil([&] { return speaker(id).driver.is_active(); }, seconds(5));
  }
  using Saying = std::shared_ptr<std::optional<Answer<size_t>>>;
  Saying Say(int id, std::string word) {
    auto answer = std::make_shared<std::optional<Answer<size_t>>>();
    auto told = [answer](machine::MachineDriver<Words>::Told t) { *answer = std::move(t.answer); };
    speaker(id).host.strand.Post([s = &speaker(id), word, told] {
      s->driver.Submit(word, {s->host.clock.Now(), s->host.clock.WallNow()}, told);
    });
    return answer;
  }
  Answer<size_t> Said(int id, std::string word) {
    auto answer = Say(id, word);
    EXPECT_TRUE(cluster.world().RunUntil([&] { return answer->has_value(); }));
    return **answer;
  }
  ErrorCode CodeOf(const Answer<size_t>& answer) {
    return answer ? ErrorCode::kNone : answer.error().code;
  }
  bool AllKnow(const Words::State& words) {
    return cluster.world().RunUntil(
        [&] {
          for (int id = 1; id <= 3; ++id) {
            if (!cluster.is_up(id) || speaker(id).driver.committed() != words) return false;
          }
          return true;
        },
        seconds(10));
  }
  void CutOffLeader() {
    for (int other : {2, 3}) {
      cluster.world().network().Cut("node-1", cluster.NameOf(other), sim::CutKind::kStalls);
    }
  }

  PartitionCluster cluster{{.listen = [](host::Host host, Partition* partition) {
    return std::make_unique<Speaker>(host, partition);
  }}};
};

TEST_F(MachineOverPartition, AnswersWhenTheEntryIsCommitted) {
  ASSERT_TRUE(BecomesActive(1));
  auto answer = Said(1, "hello");
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(*answer, 0u);
  EXPECT_EQ(CodeOf(Said(1, "hello")), ErrorCode::kDuplicateResource);
  EXPECT_EQ(CodeOf(Said(2, "other")), ErrorCode::kNotCoordinator);
}

TEST_F(MachineOverPartition, EveryReplicaFollowsTheState) {
  ASSERT_TRUE(BecomesActive(1));
  for (const char* word : {"a", "b", "c"}) ASSERT_TRUE(Said(1, word));
  EXPECT_TRUE(AllKnow({"a", "b", "c"}));
}

TEST_F(MachineOverPartition, TheNextLeaderGoesOnAndTheOldOneForgetsWhatWasNotCommitted) {
  ASSERT_TRUE(BecomesActive(1));
  ASSERT_TRUE(Said(1, "a"));
  CutOffLeader();
  auto lost = Say(1, "lost");
  cluster.world().RunFor(milliseconds(100));
  EXPECT_FALSE(lost->has_value());
  EXPECT_EQ(speaker(1).driver.tip(), (Words::State{"a", "lost"}));
  cluster.Fence(1);
  ASSERT_TRUE(BecomesActive(2));
  EXPECT_EQ(CodeOf(Said(2, "a")), ErrorCode::kDuplicateResource);
  ASSERT_TRUE(Said(2, "b"));
  cluster.world().network().HealAll();
  cluster.Unfence(1);
  ASSERT_TRUE(cluster.world().RunUntil([&] { return lost->has_value(); }));
  EXPECT_EQ(CodeOf(**lost), ErrorCode::kNotCoordinator);
  EXPECT_TRUE(AllKnow({"a", "b"}));
}

TEST_F(MachineOverPartition, ARestartedNodeFoldsTheWholeLogAgain) {
  ASSERT_TRUE(BecomesActive(1));
  for (const char* word : {"a", "b", "c"}) ASSERT_TRUE(Said(1, word));
  cluster.Kill(1, true);
  ASSERT_TRUE(BecomesActive(2));
  ASSERT_TRUE(Said(2, "d"));
  cluster.Start(1);
  EXPECT_TRUE(AllKnow({"a", "b", "c", "d"}));
  ASSERT_TRUE(cluster.Settle());
  cluster.Lead(1);
  ASSERT_TRUE(BecomesActive(1));
  EXPECT_EQ(Said(1, "e").value_or(0), 4u);
}

TEST_F(MachineOverPartition, ALeaderThatLeadsAgainInALaterEpochOpensAnew) {
  ASSERT_TRUE(BecomesActive(1));
  ASSERT_TRUE(Said(1, "a"));
  const int64_t epoch = speaker(1).driver.epoch();
  cluster.Lead(1);
  ASSERT_TRUE(cluster.world().RunUntil(
      [&] { return speaker(1).driver.is_active() && speaker(1).driver.epoch() > epoch; },
      seconds(5)));
  EXPECT_TRUE(Said(1, "b"));
  EXPECT_TRUE(AllKnow({"a", "b"}));
}

TEST_F(MachineOverPartition, TooMuchThatWaitsIsRefusedNotQueued) {
  ASSERT_TRUE(BecomesActive(1));
  CutOffLeader();
  std::vector<Saying> all;
  for (char c = 'a'; c < 'a' + 12; ++c) all.push_back(Say(1, std::string(1'000'000, c)));
  cluster.world().RunFor(milliseconds(100));
  EXPECT_FALSE(all.front()->has_value());
  ASSERT_TRUE(all.back()->has_value());
  EXPECT_EQ(CodeOf(**all.back()), ErrorCode::kThrottlingQuotaExceeded);
  cluster.world().network().HealAll();
  ASSERT_TRUE(cluster.world().RunUntil([&] { return all.front()->has_value(); }));
  EXPECT_TRUE(Said(1, "short"));
}

}  // namespace
}  // namespace weir::partition
