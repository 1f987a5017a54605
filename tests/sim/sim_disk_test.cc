// SPDX-License-Identifier: Apache-2.0
// The crash rule of common/host/disk.h, and the faults that a test may ask for.
#include "tests/sim/sim_disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "common/host/task.h"
#include "tests/sim/crash_points.h"
#include "tests/sim/world.h"

namespace weir::sim {
namespace {

using host::OpenMode;
using FilePtr = std::shared_ptr<host::File>;

// One process, whose disk operations are waited for.
class SimDiskTest : public testing::Test {
 protected:
  void Begin(uint64_t seed) {
    world_.emplace(seed);
    process_ = &world_->AddProcess("machine");
  }
  host::Disk& disk() { return process_->host().disk; }

  template <class T, class Start>
  Result<T> Wait(Start start) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    start([answer](Result<T> result) { answer->emplace(std::move(result)); });
    if (!world_->RunUntil([&] { return answer->has_value(); })) {
      return Fail(Error::Kind::kUnavailable, "nobody called back");
    }
    return std::move(**answer);
  }
  FilePtr Open(const std::string& path) {
    auto file = Wait<FilePtr>([&](auto done) { disk().Open(path, OpenMode::kCreate, done); });
    EXPECT_TRUE(file.has_value()) << file.error();
    return file.value_or(nullptr);
  }
  Result<void> Write(host::File& file, uint64_t offset, const std::string& text) {
    return Wait<void>([&](auto done) { file.Write(offset, {Bytes::FromString(text)}, done); });
  }
  Result<void> Sync(host::File& file) {
    return Wait<void>([&](auto done) { file.Sync(done); });
  }
  Result<std::string> Read(host::File& file) {
    auto read = Wait<Bytes>([&](auto done) { file.Read(0, 1'000'000, done); });
    if (!read) return std::unexpected(read.error());
    return read->ToString();
  }
  Result<void> SyncFolder(const std::string& path) {
    return Wait<void>([&](auto done) { disk().SyncFolder(path, done); });
  }
  Result<void> Rename(const std::string& from, const std::string& to) {
    return Wait<void>([&](auto done) { disk().Rename(from, to, done); });
  }
  bool Exists(const std::string& path) {
    auto files = process_->disk().Files();
    return std::ranges::find(files, path) != files.end();
  }
  // A file whose name is certain to survive.
  FilePtr Named(const std::string& path) {
    FilePtr file = Open(path);
    EXPECT_TRUE(SyncFolder(""));
    return file;
  }
  void LosePower(FilePtr& file) {
    file.reset();
    process_->PowerLoss();
    process_->Restart();
  }

  std::optional<World> world_;
  Process* process_ = nullptr;
};

TEST_F(SimDiskTest, ForgetsUnsyncedWritesInEveryWayThatTheRuleAllows) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Begin(seed);
    FilePtr file = Named("f");
    ASSERT_TRUE(Write(*file, 0, "aaaa"));
    ASSERT_TRUE(Sync(*file));
    ASSERT_TRUE(Write(*file, 4, "bbbb"));
    ASSERT_TRUE(Write(*file, 8, "cccc"));
    LosePower(file);
    std::string left = process_->disk().Contents("f");
    ASSERT_EQ(left.substr(0, 4), "aaaa");
    for (size_t i = 4; i < left.size(); ++i) {
      char written = i < 8 ? 'b' : 'c';
      ASSERT_TRUE(left[i] == written || left[i] == '\0') << left;
    }
    seen.insert(left);
  }
  EXPECT_TRUE(seen.contains("aaaa"));
  EXPECT_TRUE(seen.contains("aaaabbbb"));
  EXPECT_TRUE(seen.contains("aaaabbbbcccc"));
  EXPECT_TRUE(seen.contains(std::string("aaaa\0\0\0\0cccc", 12))) << "writes survive each alone";
  EXPECT_TRUE(seen.contains("aaaabbbbc")) << "the last write may be torn";
}

TEST_F(SimDiskTest, NeverStoresLaterWhatAFailedSyncForgot) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Begin(seed);
    FilePtr file = Named("f");
    ASSERT_TRUE(Write(*file, 0, "aaaabbbb"));
    process_->disk().FailNext(DiskOperation::kSync);
    EXPECT_FALSE(Sync(*file));
    EXPECT_EQ(*Read(*file), "aaaabbbb") << "it is in the page cache all the same";
    ASSERT_TRUE(Write(*file, 8, "cccc"));
    ASSERT_TRUE(Sync(*file));
    LosePower(file);
    seen.insert(process_->disk().Contents("f"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"aaaabbbbcccc", std::string(8, '\0') + "cccc"}));
}

TEST_F(SimDiskTest, LeavesWhatIsWrittenAndSyncedAfterAFailedSync) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Begin(seed);
    FilePtr file = Named("f");
    ASSERT_TRUE(Write(*file, 0, "aaaabbbb"));
    ASSERT_TRUE(Wait<void>([&](auto done) { file->Truncate(4, done); }));
    process_->disk().FailNext(DiskOperation::kSync);
    EXPECT_FALSE(Sync(*file));
    ASSERT_TRUE(Write(*file, 0, "ddddeeee"));
    ASSERT_TRUE(Sync(*file));
    LosePower(file);
    EXPECT_EQ(process_->disk().Contents("f"), "ddddeeee");
  }
}

TEST_F(SimDiskTest, PromisesNothingOfAWriteThatWasUnderWayWhenSyncWasCalled) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Begin(seed);
    FilePtr file = Named("f");
    file->Write(0, {Bytes::FromString("x")}, [](Result<void>) {});
    ASSERT_TRUE(Sync(*file));
    LosePower(file);
    if (process_->disk().Contents("f").empty()) ++lost;
  }
  EXPECT_GT(lost, 0);
}

TEST_F(SimDiskTest, KeepsANameForCertainOnlyAfterItsFolderWasSynced) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Begin(seed);
    FilePtr file = Open("f");
    ASSERT_TRUE(Write(*file, 0, "x"));
    ASSERT_TRUE(Sync(*file));
    if (seed % 2 == 0) ASSERT_TRUE(SyncFolder(""));
    LosePower(file);
    if (seed % 2 == 0) {
      ASSERT_TRUE(Exists("f"));
      ASSERT_EQ(process_->disk().Contents("f"), "x");
    } else if (!Exists("f")) {
      ++lost;
    }
  }
  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 50);
}

TEST_F(SimDiskTest, ReplacesByRenameWholeOrNotAtAll) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Begin(seed);
    FilePtr old = Named("f");
    ASSERT_TRUE(Write(*old, 0, "old"));
    ASSERT_TRUE(Sync(*old));
    FilePtr fresh = Open("f.new");
    ASSERT_TRUE(Write(*fresh, 0, "new"));
    ASSERT_TRUE(Sync(*fresh));
    ASSERT_TRUE(Rename("f.new", "f"));
    old.reset();
    LosePower(fresh);
    ASSERT_TRUE(Exists("f"));
    seen.insert(process_->disk().Contents("f"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST_F(SimDiskTest, NeverStoresByALaterSyncWhatAFailedOneLost) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Begin(seed);
    FilePtr file = Named("f");
    ASSERT_TRUE(Write(*file, 0, "x"));
    process_->disk().FailNext(DiskOperation::kSync);
    ASSERT_FALSE(Sync(*file));
    ASSERT_TRUE(Sync(*file));
    ASSERT_EQ(*Read(*file), "x") << "the page cache still has it";
    LosePower(file);
    if (process_->disk().Contents("f").empty()) ++lost;
  }
  EXPECT_GT(lost, 0);
}

TEST_F(SimDiskTest, KeepsWhatWasWrittenSyncedAndPromisesNothingOfTheRest) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Begin(seed);
    FilePtr file = Named("f");
    ASSERT_TRUE(Write(*file, 8, "other"));
    auto wrote =
        Wait<void>([&](auto done) { file->WriteSynced(0, {Bytes::FromString("synced")}, done); });
    ASSERT_TRUE(wrote) << wrote.error();
    LosePower(file);
    std::string left = process_->disk().Contents("f");
    ASSERT_EQ(left.substr(0, 6), "synced");
    if (left.find("other") == std::string::npos) ++lost;
  }
  EXPECT_GT(lost, 10);
}

TEST_F(SimDiskTest, TearsASyncedWriteThatWasUnderWay) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Begin(seed);
    FilePtr file = Named("f");
    file->WriteSynced(0, {Bytes::FromString("12345678")}, [](Result<void>) { FAIL(); });
    world_->RunFor(std::chrono::microseconds(seed / 3));
    LosePower(file);
    seen.insert(process_->disk().Contents("f"));
  }
  EXPECT_TRUE(seen.contains(""));
  EXPECT_TRUE(seen.contains("12345678"));
  EXPECT_TRUE(seen.contains("1234"));
}

TEST_F(SimDiskTest, LosesNothingThatWasDoneWhenOnlyTheProcessDies) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Begin(seed);
    FilePtr file = Open("f");
    ASSERT_TRUE(Write(*file, 0, "x"));
    file.reset();
    process_->Kill();
    process_->Restart();
    ASSERT_EQ(process_->disk().Contents("f"), "x");
  }
}

TEST_F(SimDiskTest, MayHaveDoneWhatWasUnderWayWhenTheProcessDied) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Begin(seed);
    FilePtr file = Named("f");
    file->Write(0, {Bytes::FromString("x")}, [](Result<void>) { FAIL(); });
    process_->Kill();
    file.reset();
    process_->Restart();
    seen.insert(process_->disk().Contents("f"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"", "x"}));
}

TEST_F(SimDiskTest, FailsAsItIsTold) {
  Begin(1);
  FilePtr file = Open("f");
  ASSERT_TRUE(Write(*file, 0, "12345678"));

  process_->disk().FailNext(DiskOperation::kRead);
  auto read = Read(*file);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, Error::Kind::kIo);
  EXPECT_EQ(*Read(*file), "12345678");

  process_->disk().faults().capacity = 10;
  auto full = Write(*file, 8, "90abc");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, Error::Kind::kFull);
  EXPECT_FALSE(Write(*file, 0, "longer than the disk"));
  EXPECT_TRUE(Write(*file, 0, "87654321")) << "overwriting needs no room";
  process_->disk().faults().capacity.reset();
  EXPECT_TRUE(Write(*file, 8, "90abc"));

  process_->disk().faults().read_only = true;
  auto refused = Write(*file, 0, "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::kReadOnly);
  EXPECT_EQ(Rename("f", "g").error().kind, Error::Kind::kReadOnly);
  EXPECT_EQ(*Read(*file), "8765432190abc");
  process_->disk().faults() = {};

  process_->disk().faults().write_failures = 1;
  EXPECT_FALSE(Write(*file, 0, "x"));
  process_->disk().faults().write_failures = 0;

  process_->disk().CorruptByte("f", 0);
  EXPECT_NE(*Read(*file), "8765432190abc");
}

TEST_F(SimDiskTest, MeasuresWhatItsCapacityLeaves) {
  Begin(1);
  FilePtr file = Open("f");
  ASSERT_TRUE(Write(*file, 0, std::string(700, 'x')));
  process_->disk().faults().capacity = 1000;
  EXPECT_EQ(process_->disk().space().total, 1000u);
  EXPECT_EQ(process_->disk().space().free, 300u);
  process_->disk().faults().capacity = 500;
  EXPECT_EQ(process_->disk().space().free, 0u);
}

TEST(SimProcess, HasDisksThatFailEachForItself) {
  World world(1);
  Process& process = world.AddProcess("two", 2);
  std::vector<bool> opened;
  process.disk(1).FailNext(DiskOperation::kOpen);
  for (size_t i : {0u, 1u}) {
    process.host_disk(i).Open(
        "f", host::OpenMode::kCreate,
        [&](Result<std::shared_ptr<host::File>> file) { opened.push_back(file.has_value()); });
    ASSERT_TRUE(world.RunUntil([&] { return opened.size() == i + 1; }));
  }
  EXPECT_EQ(opened, (std::vector<bool>{true, false}));
  EXPECT_EQ(process.disk(0).Files(), std::vector<std::string>{"f"});
  EXPECT_TRUE(process.disk(1).Files().empty());
}

TEST_F(SimDiskTest, CompletesNothingWhileItIsStalled) {
  Begin(1);
  FilePtr file = Open("f");
  process_->disk().Stall();
  bool written = false;
  file->Write(0, {Bytes::FromString("x")}, [&](Result<void>) { written = true; });
  world_->RunFor(std::chrono::seconds(10));
  EXPECT_FALSE(written);
  EXPECT_EQ(process_->disk().Contents("f"), "");
  process_->disk().Unstall();
  EXPECT_TRUE(world_->RunUntil([&] { return written; }, std::chrono::milliseconds(1)));
}

TEST(CrashPoints, VisitEveryOperationOnce) {
  // Writes two records, each synced before the next; a crash may lose the second, never the first
  // alone.
  std::set<std::string> found;
  auto work = [](World& world, Process& process) {
    host::Host host = process.host();
    bool done = false;
    FilePtr file;
    host.disk.Open("f", OpenMode::kCreate, [&](Result<FilePtr> opened) {
      file = *opened;
      host.disk.SyncFolder("", [&](Result<void>) {
        file->Write(0, {Bytes::FromString("1")}, [&](Result<void>) {
          file->Sync([&](Result<void>) {
            file->Write(1, {Bytes::FromString("2")}, [&](Result<void>) { done = true; });
          });
        });
      });
    });
    world.RunUntil([&] { return done || !process.alive(); });
  };
  std::vector<uint64_t> visited;
  uint64_t operations = ForEachCrashPoint(5, work, [&](World&, Process& process, uint64_t n) {
    visited.push_back(n);
    std::string left = process.disk().Files().empty() ? "" : process.disk().Contents("f");
    found.insert(left);
    if (n >= 4) EXPECT_EQ(left.substr(0, 1), "1") << "synced, and lost at " << n;
  });
  EXPECT_EQ(operations, 5u);
  EXPECT_EQ(visited, (std::vector<uint64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_FALSE(
      found.contains(std::string("\0"
                                 "2",
                                 2)));
}

}  // namespace
}  // namespace weir::sim
