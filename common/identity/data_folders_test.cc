// SPDX-License-Identifier: Apache-2.0
#include "common/identity/data_folders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "tests/sim/world.h"

namespace weir::identity {
namespace {

// A process with three disks, started again and again.
class DataFoldersTest : public testing::Test {
 protected:
  Result<DataFolders> Open(const std::vector<size_t>& disks, int32_t id = 3) {
    std::vector<DataPlace> places;
    for (size_t disk : disks) {
      places.push_back({PathOf(disk), broken_ == disk ? Broken() : &process_.host_disk(disk)});
    }
    std::optional<Result<DataFolders>> opened;
    host::Spawn<Result<DataFolders>>(
        OpenDataFolders(std::move(places), process_.host().random, "storage", id),
        [&](Result<DataFolders> folders) { opened.emplace(std::move(folders)); });
    EXPECT_TRUE(world_.RunUntil([&] { return opened.has_value(); }));
    return std::move(*opened);
  }
  DataFolders MustOpen(const std::vector<size_t>& disks) {
    auto opened = Open(disks);
    EXPECT_TRUE(opened.has_value()) << opened.error();
    return opened.value_or(DataFolders());
  }
  // The disk stands empty: unmounted, or another one.
  void Empty(size_t disk) {
    process_.Kill();
    process_.disk(disk).Wipe();
    process_.Restart();
  }
  void Put(size_t disk, const std::string& file, const std::string& contents) {
    bool done = false;
    host::Spawn<Result<void>>(ReplaceFile(process_.host_disk(disk), file, contents),
                              [&](Result<void> put) { done = put.has_value(); });
    ASSERT_TRUE(world_.RunUntil([&] { return done; }));
  }
  void Join(const OpenFolder& folder, ClusterId cluster) {
    bool done = false;
    host::Spawn<Result<void>>(JoinCluster(*folder.disk, folder.identity, cluster),
                              [&](Result<void> joined) { done = joined.has_value(); });
    ASSERT_TRUE(world_.RunUntil([&] { return done; }));
  }
  static std::string PathOf(size_t disk) { return "/disk-" + std::to_string(disk); }
  static Result<host::Disk*> Broken() { return Fail(Error::Kind::kIo, "input/output error"); }
  static std::vector<DirectoryId> IdsOf(const DataFolders& folders) {
    std::vector<DirectoryId> ids;
    for (const OpenFolder& folder : folders.open) ids.push_back(folder.identity.directory);
    return ids;
  }

  sim::World world_{1};
  sim::Process& process_ = world_.AddProcess("node", 3);
  std::optional<size_t> broken_;
};

TEST_F(DataFoldersTest, KeepTheirIdentitiesWhateverTheirOrder) {
  auto first = IdsOf(MustOpen({0, 1, 2}));
  ASSERT_EQ(first.size(), 3u);
  EXPECT_NE(first[0], first[1]);
  auto again = MustOpen({2, 0, 1});
  EXPECT_EQ(IdsOf(again), (std::vector{first[2], first[0], first[1]}));
  EXPECT_TRUE(again.missing.empty());
  EXPECT_TRUE(again.unusable.empty());
}

TEST_F(DataFoldersTest, AreWrittenOnlyWhereSomethingChanged) {
  MustOpen({0, 1});
  process_.disk(0).FailNext(sim::DiskOperation::kWrite);
  EXPECT_EQ(MustOpen({0, 1}).open.size(), 2u);
}

TEST_F(DataFoldersTest, OneMoreIsANewOne) {
  auto first = IdsOf(MustOpen({0, 1}));
  auto more = MustOpen({0, 1, 2});
  ASSERT_EQ(more.open.size(), 3u);
  EXPECT_FALSE(more.open[0].is_new);
  EXPECT_TRUE(more.open[2].is_new);
  EXPECT_EQ(more.open[0].identity.siblings.size(), 2u);
}

TEST_F(DataFoldersTest, OneThatIsBrokenIsLeftOutAndMissed) {
  auto first = IdsOf(MustOpen({0, 1}));
  broken_ = 1;
  auto without = MustOpen({0, 1});
  EXPECT_EQ(IdsOf(without), std::vector{first[0]});
  EXPECT_EQ(without.missing, std::vector{first[1]});
  ASSERT_EQ(without.unusable.size(), 1u);
  EXPECT_NE(without.unusable[0].second.message.find("/disk-1"), std::string::npos);
  broken_.reset();
  EXPECT_EQ(IdsOf(MustOpen({0, 1})), first);
}

TEST_F(DataFoldersTest, OneWhoseIdentityCannotBeReadIsLeftOut) {
  auto first = IdsOf(MustOpen({0, 1}));
  process_.disk(1).FailNext(sim::DiskOperation::kRead);
  EXPECT_EQ(MustOpen({0, 1}).missing, std::vector{first[1]});
  Put(1, "identity", "format=1\nrole=sto");
  EXPECT_EQ(MustOpen({0, 1}).missing, std::vector{first[1]});
}

// The empty folder below a mount point looks like a new disk.
TEST_F(DataFoldersTest, AnEmptyOneIsNotTakenForOneThatIsMissing) {
  auto first = IdsOf(MustOpen({0, 1}));
  Empty(1);
  for (int start = 0; start < 2; ++start) {
    auto without = MustOpen({0, 1});
    EXPECT_EQ(IdsOf(without), std::vector{first[0]});
    EXPECT_EQ(without.missing, std::vector{first[1]});
    ASSERT_EQ(without.unusable.size(), 1u);
    EXPECT_NE(without.unusable[0].second.message.find("mount its volume"), std::string::npos);
    EXPECT_TRUE(process_.disk(1).Files().empty());
  }
}

TEST_F(DataFoldersTest, AnEmptyOneIsTakenWhenSomebodySaysThatItReplaces) {
  auto first = IdsOf(MustOpen({0, 1}));
  Empty(1);
  Put(1, "replaced", "");
  auto with = MustOpen({0, 1});
  ASSERT_EQ(with.open.size(), 2u);
  EXPECT_TRUE(with.missing.empty());
  EXPECT_TRUE(with.open[1].is_new);
  EXPECT_NE(with.open[1].identity.directory, first[1]);
  // The word is used up.
  EXPECT_EQ(process_.disk(1).Files(), std::vector<std::string>{"identity"});
  EXPECT_EQ(IdsOf(MustOpen({0, 1})), IdsOf(with));
}

TEST_F(DataFoldersTest, OneThatIsNotNamedAnyMoreIsNotMissed) {
  auto first = IdsOf(MustOpen({0, 1}));
  EXPECT_TRUE(MustOpen({0}).missing.empty());
  auto other = MustOpen({0, 2});
  EXPECT_EQ(other.open.size(), 2u);
  EXPECT_TRUE(other.missing.empty());
  // It may come back as what it was.
  EXPECT_EQ(IdsOf(MustOpen({0, 1, 2}))[1], first[1]);
}

TEST_F(DataFoldersTest, OneThatTakesNoIdentityIsLeftOut) {
  process_.disk(1).faults().read_only = true;
  auto without = MustOpen({0, 1});
  EXPECT_EQ(without.open.size(), 1u);
  // Nothing was ever there.
  EXPECT_TRUE(without.missing.empty());
  EXPECT_EQ(without.unusable.size(), 1u);
  process_.disk(1).faults() = {};
  EXPECT_EQ(MustOpen({0, 1}).open.size(), 2u);
}

TEST_F(DataFoldersTest, OneThatTakesNoNewsIsLeftOutAndMissed) {
  auto first = IdsOf(MustOpen({0, 1}));
  process_.disk(1).faults().read_only = true;
  auto without = MustOpen({0, 1, 2});
  EXPECT_EQ(without.missing, std::vector{first[1]});
  EXPECT_EQ(without.open.size(), 2u);
  process_.disk(1).faults() = {};
  EXPECT_EQ(IdsOf(MustOpen({0, 1, 2}))[1], first[1]);
}

TEST_F(DataFoldersTest, AllJoinTheClusterThatOneHasJoined) {
  auto first = MustOpen({0});
  ClusterId cluster(Uuid::FromRandom(1, 2));
  Join(first.open[0], cluster);
  auto more = MustOpen({1, 0});
  EXPECT_EQ(more.cluster, cluster);
  EXPECT_EQ(MustOpen({1, 0}).open[0].identity.cluster, cluster);
}

TEST_F(DataFoldersTest, OfTwoClustersAreRefused) {
  auto first = MustOpen({0});
  auto second = MustOpen({1});
  Join(first.open[0], ClusterId(Uuid::FromRandom(1, 2)));
  Join(second.open[0], ClusterId(Uuid::FromRandom(3, 4)));
  auto mixed = Open({0, 1});
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().kind, Error::Kind::kInvalid);
  EXPECT_NE(mixed.error().message.find("/disk-1 of cluster"), std::string::npos) << mixed.error();
}

TEST_F(DataFoldersTest, OfAnotherProcessAreRefused) {
  MustOpen({0, 1});
  auto another = Open({2, 1}, /*id=*/4);
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().kind, Error::Kind::kInvalid);
  EXPECT_NE(another.error().message.find("/disk-1: the data folder belongs to storage 3"),
            std::string::npos)
      << another.error();
  EXPECT_TRUE(process_.disk(2).Files().empty()) << "nothing is written before all was judged";
}

TEST_F(DataFoldersTest, OfWhichOneIsACopyAreRefused) {
  MustOpen({0, 1});
  Put(2, "identity", process_.disk(1).Contents("identity"));
  auto twins = Open({0, 1, 2});
  ASSERT_FALSE(twins);
  EXPECT_EQ(twins.error().kind, Error::Kind::kInvalid);
  EXPECT_NE(twins.error().message.find("one is a copy of the other"), std::string::npos);
}

TEST_F(DataFoldersTest, WithRecordsAndNoIdentityIsNobodys) {
  MustOpen({0});
  Put(1, "partitions", "");
  auto without = MustOpen({0, 1});
  ASSERT_EQ(without.unusable.size(), 1u);
  EXPECT_NE(without.unusable[0].second.message.find("holds records"), std::string::npos);
}

TEST_F(DataFoldersTest, OfWhichNoneCanBeUsedAreAnError) {
  broken_ = 0;
  auto none = Open({0});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("input/output error"), std::string::npos);
}

// Of two new folders, and then of one more: whatever the machine lost, no folder is missed that
// never came to be, and none changes that was there.
TEST(DataFoldersCrash, AtAnyOperationOnAnyDiskLeavesFoldersThatOpen) {
  auto open = [](sim::World& world, sim::Process& process, size_t disks) {
    std::vector<DataPlace> places;
    for (size_t i = 0; i < disks; ++i) {
      places.push_back({"/" + std::to_string(i), &process.host_disk(i)});
    }
    auto opened = std::make_shared<std::optional<Result<DataFolders>>>();
    host::Spawn<Result<DataFolders>>(
        OpenDataFolders(std::move(places), process.host().random, "storage", 1),
        [opened](Result<DataFolders> folders) { opened->emplace(std::move(folders)); });
    world.RunUntil([&] { return opened->has_value() || !process.alive(); });
    return *opened;
  };
  int crashes = 0;
  for (size_t before : {0u, 2u}) {
    for (size_t disk = 0; disk < 3; ++disk) {
      for (uint64_t operation = 1; operation < 100; ++operation) {
        SCOPED_TRACE("disk " + std::to_string(disk) + ", operation " + std::to_string(operation));
        sim::World world(operation);
        sim::Process& process = world.AddProcess("node", 3);
        std::vector<DirectoryId> known;
        if (before > 0) {
          auto first = open(world, process, before);
          ASSERT_TRUE(first && *first);
          for (const OpenFolder& folder : (*first)->open) {
            known.push_back(folder.identity.directory);
          }
        }
        process.disk(disk).CallAfter(process.disk(disk).operations() + operation,
                                     [&] { process.PowerLoss(); });
        auto crashed = open(world, process, 3);
        if (process.alive()) break;
        ++crashes;
        process.Restart();
        auto after = open(world, process, 3);
        ASSERT_TRUE(after && *after) << (*after).error();
        EXPECT_TRUE((*after)->missing.empty());
        ASSERT_EQ((*after)->open.size(), 3u) << (*after)->unusable.front().second;
        for (size_t i = 0; i < known.size(); ++i) {
          EXPECT_EQ((*after)->open[i].identity.directory, known[i]);
        }
      }
    }
  }
  EXPECT_GT(crashes, 60);
}

}  // namespace
}  // namespace weir::identity
