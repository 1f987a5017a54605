// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/directory.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/host/task.h"
#include "tests/sim/world.h"

namespace weir::broker {
namespace {

using host::OpenMode;
using std::chrono::seconds;

constexpr uint64_t kMegabyte = 1 << 20;

class DirectoryTest : public testing::Test {
 protected:
  using FilePtr = std::shared_ptr<host::File>;

  void Make(RoomConfig config = {}) {
    directory_ = std::make_unique<Directory>(
        process_.host(), process_.host_disk(0), "/disk", DirectoryId(Uuid::FromRandom(1, 2)),
        config, [this](const Error& error) { failures_.push_back(error); });
  }
  host::Disk& disk() { return directory_->host().disk; }

  template <class T>
  Result<T> Wait(std::function<void(Callback<void(Result<T>)>)> start) {
    std::optional<Result<T>> answer;
    start([&](Result<T> result) { answer.emplace(std::move(result)); });
    EXPECT_FALSE(answer) << "called back within the call";
    EXPECT_TRUE(world_.RunUntil([&] { return answer.has_value(); }));
    return std::move(*answer);
  }
  FilePtr Open(const std::string& path, OpenMode mode = OpenMode::kCreate) {
    auto file = Wait<FilePtr>([&](auto done) { disk().Open(path, mode, std::move(done)); });
    EXPECT_TRUE(file.has_value()) << file.error();
    return file.value_or(nullptr);
  }
  Result<void> Write(host::File& file, const std::string& text) {
    return Wait<void>(
        [&](auto done) { file.Write(0, {Bytes::FromString(text)}, std::move(done)); });
  }
  Result<void> Sync(host::File& file) {
    return Wait<void>([&](auto done) { file.Sync(std::move(done)); });
  }
  std::string Read(host::File& file) {
    auto read = Wait<Bytes>([&](auto done) { file.Read(0, 100, std::move(done)); });
    return read ? read->ToString() : read.error().message;
  }

  sim::World world_{1};
  sim::Process& process_ = world_.AddProcess("node");
  std::vector<Error> failures_;
  std::unique_ptr<Directory> directory_;
};

TEST_F(DirectoryTest, IsADisk) {
  Make();
  FilePtr file = Open("f");
  EXPECT_TRUE(Write(*file, "text"));
  EXPECT_TRUE(Sync(*file));
  EXPECT_EQ(Read(*file), "text");
  EXPECT_TRUE(Wait<void>([&](auto done) { disk().MakeFolder("a/b", std::move(done)); }));
  EXPECT_TRUE(Wait<void>([&](auto done) { disk().Rename("f", "a/f", std::move(done)); }));
  EXPECT_TRUE(Wait<void>([&](auto done) { disk().SyncFolder("a", std::move(done)); }));
  auto names =
      Wait<std::vector<std::string>>([&](auto done) { disk().List("a", std::move(done)); });
  EXPECT_EQ(*names, (std::vector<std::string>{"b", "f"}));
  EXPECT_TRUE(Wait<void>([&](auto done) { disk().Remove("a", std::move(done)); }));
  EXPECT_TRUE(directory_->works());
  EXPECT_TRUE(failures_.empty());
}

TEST_F(DirectoryTest, IsGivenUpWithTheFirstSyncThatFails) {
  Make();
  FilePtr file = Open("f");
  FilePtr other = Open("other");
  ASSERT_TRUE(Write(*file, "text"));
  process_.disk().FailNext(sim::DiskOperation::kSync);
  EXPECT_FALSE(Sync(*file));
  EXPECT_FALSE(directory_->works());
  ASSERT_TRUE(world_.RunUntil([&] { return !failures_.empty(); }));

  // The disk would take all of it again: it is not asked.
  const uint64_t operations = process_.disk().operations();
  EXPECT_FALSE(Sync(*file));
  EXPECT_FALSE(Sync(*other));
  EXPECT_FALSE(Write(*other, "more"));
  EXPECT_FALSE(Wait<void>([&](auto done) { other->Truncate(0, std::move(done)); }));
  EXPECT_FALSE(Wait<void>([&](auto done) { disk().Remove("f", std::move(done)); }));
  EXPECT_FALSE(Wait<void>([&](auto done) { disk().Rename("f", "g", std::move(done)); }));
  EXPECT_FALSE(Wait<void>([&](auto done) { disk().MakeFolder("g", std::move(done)); }));
  EXPECT_FALSE(Wait<void>([&](auto done) { disk().SyncFolder("", std::move(done)); }));
  EXPECT_FALSE(
      Wait<FilePtr>([&](auto done) { disk().Open("g", OpenMode::kCreate, std::move(done)); }));
  EXPECT_EQ(process_.disk().operations(), operations);
  EXPECT_EQ(failures_.size(), 1u);

  // Reads go on.
  EXPECT_EQ(Read(*file), "text");
  EXPECT_EQ(Read(*Open("f", OpenMode::kRead)), "text");
}

TEST_F(DirectoryTest, CountsNoSyncThatWasUnderWayBesideOneThatFailed) {
  Make();
  FilePtr file = Open("f");
  FilePtr other = Open("other");
  process_.disk().FailNext(sim::DiskOperation::kSync);
  std::vector<bool> synced;
  for (const FilePtr& each : {file, other}) {
    each->Sync([&](Result<void> result) { synced.push_back(result.has_value()); });
  }
  ASSERT_TRUE(world_.RunUntil([&] { return synced.size() == 2; }));
  EXPECT_EQ(synced, (std::vector<bool>{false, false}));
}

TEST_F(DirectoryTest, IsGivenUpWhereTheDeviceTakesNoWrite) {
  for (Error::Kind kind : {Error::Kind::kIo, Error::Kind::kReadOnly}) {
    Make();
    FilePtr file = Open("f");
    process_.disk().FailNext(sim::DiskOperation::kWrite, kind);
    EXPECT_FALSE(Write(*file, "text"));
    EXPECT_FALSE(directory_->works());
  }
}

TEST_F(DirectoryTest, IsGivenUpWithItsJournal) {
  struct Ignored : journal::StreamEvents {
    void OnCommitted(journal::Ticket) override { FAIL() << "committed"; }
    void OnSyncWanted() override {}
    void OnFailed(const Error&) override { ++failed; }
    int failed = 0;
  } events;
  Make();
  EXPECT_EQ(directory_->journal(), nullptr);
  ASSERT_TRUE(Wait<void>([&](auto done) {
    directory_->OpenJournal({.bytes = 64 << 10, .step_bytes = 64 << 10}, std::move(done));
  }));
  auto stream =
      directory_->journal()->Attach({TopicId(Uuid::FromRandom(3, 4)), PartitionIndex(0)}, &events);
  process_.disk().FailNext(sim::DiskOperation::kSync);
  stream->Append(Offset(0), Offset(1), LeaderEpoch(1), {Bytes::FromString("batch")});
  ASSERT_TRUE(world_.RunUntil([&] { return events.failed > 0 && !failures_.empty(); }));
  EXPECT_EQ(events.failed, 1);
  EXPECT_FALSE(directory_->works());
}

TEST_F(DirectoryTest, IsNotGivenUpForWhatPasses) {
  Make();
  FilePtr file = Open("f");
  for (Error::Kind kind : {Error::Kind::kFull, Error::Kind::kUnavailable, Error::Kind::kInUse}) {
    process_.disk().FailNext(sim::DiskOperation::kWrite, kind);
    EXPECT_FALSE(Write(*file, "text"));
  }
  process_.disk().FailNext(sim::DiskOperation::kRead);
  Read(*file);
  EXPECT_FALSE(
      Wait<FilePtr>([&](auto done) { disk().Open("missing", OpenMode::kWrite, std::move(done)); }));
  EXPECT_TRUE(directory_->works());
  EXPECT_TRUE(Write(*file, "text"));
  EXPECT_TRUE(failures_.empty());
}

TEST_F(DirectoryTest, TellsNobodyAfterItsEnd) {
  Make();
  FilePtr file = Open("f");
  process_.disk().FailNext(sim::DiskOperation::kSync);
  bool done = false;
  file->Sync([&](Result<void> synced) {
    EXPECT_FALSE(synced);
    done = true;
  });
  directory_.reset();
  ASSERT_TRUE(world_.RunUntil([&] { return done; }));
  world_.RunFor(seconds(1));
  EXPECT_TRUE(failures_.empty());
}

TEST_F(DirectoryTest, AdmitsAllUntilItWasMeasured) {
  Make();
  EXPECT_FALSE(directory_->free());
  EXPECT_TRUE(directory_->AdmitAppend(kMegabyte));
}

TEST_F(DirectoryTest, KeepsATwentiethFree) {
  process_.disk().faults().capacity = 100 * kMegabyte;
  Make();
  directory_->Watch();
  world_.RunFor(seconds(1));
  EXPECT_EQ(directory_->min_free(), 5 * kMegabyte);
  EXPECT_TRUE(directory_->AdmitAppend(94 * kMegabyte));
  // What was admitted is as good as written.
  auto refused = directory_->AdmitAppend(2 * kMegabyte);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kKafkaStorageError);
  EXPECT_NE(refused.error().message.find("6 MiB are free and 7 MiB needed"), std::string::npos)
      << refused.error().message;
  // No small one passes it.
  EXPECT_FALSE(directory_->AdmitAppend(1));
  world_.RunFor(seconds(2));
  EXPECT_FALSE(directory_->AdmitAppend(96 * kMegabyte));
}

TEST_F(DirectoryTest, KeepsAGigabyteOfALargeDiskAndWhatItIsToldOfAny) {
  Make();
  directory_->Watch();
  world_.RunFor(seconds(1));
  EXPECT_EQ(directory_->min_free(), 1024 * kMegabyte);
  Make({.min_free = 7});
  directory_->Watch();
  world_.RunFor(seconds(1));
  EXPECT_EQ(directory_->min_free(), 7u);
}

TEST_F(DirectoryTest, IsFullUntilThereIsAnEighthMore) {
  Make({.min_free = 8 * kMegabyte});
  auto leave = [&](uint64_t megabytes) {
    process_.disk().faults().capacity = process_.disk().TotalSize() + megabytes * kMegabyte;
    world_.RunFor(seconds(2));
  };
  directory_->Watch();
  leave(100);
  EXPECT_FALSE(directory_->is_full());
  leave(8);
  EXPECT_FALSE(directory_->is_full());
  leave(7);
  EXPECT_TRUE(directory_->is_full());
  EXPECT_FALSE(directory_->AdmitAppend(1));
  leave(8);
  EXPECT_TRUE(directory_->is_full());
  EXPECT_FALSE(directory_->AdmitAppend(1));
  leave(9);
  EXPECT_FALSE(directory_->is_full());
  EXPECT_TRUE(directory_->AdmitAppend(1));
}

TEST_F(DirectoryTest, CountsWhatWasAdmittedUntilItIsMeasuredAgain) {
  Make({.min_free = kMegabyte});
  process_.disk().faults().capacity = 100 * kMegabyte;
  directory_->Watch();
  world_.RunFor(seconds(1));
  EXPECT_TRUE(directory_->AdmitAppend(90 * kMegabyte));
  EXPECT_EQ(directory_->free(), 10 * kMegabyte);
  // Nobody wrote it.
  world_.RunFor(seconds(2));
  EXPECT_EQ(directory_->free(), 100 * kMegabyte);
}

}  // namespace
}  // namespace weir::broker
