// SPDX-License-Identifier: Apache-2.0
// What every QuorumLog promises; run by each implementation's test:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, QuorumLogContract, MemoryWorld);
// A World makes logs over one disk (Open), can crash them (Crash), and waits (Wait).
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/quorum/quorum_log.h"

namespace weir::quorum {

template <class World>
class QuorumLogContract : public testing::Test {
 protected:
  void SetUp() override { world_.Open(); }

  // Starts an operation, and waits for its answer.
  template <class T, class Start>
  T Ask(Start start) {
    std::optional<T> answer;
    start([&](T value) { answer.emplace(std::move(value)); });
    EXPECT_FALSE(answer) << "a callback came within the call";
    world_.Wait([&] { return answer.has_value(); });
    return std::move(*answer);
  }
  Result<Remembered> Load() {
    return Ask<Result<Remembered>>([&](auto done) { world_.log().Load(std::move(done)); });
  }
  Result<void> Save(LogWrite write) {
    return Ask<Result<void>>(
        [&](auto done) { world_.log().Save(std::move(write), std::move(done)); });
  }
  Result<std::vector<LogEntry>> Read(int from, int to, size_t max_bytes = 1000) {
    return Ask<Result<std::vector<LogEntry>>>([&](auto done) {
      world_.log().ReadEntries(LogIndex(from), LogIndex(to), max_bytes, std::move(done));
    });
  }
  Result<void> SaveSnapshot(int index, int term, std::string state, int begin) {
    return Ask<Result<void>>([&](auto done) {
      world_.log().SaveSnapshot(Snapshot(index, term, std::move(state)), LogIndex(begin),
                                std::move(done));
    });
  }
  Result<void> Install(int index, int term, std::string state) {
    return Save({.install = Snapshot(index, term, std::move(state))});
  }
  static StoredSnapshot Snapshot(int index, int term, std::string state) {
    return {{LogIndex(index), Term(term)}, Bytes::FromString(std::move(state))};
  }
  Result<std::optional<StoredSnapshot>> ReadSnapshot() {
    return Ask<Result<std::optional<StoredSnapshot>>>(
        [&](auto done) { world_.log().ReadSnapshot(std::move(done)); });
  }
  void Found() {
    ASSERT_TRUE(Load());
    ASSERT_TRUE(Install(1, 1, "founding"));
  }
  static LogEntry Entry(int index, int term, const std::string& payload = "entry") {
    return {LogIndex(index), Term(term), Bytes::FromString(payload + std::to_string(index))};
  }
  static std::string Text(const raft::TermHistory& terms) {
    std::ostringstream out;
    out << terms;
    return out.str();
  }

  World world_;
};

TYPED_TEST_SUITE_P(QuorumLogContract);

TYPED_TEST_P(QuorumLogContract, IsEmptyAtFirst) {
  auto remembered = this->Load();
  ASSERT_TRUE(remembered) << remembered.error();
  EXPECT_EQ(remembered->snapshot.index, LogIndex(0));
  EXPECT_EQ(remembered->last, LogIndex(0));
  EXPECT_EQ(remembered->hard_state, raft::HardState());
  EXPECT_EQ(*this->ReadSnapshot(), std::nullopt);
}

TYPED_TEST_P(QuorumLogContract, RemembersWhatWasSavedAfterACrash) {
  this->Found();
  raft::VoterId vote{ControllerId(7), DirectoryId(Uuid::FromRandom(1, 2))};
  ASSERT_TRUE(this->Save({.hard_state = raft::HardState{Term(3), vote},
                          .append = {this->Entry(2, 2), this->Entry(3, 3)}}));
  this->world_.Crash();
  this->world_.Open();
  auto remembered = this->Load();
  ASSERT_TRUE(remembered) << remembered.error();
  EXPECT_EQ(remembered->hard_state, (raft::HardState{Term(3), vote}));
  EXPECT_EQ(remembered->snapshot, (raft::LogPosition{LogIndex(1), Term(1)}));
  EXPECT_EQ(remembered->last, LogIndex(3));
  EXPECT_EQ(this->Text(remembered->terms), "1@1 2@2 3@3");
  EXPECT_EQ(*this->Read(2, 3), (std::vector{this->Entry(2, 2), this->Entry(3, 3)}));
  EXPECT_EQ((*this->ReadSnapshot())->state.view(), "founding");
}

TYPED_TEST_P(QuorumLogContract, CutsTheTailAndGoesOnInOneWrite) {
  this->Found();
  ASSERT_TRUE(this->Save(
      {.append = {this->Entry(2, 2), this->Entry(3, 2), this->Entry(4, 2), this->Entry(5, 2)}}));
  ASSERT_TRUE(this->Save(
      {.truncate_from = LogIndex(3), .append = {this->Entry(3, 4, "other"), this->Entry(4, 4)}}));
  EXPECT_FALSE(this->Read(5, 5));
  this->world_.Crash();
  this->world_.Open();
  auto remembered = this->Load();
  ASSERT_TRUE(remembered) << remembered.error();
  EXPECT_EQ(remembered->last, LogIndex(4));
  EXPECT_EQ(this->Text(remembered->terms), "1@1 2@2 4@3");
  EXPECT_EQ(this->Read(3, 3)->front(), this->Entry(3, 4, "other"));
}

TYPED_TEST_P(QuorumLogContract, CuttingWhatIsNotThereChangesNothing) {
  this->Found();
  ASSERT_TRUE(this->Save({.append = {this->Entry(2, 2)}}));
  ASSERT_TRUE(this->Save({.truncate_from = LogIndex(3), .append = {this->Entry(3, 3)}}));
  EXPECT_EQ(this->Read(2, 3)->size(), 2u);
}

TYPED_TEST_P(QuorumLogContract, ReadsAsMuchAsFitsButAtLeastOne) {
  this->Found();
  ASSERT_TRUE(this->Save({.append = {this->Entry(2, 2), this->Entry(3, 2), this->Entry(4, 2)}}));
  EXPECT_EQ(this->Read(2, 4, 12)->size(), 2u);
  EXPECT_EQ(this->Read(2, 4, 1)->size(), 1u);
  EXPECT_EQ(this->Read(3, 3)->size(), 1u);
  auto absent = this->Read(9, 10);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind, Error::Kind::kNotFound);
}

TYPED_TEST_P(QuorumLogContract, ASnapshotDropsWhatIsNotKept) {
  this->Found();
  ASSERT_TRUE(this->Save({.append = {this->Entry(2, 2), this->Entry(3, 2), this->Entry(4, 3)}}));
  ASSERT_TRUE(this->SaveSnapshot(3, 2, "three", 2));
  EXPECT_FALSE(this->Read(2, 2));
  EXPECT_TRUE(this->Read(3, 3));
  for (int life = 0; life < 2; ++life) {
    this->world_.Crash();
    this->world_.Open();
    auto remembered = this->Load();
    ASSERT_TRUE(remembered) << remembered.error();
    EXPECT_EQ(remembered->snapshot, (raft::LogPosition{LogIndex(3), Term(2)}));
    EXPECT_EQ(remembered->begin, (raft::LogPosition{LogIndex(2), Term(2)}));
    EXPECT_EQ(this->Text(remembered->terms), "2@2 3@4");
    EXPECT_EQ(remembered->last, LogIndex(4));
    EXPECT_EQ((*this->ReadSnapshot())->state.view(), "three");
  }
  // What the log goes on with.
  ASSERT_TRUE(this->Save({.append = {this->Entry(5, 3)}}));
  ASSERT_TRUE(this->SaveSnapshot(5, 3, "five", 5));
  EXPECT_FALSE(this->Read(5, 5));
  ASSERT_TRUE(this->Save({.append = {this->Entry(6, 3)}}));
  EXPECT_TRUE(this->Read(6, 6));
}

TYPED_TEST_P(QuorumLogContract, ASnapshotOfWhatIsNotHereOrIsOldChangesNothing) {
  this->Found();
  ASSERT_TRUE(this->Save({.append = {this->Entry(2, 2), this->Entry(3, 2)}}));
  ASSERT_TRUE(this->SaveSnapshot(3, 2, "three", 1));
  ASSERT_TRUE(this->SaveSnapshot(2, 2, "two", 2));
  ASSERT_TRUE(this->SaveSnapshot(9, 2, "nine", 9));
  EXPECT_EQ((*this->ReadSnapshot())->state.view(), "three");
  EXPECT_TRUE(this->Read(2, 3));
}

TYPED_TEST_P(QuorumLogContract, AnInstalledSnapshotReplacesTheLog) {
  this->Found();
  ASSERT_TRUE(this->Save({.append = {this->Entry(2, 2), this->Entry(3, 2)}}));
  ASSERT_TRUE(this->Save({.hard_state = raft::HardState{Term(6), std::nullopt},
                          .install = this->Snapshot(9, 5, "nine"),
                          .append = {this->Entry(10, 6)}}));
  EXPECT_FALSE(this->Read(3, 3));
  this->world_.Crash();
  this->world_.Open();
  auto remembered = this->Load();
  ASSERT_TRUE(remembered) << remembered.error();
  EXPECT_EQ(remembered->begin, (raft::LogPosition{LogIndex(9), Term(5)}));
  EXPECT_EQ(remembered->snapshot, remembered->begin);
  EXPECT_EQ(remembered->hard_state.term, Term(6));
  EXPECT_EQ(this->Text(remembered->terms), "5@9 6@10");
  EXPECT_TRUE(this->Read(10, 10));
}

TYPED_TEST_P(QuorumLogContract, RemembersWhichEntriesBringVoters) {
  this->Found();
  // A weir.metadata.v1.Entry with one VotersRecord, that names nobody.
  LogEntry voters{LogIndex(3), Term(2), Bytes::FromString(std::string("\x12\x02\x62\x00", 4))};
  ASSERT_TRUE(this->Save({.append = {this->Entry(2, 2), voters, this->Entry(4, 2)}}));
  this->world_.Crash();
  this->world_.Open();
  auto remembered = this->Load();
  ASSERT_TRUE(remembered) << remembered.error();
  EXPECT_EQ(remembered->voters, std::vector{voters});
}

TYPED_TEST_P(QuorumLogContract, CarriesOutWritesInTheOrderOfTheCalls) {
  this->Found();
  std::vector<int> order;
  for (int i = 2; i < 12; ++i) {
    this->world_.log().Save({.append = {this->Entry(i, 2)}}, [&order, i](Result<void> saved) {
      EXPECT_TRUE(saved);
      order.push_back(i);
    });
  }
  EXPECT_TRUE(order.empty());
  this->world_.Wait([&] { return order.size() == 10; });
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TYPED_TEST_P(QuorumLogContract, SaysThatAnotherProcessHasTheFolder) {
  ASSERT_TRUE(this->Load());
  auto other = this->world_.OpenAnother();
  std::optional<Result<Remembered>> answer;
  other->Load([&](Result<Remembered> loaded) { answer.emplace(std::move(loaded)); });
  this->world_.Wait([&] { return answer.has_value(); });
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().kind, Error::Kind::kInUse);
  EXPECT_NE(answer->error().message.find("another process"), std::string::npos) << answer->error();
}

REGISTER_TYPED_TEST_SUITE_P(QuorumLogContract, IsEmptyAtFirst, RemembersWhatWasSavedAfterACrash,
                            CutsTheTailAndGoesOnInOneWrite, CuttingWhatIsNotThereChangesNothing,
                            ReadsAsMuchAsFitsButAtLeastOne, ASnapshotDropsWhatIsNotKept,
                            ASnapshotOfWhatIsNotHereOrIsOldChangesNothing,
                            AnInstalledSnapshotReplacesTheLog, RemembersWhichEntriesBringVoters,
                            CarriesOutWritesInTheOrderOfTheCalls,
                            SaysThatAnotherProcessHasTheFolder);

}  // namespace weir::quorum
