// SPDX-License-Identifier: Apache-2.0
// Journals as RocksDB writes them: what a crash leaves of the last record is cut off, and what
// lies in the middle is left to RocksDB to refuse.
#include "controller/quorum/rocksdb/journal_files.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <random>
#include <vector>

#include "controller/quorum/rocksdb/complaints.h"
#include "controller/quorum/rocksdb/journal_end.h"
#include "controller/quorum/rocksdb/testing/crash_file_system.h"

namespace weir::quorum {
namespace {

constexpr uint64_t kAhead = 65536;

class JournalTest : public testing::Test {
 protected:
  JournalTest()
      : disk_(std::make_shared<CrashFileSystem>()),
        memory_(rocksdb::NewCompositeEnv(disk_)),
        env_(memory_.get(), kAhead) {
    options_.env = &env_;
    options_.info_log = std::make_shared<Complaints>();
    options_.create_if_missing = true;
    options_.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  }

  // Writes one record for each size, each synced; keeps the journal as it was then, zeros and all,
  // and where it ended after each.
  void Write(const std::vector<size_t>& sizes) {
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options_, "/db", &opened).ok());
    std::unique_ptr<rocksdb::DB> db(opened);
    rocksdb::WriteOptions synced;
    synced.sync = true;
    std::mt19937_64 random(1);
    for (size_t size : sizes) {
      std::string value(size, '\0');
      for (char& byte : value) byte = static_cast<char>(random());
      ASSERT_TRUE(db->Put(synced, "key", value).ok());
      journal_ = Found();
      ends_.push_back(*EndOf(journal_));
    }
  }
  std::string Found() const {
    std::string found;
    for (const auto& [path, bytes] : disk_->Copy()) {
      if (path.ends_with(".log")) found = bytes;
    }
    return found;
  }
  static std::optional<uint64_t> EndOf(const std::string& journal) {
    JournalEnd end;
    for (size_t at = 0; at < journal.size(); at += JournalEnd::kBlockBytes) {
      end.Read(std::string_view(journal).substr(at, JournalEnd::kBlockBytes));
    }
    return end.end();
  }

  std::shared_ptr<CrashFileSystem> disk_;
  std::unique_ptr<rocksdb::Env> memory_;
  JournalEnv env_;
  rocksdb::Options options_;
  std::string journal_;
  std::vector<uint64_t> ends_;
};

TEST_F(JournalTest, LiesInZerosThatGoWhenItIsClosed) {
  Write({100, 200});
  EXPECT_EQ(journal_.size(), kAhead);
  EXPECT_LT(ends_.back(), 500u);
  EXPECT_EQ(journal_.find_first_not_of('\0', ends_.back()), std::string::npos);
  EXPECT_EQ(Found().size(), ends_.back());
}

TEST_F(JournalTest, EndsWithEachRecordThatIsWhole) {
  Write({100, 40'000, 10, 32'700, 70'000, 5});
  for (size_t i = 1; i < ends_.size(); ++i) EXPECT_GT(ends_[i], ends_[i - 1]) << i;
  EXPECT_EQ(EndOf(journal_.substr(0, ends_[3])), ends_[3]);
  EXPECT_EQ(EndOf(journal_.substr(0, ends_[3] - 1)), ends_[2]);
  EXPECT_EQ(EndOf(""), 0u);
}

// Any pages of the last write, as a machine leaves them that stops while they are written.
TEST_F(JournalTest, EndsBeforeARecordOfWhichSomePagesAreZeros) {
  Write({100, 9'000, 90'000});
  std::mt19937_64 random(2);
  for (int i = 0; i < 500; ++i) {
    std::string torn = journal_;
    uint64_t lost = 0;
    for (uint64_t at = ends_[1]; at < ends_[2]; at = (at / 4096 + 1) * 4096) {
      if (random() % 3 != 0) continue;
      uint64_t to = std::min((at / 4096 + 1) * 4096, ends_[2]);
      torn.replace(at, to - at, to - at, '\0');
      ++lost;
    }
    EXPECT_EQ(EndOf(torn), lost == 0 ? ends_[2] : ends_[1]);
  }
}

TEST_F(JournalTest, HasNoEndWhereARecordFollowsUponDamage) {
  Write({100, 300, 40'000, 200, 90'000, 10});
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string spoiled = journal_;
    size_t at = random() % ends_[4];
    spoiled[at] = static_cast<char>(spoiled[at] ^ (1 << (random() % 8)));
    // But for what fills up a block behind its last fragment, and is not read.
    auto end = EndOf(spoiled);
    if (end) EXPECT_EQ(*end, ends_[5]) << at;
    if (end) EXPECT_GE(at % JournalEnd::kBlockBytes, JournalEnd::kBlockBytes - 7) << at;
  }
}

TEST_F(JournalTest, EndsBeforeASpoiledLastRecord) {
  Write({100, 300, 50'000});
  for (uint64_t at = ends_[1]; at < ends_[2]; at += 97) {
    std::string spoiled = journal_;
    spoiled[at] = static_cast<char>(spoiled[at] ^ 4);
    EXPECT_EQ(EndOf(spoiled), ends_[1]) << at;
  }
}

TEST_F(JournalTest, UsesTheRoomThatIsLeftWhereThereIsNoneForZeros) {
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options_, "/db", &opened).ok());
  std::unique_ptr<rocksdb::DB> db(opened);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  // The record finds room, and half of the zeros.
  disk_->FillAt(disk_->operations() + 1);
  EXPECT_TRUE(db->Put(synced, "key", std::string(1000, 'a')).ok());
  EXPECT_LT(Found().size(), kAhead);
  while (db->Put(synced, "key", std::string(1000, 'b')).ok()) {
  }
  EXPECT_GT(*EndOf(Found()), kAhead / 2 - 2000);
}

}  // namespace
}  // namespace weir::quorum
