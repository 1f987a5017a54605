// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/rocksdb_quorum_log.h"

#include <filesystem>
#include <fstream>

#include "controller/quorum/quorum_log_contract.h"
#include "controller/quorum/rocksdb/entry_codec.h"
#include "controller/quorum/test_world.h"

namespace weir::quorum {
namespace {

// A process's end is the crash of this world: a synced write survives both alike.
class RocksdbWorld {
 public:
  RocksdbWorld()
      : folder_(testing::TempDir() + "/quorum-" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    Remove();
  }
  ~RocksdbWorld() {
    log_.reset();
    Remove();
  }
  void Open() { log_ = OpenAnother(); }
  std::unique_ptr<QuorumLog> OpenAnother() {
    return std::make_unique<RocksdbQuorumLog>(folder_, strand);
  }
  void Crash() { log_.reset(); }
  QuorumLog& log() { return *log_; }
  template <class Done>
  void Wait(Done done) {
    strand.WaitUntil(done);
  }
  const std::string& folder() const { return folder_; }

  TestStrand strand;

 private:
  void Remove() {
    std::filesystem::remove_all(folder_);
    std::filesystem::remove(folder_ + ".mark");
  }

  const std::string folder_;
  std::unique_ptr<QuorumLog> log_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Rocksdb, QuorumLogContract, RocksdbWorld);

TEST(EntryCodec, ReadsBackWhatItWrote) {
  LogEntry entry{LogIndex(300), Term(7), Bytes::FromString("payload")};
  EXPECT_EQ(*ReadEntry(EntryKey(entry.index), EntryValue(entry, Term(6))),
            (StoredEntry{entry, Term(6)}));
  Account account{.writes = 8,
                  .hard_state = {Term(5), raft::VoterId{ControllerId(2), {}}},
                  .begin = {LogIndex(3), Term(2)},
                  .last = {LogIndex(9), Term(5)},
                  .snapshot = {LogIndex(3), Term(2)}};
  EXPECT_EQ(*ReadAccount(AccountValue(account)), account);
  account.hard_state.vote.reset();
  EXPECT_EQ(*ReadAccount(AccountValue(account)), account);
}

TEST(EntryCodec, NoticesEveryChangedBit) {
  LogEntry entry{LogIndex(3), Term(7), Bytes::FromString("payload")};
  std::string value = EntryValue(entry, Term(7));
  for (size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string changed = value;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(ReadEntry(EntryKey(entry.index), changed)) << bit;
  }
  EXPECT_FALSE(ReadEntry(EntryKey(LogIndex(4)), value)) << "under another key";
  EXPECT_FALSE(ReadEntry(EntryKey(entry.index), ""));
}

TEST(EntryCodec, OrdersKeysAsIndexes) {
  EXPECT_LT(EntryKey(LogIndex(255)), EntryKey(LogIndex(256)));
  EXPECT_LT(EntryKey(LogIndex::Max()), EntryKeysEnd());
  EXPECT_LT(EntryKeysEnd(), std::string(kAccountKey));
}

}  // namespace
}  // namespace weir::quorum
