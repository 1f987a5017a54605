// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/inspection.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "controller/quorum/rocksdb/rocksdb_quorum_log.h"
#include "controller/quorum/test_world.h"

namespace weir::quorum {
namespace {

class InspectionTest : public testing::Test {
 protected:
  InspectionTest()
      : folder_(testing::TempDir() + "/inspected-" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
  }

  void Write() {
    log_ = std::make_unique<RocksdbQuorumLog>(folder_, strand_);
    int answers = 0;
    log_->Load([&](Result<Remembered> loaded) { answers += loaded ? 1 : 0; });
    log_->Save({.install = StoredSnapshot{{LogIndex(2), Term(1)}, Bytes::FromString("state")}},
               [&](Result<void> saved) { answers += saved ? 1 : 0; });
    LogWrite write{.hard_state = raft::HardState{Term(4), std::nullopt}};
    for (int i = 3; i < 6; ++i) {
      write.append.push_back({LogIndex(i), Term(i - 1), Bytes::FromString("entry")});
    }
    log_->Save(std::move(write), [&](Result<void> saved) { answers += saved ? 1 : 0; });
    int replies = 0;
    log_->ReadSnapshot([&](auto) { ++replies; });
    strand_.WaitUntil([&] { return replies == 1; });
    ASSERT_EQ(answers, 3);
  }

  void ExpectAll() {
    auto opened = Inspection::Open(folder_);
    ASSERT_TRUE(opened) << opened.error();
    auto account = (*opened)->ReadAccount();
    ASSERT_TRUE(account && *account);
    EXPECT_EQ((*account)->writes, 2u);
    EXPECT_EQ((*account)->hard_state.term, Term(4));
    EXPECT_EQ((*account)->last, (raft::LogPosition{LogIndex(5), Term(4)}));
    auto snapshot = (*opened)->ReadSnapshot();
    ASSERT_TRUE(snapshot && *snapshot);
    EXPECT_EQ((*snapshot)->state.view(), "state");
    std::vector<int64_t> seen;
    EXPECT_TRUE((*opened)->ForEachEntry(LogIndex(4), LogIndex(9), [&](const StoredEntry& stored) {
      seen.push_back(stored.entry.index.value());
    }));
    EXPECT_EQ(seen, (std::vector<int64_t>{4, 5}));
  }

  const std::string folder_;
  TestStrand strand_;
  std::unique_ptr<RocksdbQuorumLog> log_;
};

TEST_F(InspectionTest, ReadsBesideAControllerThatRuns) {
  Write();
  ExpectAll();
}

TEST_F(InspectionTest, ReadsWhatAControllerLeft) {
  Write();
  log_.reset();
  ExpectAll();
  ExpectAll();
}

TEST_F(InspectionTest, SaysThatThereIsNoLog) {
  auto opened = Inspection::Open(folder_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, Error::Kind::kNotFound);
  EXPECT_NE(opened.error().message.find("there is no quorum's log in " + folder_),
            std::string::npos)
      << opened.error();
}

}  // namespace
}  // namespace weir::quorum
