// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/quorum.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "controller/quorum/memory/memory_quorum_log.h"
#include "controller/quorum/test_world.h"

namespace weir::quorum {
namespace {

using std::chrono::milliseconds;

const ClusterId kCluster(Uuid::FromRandom(7, 7));

// Writes down what it is told.
class Machine final : public machine::LogEvents {
 public:
  void OnLeading(int64_t epoch) override {
    leading = epoch;
    // A leader commits what is before only with an entry of its own.
    if (on_leading) on_leading(epoch);
  }
  void OnFollowing() override { leading.reset(); }
  void OnCommitted(machine::Position position, Bytes entry) override {
    EXPECT_EQ(position.index, last.index + 1) << "entries come in order, each once";
    EXPECT_GE(position.epoch, last.epoch);
    last = position;
    entries.push_back(entry.ToString());
  }
  void OnSnapshot(machine::Position position, Bytes state) override {
    last = position;
    snapshot = state.ToString();
  }

  std::optional<int64_t> leading;
  std::function<void(int64_t)> on_leading;
  machine::Position last;
  std::vector<std::string> entries;
  std::string snapshot;
};

Voter VoterNumber(int number) {
  return {{ControllerId(number), DirectoryId(Uuid::FromRandom(3, static_cast<uint64_t>(number)))},
          "c" + std::to_string(number) + ":1"};
}

class QuorumTest : public testing::Test {
 protected:
  struct Process {
    Process(QuorumTest& test, int number)
        : random(static_cast<uint64_t>(number) + 40),
          network(test.wires_, VoterNumber(number).endpoint),
          log(test.strand_, test.strand_, test.disks_[number]) {}
    TestRandom random;
    TestNetwork network;
    NoDisk disk;
    Machine machine;
    PeerService service;
    MemoryQuorumLog log;
    std::unique_ptr<Quorum> quorum;
    std::optional<Error> failed;
  };

  void Found(int voters) {
    for (int i = 1; i <= voters; ++i) voters_.push_back(VoterNumber(i));
    std::string snapshot = MakeFoundingSnapshot(kCluster, voters_, WallTime{5});
    for (int i = 1; i <= voters; ++i) {
      disks_[i].Install({kFoundingPosition, Bytes::FromString(snapshot)});
      Start(i);
    }
  }

  void Start(int number, ClusterId cluster = kCluster) {
    auto process = std::make_unique<Process>(*this, number);
    Process* p = process.get();
    host::Host host{strand_, strand_, p->disk, p->network, p->random};
    QuorumConfig config{.cluster = cluster,
                        .self = VoterNumber(number).id,
                        .waiting_entries_max = 100};
    p->quorum = std::make_unique<Quorum>(host, p->log, config, p->machine,
                                         [p](Error error) { p->failed = std::move(error); });
    p->machine.on_leading = [p](int64_t epoch) {
      p->quorum->Append(epoch, Bytes::FromString("term " + std::to_string(epoch)));
    };
    ASSERT_TRUE(p->network.Listen(VoterNumber(number).endpoint, p->service.Methods()));
    p->service.Serve(p->quorum.get());
    processes_[number] = std::move(process);
    bool started = false;
    p->log.Load([&, p](Result<Remembered> remembered) {
      ASSERT_TRUE(remembered) << remembered.error();
      p->quorum->Start(*remembered, *disks_[number].snapshot);
      started = true;
    });
    ASSERT_TRUE(strand_.RunUntil([&] { return started; }));
  }

  void Kill(int number) {
    processes_.erase(number);
    wires_.Stop(VoterNumber(number).endpoint);
  }

  // The one that leads, with an entry of its term committed.
  Process* Leader() {
    Process* leader = nullptr;
    for (auto& [number, p] : processes_) {
      if (p->quorum->is_leader() && p->machine.leading == p->machine.last.epoch) leader = p.get();
    }
    return leader;
  }
  Process& AwaitLeader(Duration limit = std::chrono::seconds(3)) {
    CHECK(strand_.RunUntil([&] { return Leader() != nullptr; }, limit)) << "nobody leads";
    return *Leader();
  }
  int NumberOf(const Process& process) {
    for (auto& [number, p] : processes_) {
      if (p.get() == &process) return number;
    }
    return 0;
  }
  std::optional<int64_t> Append(Process& to, const std::string& text) {
    return to.quorum->Append(to.machine.leading.value_or(-1), Bytes::FromString(text));
  }
  bool AwaitEverywhere(int64_t index) {
    return strand_.RunUntil([&] {
      for (auto& [number, p] : processes_) {
        if (p->machine.last.index < index) return false;
      }
      return true;
    });
  }
  void ExpectSameEverywhere() {
    for (auto& [number, p] : processes_) {
      EXPECT_EQ(p->machine.entries, processes_.begin()->second->machine.entries) << number;
    }
  }

  TestStrand strand_;
  TestWires wires_{strand_};
  std::vector<Voter> voters_;
  std::map<int, MemoryQuorumDisk> disks_;
  std::map<int, std::unique_ptr<Process>> processes_;
};

TEST_F(QuorumTest, TellsEveryVoterTheSameEntriesInTheSameOrder) {
  Found(3);
  Process& leader = AwaitLeader();
  std::optional<int64_t> last;
  for (int i = 0; i < 20; ++i) last = Append(leader, "entry " + std::to_string(i));
  ASSERT_TRUE(last);
  EXPECT_TRUE(leader.machine.entries.size() == 1) << "nothing is told within a call";
  ASSERT_TRUE(AwaitEverywhere(*last));
  ExpectSameEverywhere();
  EXPECT_EQ(leader.machine.entries.size(), 21u);
  EXPECT_EQ(leader.machine.entries.back(), "entry 19");
  auto founding = ParseFounding(leader.machine.snapshot);
  ASSERT_TRUE(founding);
  EXPECT_EQ(founding->voters, voters_);
}

TEST_F(QuorumTest, AppendsOnlyForWhoLeadsInThatTerm) {
  Found(3);
  Process& leader = AwaitLeader();
  EXPECT_FALSE(leader.quorum->Append(*leader.machine.leading - 1, Bytes::FromString("old")));
  for (auto& [number, p] : processes_) {
    if (p.get() == &leader) continue;
    EXPECT_FALSE(p->quorum->Append(*leader.machine.leading, Bytes::FromString("follower")));
    EXPECT_EQ(p->quorum->leader()->id,
              voters_[static_cast<size_t>(NumberOf(leader)) - 1].id.controller);
  }
}

TEST_F(QuorumTest, FollowsAKilledLeaderWithinAFewRoundTrips) {
  Found(3);
  int killed = NumberOf(AwaitLeader());
  ASSERT_TRUE(AwaitEverywhere(2));
  Instant before = strand_.Now();
  Kill(killed);
  Process& next = AwaitLeader();
  EXPECT_LT(strand_.Now() - before, milliseconds(200)) << "a broken stream is noticed at once";
  auto index = Append(next, "after");
  ASSERT_TRUE(index);
  Start(killed);
  ASSERT_TRUE(AwaitEverywhere(*index));
  ExpectSameEverywhere();
}

TEST_F(QuorumTest, ContinuesFromItsDisksAfterAllWereKilled) {
  Found(3);
  Process& leader = AwaitLeader();
  auto index = Append(leader, "kept");
  ASSERT_TRUE(AwaitEverywhere(*index));
  for (int i = 1; i <= 3; ++i) Kill(i);
  for (int i = 1; i <= 3; ++i) Start(i);
  AwaitLeader();
  ASSERT_TRUE(AwaitEverywhere(*index + 1));
  ExpectSameEverywhere();
  EXPECT_EQ(processes_[1]->machine.entries[1], "kept");
}

TEST_F(QuorumTest, OneVoterIsAQuorumOfItsOwn) {
  Found(1);
  Process& leader = AwaitLeader(milliseconds(100));
  auto index = Append(leader, "alone");
  ASSERT_TRUE(AwaitEverywhere(*index));
  std::optional<bool> handed;
  leader.quorum->TransferLeadership([&](bool done) { handed = done; });
  ASSERT_TRUE(strand_.RunUntil([&] { return handed.has_value(); }));
  EXPECT_FALSE(*handed) << "there is nobody to hand to";
}

TEST_F(QuorumTest, RefusesWhatCannotBeCommittedBeyondABound) {
  Found(3);
  Process& leader = AwaitLeader();
  ASSERT_TRUE(AwaitEverywhere(2));
  int number = NumberOf(leader);
  for (int i = 1; i <= 3; ++i) {
    if (i != number) Kill(i);
  }
  int taken = 0;
  while (Append(leader, "waits")) ++taken;
  EXPECT_EQ(taken, 100);
  // Without a majority it gives up, and says so.
  ASSERT_TRUE(strand_.RunUntil([&] { return !leader.machine.leading; }, milliseconds(2000)));
  EXPECT_FALSE(leader.quorum->leader());
}

TEST_F(QuorumTest, HandsLeadershipOverBeforeItStops) {
  Found(3);
  Process& leader = AwaitLeader();
  ASSERT_TRUE(AwaitEverywhere(2));
  Instant before = strand_.Now();
  std::optional<bool> handed;
  leader.quorum->TransferLeadership([&](bool done) { handed = done; });
  ASSERT_TRUE(strand_.RunUntil([&] { return handed.has_value(); }));
  EXPECT_TRUE(*handed);
  Process& next = AwaitLeader();
  EXPECT_NE(&next, &leader);
  EXPECT_LT(strand_.Now() - before, milliseconds(50));
}

TEST_F(QuorumTest, BringsBackAVoterThatIsFarBehindFromDisk) {
  Found(3);
  Process& first = AwaitLeader();
  int behind = NumberOf(first) % 3 + 1;
  Kill(behind);
  Process& leader = AwaitLeader();
  std::optional<int64_t> last;
  for (int i = 0; i < 40; ++i) {
    last = Append(leader, std::string(size_t{1} << 20, static_cast<char>('a' + i % 26)));
    ASSERT_TRUE(last);
    ASSERT_TRUE(AwaitEverywhere(*last));
  }
  Start(behind);
  ASSERT_TRUE(AwaitEverywhere(*last));
  ExpectSameEverywhere();
}

TEST_F(QuorumTest, ReadsCommittedEntriesForWhoLacksThem) {
  Found(3);
  Process& leader = AwaitLeader();
  auto last = Append(leader, "three");
  ASSERT_TRUE(AwaitEverywhere(*last));
  std::optional<Result<std::vector<LogEntry>>> read;
  auto ask = [&](int64_t from) {
    read.reset();
    leader.quorum->ReadEntries(LogIndex(from), 1000, [&](auto entries) { read = entries; });
    EXPECT_FALSE(read);
    EXPECT_TRUE(strand_.RunUntil([&] { return read.has_value(); }));
  };
  ask(2);
  ASSERT_EQ((*read)->size(), 2u);
  EXPECT_EQ((*read)->back().payload.view(), "three");
  ask(4);
  EXPECT_TRUE((*read)->empty());
  ask(1);
  ASSERT_FALSE(*read);
  EXPECT_EQ(read->error().kind, Error::Kind::kNotFound);
}

TEST_F(QuorumTest, DescribesItsVoters) {
  Found(3);
  Process& leader = AwaitLeader();
  ASSERT_TRUE(AwaitEverywhere(2));
  strand_.RunFor(milliseconds(250));
  Quorum::Description description = leader.quorum->Describe();
  EXPECT_EQ(description.commit, LogIndex(2));
  ASSERT_EQ(description.voters.size(), 3u);
  for (const auto& voter : description.voters) {
    EXPECT_EQ(voter.match, LogIndex(2));
    EXPECT_LT(voter.silence, milliseconds(150));
  }
}

TEST_F(QuorumTest, LeavesTheQuorumWhenItsDiskFails) {
  Found(3);
  Process& leader = AwaitLeader();
  disks_[NumberOf(leader)].write_error = Error{Error::Kind::kFull, "no space left"};
  ASSERT_TRUE(Append(leader, "lost"));
  ASSERT_TRUE(strand_.RunUntil([&] { return leader.failed.has_value(); }));
  EXPECT_EQ(leader.failed->kind, Error::Kind::kFull);
  EXPECT_FALSE(leader.quorum->is_leader());
  EXPECT_FALSE(Append(leader, "refused"));
  Kill(NumberOf(leader));
  AwaitLeader();
}

// Opens a stream to the first controller, says one thing, and hears how it ends.
class Stranger final : public host::StreamEvents {
 public:
  void OnMessage(Bytes) override {}
  void OnEnd(host::CallStatus status) override { ended = std::move(status); }
  std::optional<host::CallStatus> ended;
};

TEST_F(QuorumTest, EndsTheStreamOfAnotherClusterOrAnotherDisk) {
  Found(3);
  TestNetwork network(wires_, "stranger:1");
  raft::VoterId first = VoterNumber(1).id;
  raft::VoterId second = VoterNumber(2).id;
  raft::VoterId wiped{ControllerId(2), DirectoryId(Uuid::FromRandom(9, 9))};
  struct Case {
    ClusterId cluster;
    raft::VoterId from;
    raft::VoterId to;
    std::string words;
  };
  for (const Case& c : {Case{ClusterId(Uuid::FromRandom(8, 8)), second, first, "to cluster"},
                        Case{kCluster, wiped, first, "is not a member"},
                        Case{kCluster, second, wiped, "this is controller 1"}}) {
    auto events = std::make_shared<Stranger>();
    auto stream = network.Open(VoterNumber(1).endpoint, "/weir.raft.v1.Peers/Exchange", events);
    stream->Send(Encode({c.cluster, {c.from, c.to, Term(900), raft::TimeoutNow{}}, {}}));
    ASSERT_TRUE(strand_.RunUntil([&] { return events->ended.has_value(); }));
    EXPECT_EQ(events->ended->code, host::StatusCode::kFailedPrecondition);
    EXPECT_NE(events->ended->message.find(c.words), std::string::npos) << events->ended->message;
  }
  EXPECT_LT(AwaitLeader().quorum->Describe().term, Term(900));
}

TEST_F(QuorumTest, EndsAStreamThatSpeaksNonsense) {
  Found(1);
  TestNetwork network(wires_, "stranger:1");
  auto events = std::make_shared<Stranger>();
  auto stream = network.Open(VoterNumber(1).endpoint, "/weir.raft.v1.Peers/Exchange", events);
  stream->Send({Bytes::FromString("\xff\xff nonsense")});
  ASSERT_TRUE(strand_.RunUntil([&] { return events->ended.has_value(); }));
  EXPECT_EQ(events->ended->code, host::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weir::quorum
