// SPDX-License-Identifier: Apache-2.0
// Each test plants one violation in states made by hand.
#include <gtest/gtest.h>

#include "tests/checker/kept_promises.h"
#include "tests/checker/log_matching.h"
#include "tests/checker/one_leader.h"

namespace weir::checker {
namespace {

constexpr size_t kAll = SIZE_MAX;

bool SaysThat(const Findings& findings, const std::string& words) {
  for (const std::string& line : findings.all()) {
    if (line.find(words) != std::string::npos) return true;
  }
  return false;
}

raft::VoterId Voter(int number) { return {ControllerId(number), DirectoryId()}; }

TEST(Findings, KeepTheFirstFew) {
  Findings findings;
  EXPECT_TRUE(findings.empty());
  for (int i = 0; i < 100; ++i) findings.Add("finding ", i);
  EXPECT_EQ(findings.all().front(), "finding 0");
  EXPECT_EQ(findings.all().size(), 20u);
}

TEST(OneLeaderPerTerm, FindsTwo) {
  OneLeaderPerTerm terms;
  Findings findings;
  terms.Saw(Term(3), ControllerId(1), findings);
  terms.Saw(Term(3), ControllerId(1), findings);
  terms.Saw(Term(4), ControllerId(2), findings);
  EXPECT_TRUE(findings.empty());
  terms.Saw(Term(3), ControllerId(2), findings);
  EXPECT_TRUE(SaysThat(findings, "term 3 has two leaders"));
}

TEST(OneLeaderPerEpoch, FindsTwo) {
  OneLeaderPerEpoch epochs;
  Findings findings;
  PartitionId partition{TopicId(), PartitionIndex(1)};
  epochs.Saw(partition, LeaderEpoch(3), NodeId(1), findings);
  epochs.Saw({TopicId(), PartitionIndex(2)}, LeaderEpoch(3), NodeId(2), findings);
  EXPECT_TRUE(findings.empty());
  epochs.Saw(partition, LeaderEpoch(3), NodeId(2), findings);
  EXPECT_TRUE(SaysThat(findings, "has two leaders in epoch 3"));
}

TEST(KeptPromises, LetsTermsGrowAndVotesBeCast) {
  KeptPromises promises;
  Findings findings;
  promises.Saw("c1", {Term(3), std::nullopt}, findings);
  promises.Saw("c1", {Term(3), Voter(2)}, findings);
  promises.Saw("c1", {Term(4), Voter(1)}, findings);
  EXPECT_TRUE(findings.empty());
}

TEST(KeptPromises, FindsATermThatFell) {
  KeptPromises promises;
  Findings findings;
  promises.Saw("c1", {Term(3), Voter(2)}, findings);
  promises.Saw("c1", {Term(2), Voter(2)}, findings);
  EXPECT_TRUE(SaysThat(findings, "c1 was in term 3, and its disk now says 2"));
}

TEST(KeptPromises, FindsASecondVote) {
  KeptPromises promises;
  Findings findings;
  promises.Saw("c1", {Term(3), Voter(2)}, findings);
  promises.Saw("c1", {Term(3), Voter(3)}, findings);
  EXPECT_TRUE(SaysThat(findings, "c1 voted for controller 2 in term 3"));
  Findings forgot;
  promises.Saw("c2", {Term(3), Voter(2)}, forgot);
  promises.Saw("c2", {Term(3), std::nullopt}, forgot);
  EXPECT_TRUE(SaysThat(forgot, "its disk now says nobody"));
}

TEST(KeptPromises, FindsALeaderByVotesThatNobodyWroteDown) {
  KeptPromises promises;
  Findings findings;
  raft::HardState voted{Term(3), Voter(1)};
  raft::HardState gone_on{Term(4), std::nullopt};
  raft::HardState has_not{Term(3), std::nullopt};
  raft::HardState behind{Term(2), Voter(1)};
  promises.Elected(ControllerId(1), Term(3), {voted, gone_on, has_not}, findings);
  promises.Elected(ControllerId(1), Term(3), {has_not, has_not, has_not}, findings);
  EXPECT_TRUE(findings.empty()) << "it is judged when it is first seen";
  KeptPromises others;
  others.Elected(ControllerId(1), Term(3), {voted, has_not, behind}, findings);
  EXPECT_TRUE(SaysThat(findings, "its votes are on 1 of 3 voters' disks"));
}

TEST(KeptPromises, AsksNothingOfANewDisk) {
  KeptPromises promises;
  Findings findings;
  promises.Saw("c1", {Term(3), Voter(2)}, findings);
  promises.Forget("c1");
  promises.Saw("c1", {Term(0), std::nullopt}, findings);
  EXPECT_TRUE(findings.empty());
}

// A log of entries with these terms, from index `from`; each payload names its entry.
struct Disk {
  std::deque<quorum::LogEntry> entries;
  raft::LogPosition begin;

  explicit Disk(std::vector<int64_t> terms, raft::LogPosition after = {}) : begin(after) {
    for (int64_t term : terms) Append(term);
  }
  void Append(int64_t term, const std::string& what = "") {
    LogIndex index = begin.index + static_cast<int64_t>(entries.size()) + 1;
    entries.push_back({index, Term(term), Bytes::FromString("entry" + what)});
  }
  LogOnDisk Of(const std::string& voter) const { return {voter, begin, &entries}; }
};

TEST(LogMatching, HoldsForLogsThatDifferInTheirTails) {
  LogMatching logs;
  Findings findings;
  Disk a({1, 1, 2});
  Disk b({1, 1, 3});
  logs.Saw(a.Of("a"), 0, findings);
  logs.Saw(b.Of("b"), 0, findings);
  a.entries.pop_back();
  a.Append(3);
  a.Append(3);
  logs.Saw(a.Of("a"), 0, findings);
  logs.Saw(a.Of("a"), kAll, findings);
  EXPECT_TRUE(findings.empty()) << findings.all().front();
}

TEST(LogMatching, FindsADifferenceBeforeAnEqualEntry) {
  LogMatching logs;
  Findings findings;
  logs.Saw(Disk({1, 1, 3}).Of("a"), 0, findings);
  logs.Saw(Disk({1, 2}).Of("b"), 0, findings);
  EXPECT_TRUE(findings.empty());
  logs.Saw(Disk({1, 2, 3}).Of("b"), 0, findings);
  EXPECT_TRUE(SaysThat(findings, "b: up to entry 3 of term 3 its log differs"));
}

TEST(LogMatching, FindsOtherBytesInAnEqualEntry) {
  LogMatching logs;
  Findings findings;
  logs.Saw(Disk({1}).Of("a"), 0, findings);
  Disk b({});
  b.Append(1, " with other bytes");
  logs.Saw(b.Of("b"), 0, findings);
  EXPECT_FALSE(findings.empty());
}

TEST(LogMatching, FindsBytesThatChangedWhenItLooksAgain) {
  LogMatching logs;
  Findings findings;
  Disk a({1, 1});
  logs.Saw(a.Of("a"), 0, findings);
  a.entries[0].payload = Bytes::FromString("flipped");
  logs.Saw(a.Of("a"), 1, findings);
  EXPECT_TRUE(findings.empty()) << "not so far back";
  logs.Saw(a.Of("a"), 2, findings);
  EXPECT_FALSE(findings.empty());
}

TEST(LogMatching, FindsTermsThatFallAlongALog) {
  LogMatching logs;
  Findings findings;
  logs.Saw(Disk({2, 1}).Of("a"), 0, findings);
  EXPECT_TRUE(SaysThat(findings, "entry 2 of term 1 lies behind one of term 2"));
}

TEST(LogMatching, GoesOnAfterASnapshotTookTheFront) {
  LogMatching logs;
  Findings findings;
  Disk a({1, 1, 2, 2});
  logs.Saw(a.Of("a"), 0, findings);
  Disk compacted({2, 2}, {LogIndex(2), Term(1)});
  compacted.Append(2);
  logs.Saw(compacted.Of("a"), 0, findings);
  logs.Saw(compacted.Of("b"), kAll, findings);
  EXPECT_TRUE(findings.empty());
  Disk other({}, {LogIndex(2), Term(1)});
  other.Append(2, " that is another");
  logs.Saw(other.Of("c"), 0, findings);
  EXPECT_FALSE(findings.empty());
}

TEST(CommittedEntries, FindsTwoCommittedAtOneIndex) {
  CommittedEntries entries;
  Findings findings;
  entries.Announced("a", Term(2), {LogIndex(5), Term(2)}, findings);
  entries.Announced("b", Term(2), {LogIndex(5), Term(2)}, findings);
  EXPECT_TRUE(findings.empty());
  entries.Announced("c", Term(3), {LogIndex(5), Term(3)}, findings);
  EXPECT_TRUE(
      SaysThat(findings, "entry 5 is committed with term 3, and was committed with term 2"));
}

TEST(CommittedEntries, FindsThatAMajorityLacksWhatIsCommitted) {
  CommittedEntries entries;
  Findings findings;
  entries.Announced("a", Term(1), {LogIndex(2), Term(1)}, findings);
  Disk has({1, 1});
  Disk lacks({1});
  Disk other({1, 2});
  Disk within({}, {LogIndex(4), Term(3)});
  entries.OnDisks({has.Of("a"), within.Of("b"), lacks.Of("c")}, findings);
  EXPECT_TRUE(findings.empty());
  entries.OnDisks({has.Of("a"), other.Of("b"), lacks.Of("c")}, findings);
  EXPECT_TRUE(SaysThat(findings, "is on 1 of 3 voters' disks"));
}

TEST(CommittedEntries, FindsAnOldTermCommittedByCount) {
  CommittedEntries entries;
  Findings findings;
  Disk log({1, 2, 2, 4});
  entries.Counted(log.Of("a"), Term(1), LogIndex(1), findings);
  entries.Counted(log.Of("a"), Term(4), LogIndex(4), findings);
  entries.Counted(log.Of("a"), Term(4), LogIndex(3), findings);
  EXPECT_TRUE(findings.empty()) << "entries of old terms commit with one of the new";
  CommittedEntries others;
  others.Counted(log.Of("a"), Term(4), LogIndex(3), findings);
  EXPECT_TRUE(SaysThat(findings, "has committed entry 3 of term 2 with none of its own"));
}

CommittedEntries::Holds In(const Disk& disk) {
  return [&disk](const raft::LogPosition& position) { return disk.Of("").Holds(position); };
}

TEST(CommittedEntries, FindsALeaderWhoLacksWhatIsCommitted) {
  CommittedEntries entries;
  Findings findings;
  entries.Announced("a", Term(1), {LogIndex(2), Term(1)}, findings);
  Disk has({1, 1, 2});
  Disk lacks({1});
  entries.Leads("a", Term(2), In(has), findings);
  EXPECT_TRUE(findings.empty());
  entries.Leads("b", Term(2), In(lacks), findings);
  EXPECT_TRUE(findings.empty()) << "of one term there is one finding at most";
  entries.Leads("b", Term(3), In(lacks), findings);
  EXPECT_TRUE(SaysThat(findings, "b leads in term 3"));
}

TEST(CommittedEntries, AsksNothingOfALeaderElectedLate) {
  CommittedEntries entries;
  Findings findings;
  // An entry of term 1, which commits with the first one of term 4.
  entries.Announced("a", Term(4), {LogIndex(2), Term(1)}, findings);
  Disk lacks({1});
  entries.Leads("b", Term(3), In(lacks), findings);
  EXPECT_TRUE(findings.empty()) << "its votes were under way while term 4 committed";
  entries.Leads("b", Term(5), In(lacks), findings);
  EXPECT_TRUE(SaysThat(findings, "b leads in term 5"));
}

}  // namespace
}  // namespace weir::checker
