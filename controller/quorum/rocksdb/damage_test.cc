// SPDX-License-Identifier: Apache-2.0
// Whatever happens to the bytes of a closed log: it opens with all that was acknowledged, or says
// that it is damaged, and what to do. It never opens with less.
#include <rocksdb/db.h>

#include "controller/quorum/rocksdb/complaints.h"
#include "controller/quorum/rocksdb/crash_world.h"
#include "controller/quorum/rocksdb/entry_codec.h"

namespace weir::quorum {
namespace {

// Behind that there are only zeros, where a journal may yet grow.
size_t SizeOf(const std::string& bytes) { return bytes.find_last_not_of('\0') + 1; }

enum class Ending {
  kClosed,   // In order.
  kCrashed,  // The last writes are in RocksDB's journal alone.
};

class Damage : public testing::TestWithParam<Ending> {
 protected:
  Damage() : life_(11, 40, 5000) {}

  void SetUp() override {
    ASSERT_TRUE(world_.Open());
    ASSERT_EQ(world_.Live(life_), life_.size());
    if (GetParam() == Ending::kCrashed) {
      // As when the process is killed: what was written is there.
      world_.files().CrashAt(0);
      world_.Close();
      world_.files().Reboot(Unsynced::kKept, 1);
    } else {
      world_.Close();
    }
    tree_ = world_.files().Copy();
    ASSERT_GE(tree_.size(), 4u);
  }

  // Opens what is left, and counts how often it was refused.
  void Try(const CrashFileSystem::Tree& tree, const std::string& what) {
    world_.Close();
    world_.files().Restore(tree);
    auto found = world_.Reopen();
    if (found) {
      EXPECT_TRUE(*found == life_.state(life_.size()))
          << what << ": opened with less: " << Words(*found);
      return;
    }
    ++refused_;
    EXPECT_EQ(found.error().kind, Error::Kind::kCorrupt) << what << ": " << found.error();
    const std::string& words = found.error().message;
    for (const char* phrase : {kFolder, "weir quorum remove", "weir quorum add"}) {
      EXPECT_NE(words.find(phrase), std::string::npos)
          << what << ": says nothing of " << phrase << ": " << words;
    }
    EXPECT_EQ(words.find("is damaged"), words.rfind("is damaged")) << "said twice: " << words;
  }

  const Life life_;
  CrashWorld world_;
  CrashFileSystem::Tree tree_;
  int refused_ = 0;
};

TEST_P(Damage, OfOneBitIsHarmlessOrRefused) {
  std::mt19937_64 random(1);
  for (const auto& [path, bytes] : tree_) {
    // The ends are where damage looks like a crash.
    for (int i = 0; i < 150 && !bytes.empty() && !HasFailure(); ++i) {
      size_t size = i % 15 == 0 ? bytes.size() : std::max<size_t>(SizeOf(bytes), 1);
      size_t near = std::min<size_t>(size, 60);
      size_t at = i % 3 == 0 ? size - 1 - random() % near : random() % size;
      auto tree = tree_;
      tree[path][at] = static_cast<char>(tree[path][at] ^ (1 << (random() % 8)));
      Try(tree, "a flipped bit in byte " + std::to_string(at) + " of " + path);
    }
  }
  EXPECT_GT(refused_, 100);
}

TEST_P(Damage, ByALostFileIsHarmlessOrRefused) {
  for (const auto& [path, bytes] : tree_) {
    auto tree = tree_;
    tree.erase(path);
    Try(tree, path + " is gone");
  }
  EXPECT_GT(refused_, 1);
}

TEST_P(Damage, ByALostEndIsHarmlessOrRefused) {
  std::mt19937_64 random(2);
  for (const auto& [path, bytes] : tree_) {
    for (int i = 0; i < 20 && !bytes.empty(); ++i) {
      auto tree = tree_;
      tree[path].resize(i == 0 ? 0 : random() % std::max<size_t>(SizeOf(bytes), 1));
      Try(tree, path + " ends after " + std::to_string(tree[path].size()) + " bytes");
    }
  }
  EXPECT_GT(refused_, 10);
}

TEST_P(Damage, ByZerosIsHarmlessOrRefused) {
  std::mt19937_64 random(3);
  for (const auto& [path, bytes] : tree_) {
    for (int i = 0; i < 20 && !bytes.empty(); ++i) {
      auto tree = tree_;
      size_t at = random() % std::max<size_t>(SizeOf(bytes), 1);
      size_t count = std::min<size_t>(bytes.size() - at, 1 + random() % 4096);
      tree[path].replace(at, count, count, '\0');
      Try(tree, "zeros in " + path + " from " + std::to_string(at));
    }
  }
  EXPECT_GT(refused_, 10);
}

TEST_P(Damage, OfTheWholeFolderIsRefused) {
  auto tree = tree_;
  std::erase_if(tree, [](const auto& named) { return named.first.starts_with("/data/quorum/"); });
  Try(tree, "all is gone");
  EXPECT_EQ(refused_, 1);
}

// The mark is a guard, and holds nothing of its own.
TEST_P(Damage, OfTheMarkIsHarmless) {
  auto tree = tree_;
  tree.erase("/data/quorum.mark");
  Try(tree, "the mark is gone");
  EXPECT_EQ(refused_, 0);
}

INSTANTIATE_TEST_SUITE_P(Endings, Damage, testing::Values(Ending::kClosed, Ending::kCrashed));

// Why there is a mark, and what it cannot do: without it a lost end is what a crash leaves.
TEST(Limits, ALostEndAndALostMarkLookLikeACrash) {
  Life life(13, 20, 300);
  CrashWorld world;
  ASSERT_TRUE(world.Open());
  ASSERT_EQ(world.Live(life), life.size());
  world.files().CrashAt(0);
  world.Close();
  world.files().Reboot(Unsynced::kKept, 1);
  auto tree = world.files().Copy();
  for (auto& [path, bytes] : tree) {
    if (path.ends_with(".log")) bytes.resize(std::max<size_t>(SizeOf(bytes), 3) - 3);
  }
  world.files().Restore(tree);
  auto refused = world.Open();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("the last 1 writes of 20 that were synced are not there"),
            std::string::npos)
      << refused.error();
  world.Close();
  tree.erase("/data/quorum.mark");
  world.files().Restore(tree);
  auto found = world.Reopen();
  ASSERT_TRUE(found) << found.error();
  EXPECT_TRUE(*found == life.state(life.size() - 1)) << Words(*found);
}

// A value that is right in itself, in a place where it is wrong: as if later files had been lost.
class Misplaced : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(world_.Open());
    StoredSnapshot founding{{LogIndex(1), Term(1)}, Bytes::FromString("a")};
    ASSERT_TRUE(world_.Do({.write = {.install = founding}}));
    ASSERT_TRUE(world_.Do({.write = {.append = {Entry(2, 2), Entry(3, 2), Entry(4, 2)}}}));
    ASSERT_TRUE(
        world_.Do({.write = {.truncate_from = LogIndex(3), .append = {Entry(3, 5), Entry(4, 5)}}}));
    world_.Close();
  }
  static LogEntry Entry(int index, int term) {
    return {LogIndex(index), Term(term), Bytes::FromString("entry")};
  }
  void Put(const std::string& key, const std::string& value) {
    rocksdb::Options options;
    options.env = world_.env();
    options.info_log = std::make_shared<Complaints>();
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, kFolder, &db).ok());
    std::unique_ptr<rocksdb::DB> held(db);
    ASSERT_TRUE(value.empty() ? db->Delete({}, key).ok() : db->Put({}, key, value).ok());
  }
  void ExpectRefused(const std::string& phrase) {
    auto opened = world_.Open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, Error::Kind::kCorrupt);
    EXPECT_NE(opened.error().message.find(phrase), std::string::npos) << opened.error();
  }

  CrashWorld world_;
};

TEST_F(Misplaced, AnEntryThatWasReplacedDoesNotComeBack) {
  Put(EntryKey(LogIndex(3)), EntryValue(Entry(3, 2), Term(2)));
  ExpectRefused(
      "reading the entry after 3 of term 2: found entry 4 of term 5, which was written "
      "upon one of term 5");
}

TEST_F(Misplaced, TheLastEntryThatWasReplacedDoesNotComeBack) {
  Put(EntryKey(LogIndex(4)), EntryValue(Entry(4, 5), Term(2)));
  ExpectRefused("found entry 4 of term 5, which was written upon one of term 2");
}

TEST_F(Misplaced, AMissingEntryIsMissed) {
  Put(EntryKey(LogIndex(3)), "");
  ExpectRefused("reading the entry after 2 of term 2: found entry 4");
}

TEST_F(Misplaced, AMissingLastEntryIsMissed) {
  Put(EntryKey(LogIndex(4)), "");
  ExpectRefused("the last entry is 3 of term 5; it must be 4 of term 5");
}

TEST_F(Misplaced, AMissingSnapshotIsMissed) {
  Put(kSnapshotKey, "");
  ExpectRefused("the snapshot ends with entry 0 of term 0; it must end with entry 1 of term 1");
}

TEST_F(Misplaced, AnotherSnapshotIsNotTaken) {
  Put(kSnapshotKey, SnapshotValue({{LogIndex(2), Term(2)}, Bytes::FromString("b")}));
  ExpectRefused("the snapshot ends with entry 2 of term 2; it must end with entry 1 of term 1");
}

TEST_F(Misplaced, AMissingAccountIsMissed) {
  Put(kAccountKey, "");
  ExpectRefused("the last 3 writes of 3 that were synced are not there");
}

TEST_F(Misplaced, ACutAccountIsNotRead) {
  std::string value = AccountValue({});
  Put(kAccountKey, value.substr(0, value.size() - 1));
  ExpectRefused("reading the account and the vote");
}

// An older folder put back in place of a newer one, as by a restored disk image.
TEST(Rollback, ToAnOlderStateIsRefused) {
  Life life(12, 30, 3000);
  CrashWorld world;
  ASSERT_TRUE(world.Open());
  for (size_t i = 0; i < 15; ++i) ASSERT_TRUE(world.Do(life.deed(i)));
  world.Close();
  auto older = world.files().Copy();
  ASSERT_TRUE(world.Open());
  ASSERT_EQ(world.Live(life, 15), life.size());
  world.Close();
  older["/data/quorum.mark"] = world.files().Copy()["/data/quorum.mark"];
  world.files().Restore(older);
  auto found = world.Open();
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("the last 15 writes of 30 that were synced are not there"),
            std::string::npos)
      << found.error();
}

}  // namespace
}  // namespace weir::quorum
