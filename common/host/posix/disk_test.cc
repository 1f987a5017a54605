// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/disk.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include "common/host/posix/event_loop.h"
#include "common/host/posix/folder_lock.h"
#include "common/host/posix/system_error.h"

namespace weir::host {
namespace {

std::string FreshFolder(const std::string& name) {
  std::string folder = testing::TempDir() + "/" + name + "." + std::to_string(getpid());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

class PosixDiskTest : public testing::Test {
 protected:
  // Runs the loop until what `start` was handed is called.
  template <class T, class Start>
  T Wait(Start start) {
    std::optional<T> result;
    start([&](T value) {
      result.emplace(std::move(value));
      loop_.Stop();
    });
    EXPECT_FALSE(result) << "completed within the call";
    loop_.Run();
    return std::move(*result);
  }
  Result<std::shared_ptr<File>> Open(const std::string& path, OpenMode mode) {
    return Wait<Result<std::shared_ptr<File>>>(
        [&](auto done) { disk_.Open(path, mode, std::move(done)); });
  }
  Result<void> Write(File& file, uint64_t offset, Pieces data) {
    return Wait<Result<void>>(
        [&](auto done) { file.Write(offset, std::move(data), std::move(done)); });
  }
  Result<Bytes> Read(File& file, uint64_t offset, size_t length) {
    return Wait<Result<Bytes>>([&](auto done) { file.Read(offset, length, std::move(done)); });
  }

  std::string root_ = FreshFolder("disk");
  EventLoop loop_;
  PosixDisk disk_{loop_, root_};
};

TEST_F(PosixDiskTest, WritesManyPiecesAsOne) {
  auto file = Open("pieces", OpenMode::kCreate);
  ASSERT_TRUE(file) << file.error();
  Pieces pieces;
  std::string whole;
  // More than one call to the kernel takes, empty ones among them.
  for (int i = 0; i < 3000; ++i) {
    std::string text(static_cast<size_t>(i % 7), static_cast<char>('a' + i % 26));
    whole += text;
    pieces.push_back(Bytes::FromString(text));
  }
  ASSERT_TRUE(Write(**file, 5, pieces));
  auto read = Read(**file, 5, whole.size() + 100);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->view(), whole);
}

TEST_F(PosixDiskTest, TakesNoMemoryForWhatIsNotThere) {
  auto file = Open("short", OpenMode::kCreate);
  ASSERT_TRUE(Write(**file, 0, {Bytes::FromString("short")}));
  auto read = Read(**file, 2, size_t{1} << 40);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->view(), "ort");
}

TEST_F(PosixDiskTest, NamesThePathAndTheReason) {
  auto missing = Open("no/such", OpenMode::kRead);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, Error::Kind::kNotFound);
  EXPECT_EQ(missing.error().message, "open " + root_ + "/no/such: No such file or directory");
}

TEST_F(PosixDiskTest, RefusesToOpenAFolderAsAFile) {
  std::filesystem::create_directory(root_ + "/folder");
  auto folder = Open("folder", OpenMode::kRead);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().kind, Error::Kind::kInvalid);
}

TEST_F(PosixDiskTest, RefusesToWriteWhatWasOpenedToRead) {
  std::ofstream(root_ + "/seen") << "seen";
  auto file = Open("seen", OpenMode::kRead);
  ASSERT_TRUE(file);
  EXPECT_FALSE(Write(**file, 0, {Bytes::FromString("x")}));
  EXPECT_EQ(Read(**file, 0, 10)->view(), "seen");
}

TEST_F(PosixDiskTest, TellsOfALimitOnAFilesSize) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 10;
  setrlimit(RLIMIT_FSIZE, &small);
  auto file = Open("limited", OpenMode::kCreate);
  // The kernel takes the first ten bytes, and refuses when asked for the rest.
  auto written = Write(**file, 0, {Bytes::FromString("0123456789abcdef")});
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "write " + root_ + "/limited: File too large");
}

TEST_F(PosixDiskTest, MeasuresTheFileSystemUnderIt) {
  auto space = Wait<Result<Space>>([&](auto done) { disk_.Measure(std::move(done)); });
  ASSERT_TRUE(space) << space.error();
  auto known = std::filesystem::space(root_);
  EXPECT_EQ(space->total, known.capacity);
  // Others write meanwhile.
  EXPECT_NEAR(static_cast<double>(space->free), static_cast<double>(known.available),
              static_cast<double>(known.capacity) / 10);
}

TEST(SystemError, OfASyncIsNoReasonToWait) {
  EXPECT_EQ(SystemFailure(ENOSPC, "write").error().kind, Error::Kind::kFull);
  EXPECT_EQ(SyncFailure(ENOSPC, "sync").error().kind, Error::Kind::kIo);
  EXPECT_NE(SyncFailure(ENOSPC, "sync").error().message.find("No space"), std::string::npos);
}

TEST_F(PosixDiskTest, CompletesManyOperationsAtOnce) {
  auto file = Open("many", OpenMode::kCreate);
  int written = 0;
  for (int i = 0; i < 500; ++i) {
    (*file)->Write(static_cast<uint64_t>(i) * 4, {Bytes::FromString("abcd")},
                   [&](Result<void> result) {
                     EXPECT_TRUE(result);
                     if (++written == 500) loop_.Stop();
                   });
  }
  loop_.Run();
  auto size = Wait<Result<uint64_t>>([&](auto done) { (*file)->Size(std::move(done)); });
  EXPECT_EQ(*size, 2000u);
}

TEST_F(PosixDiskTest, RemovesAFolderWithAllThatIsInIt) {
  std::filesystem::create_directories(root_ + "/a/b/c");
  std::ofstream(root_ + "/a/b/file") << "x";
  EXPECT_TRUE(Wait<Result<void>>([&](auto done) { disk_.Remove("a", std::move(done)); }));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/a"));
  EXPECT_TRUE(Wait<Result<void>>([&](auto done) { disk_.Remove("a", std::move(done)); }));
}

TEST(PosixDisk, DropsWhatIsUnderWayAtTheEnd) {
  EventLoop loop;
  auto held = std::make_shared<int>(0);
  {
    PosixDisk disk(loop, FreshFolder("ending"));
    for (int i = 0; i < 20; ++i) disk.List("", [held](auto) { FAIL(); });
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(FolderLock, RefusesASecondHolderByTheFirstOnesProcess) {
  std::string folder = FreshFolder("locked") + "/made";
  {
    auto first = LockFolder(folder);
    ASSERT_TRUE(first) << first.error();
    auto second = LockFolder(folder);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, Error::Kind::kInUse);
    EXPECT_EQ(second.error().message, "data folder " + folder + " is in use by process " +
                                          std::to_string(getpid()) +
                                          "; stop it, or choose another --data");
  }
  EXPECT_TRUE(LockFolder(folder));
}

TEST(FolderLock, IsGoneWithItsProcess) {
  std::string folder = FreshFolder("killed");
  int locked[2];
  ASSERT_EQ(pipe(locked), 0);
  pid_t child = fork();
  if (child == 0) {
    auto lock = LockFolder(folder);
    char answer = lock ? 'y' : 'n';
    (void)!write(locked[1], &answer, 1);
    while (true) pause();
  }
  char answer = 0;
  ASSERT_EQ(read(locked[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_FALSE(LockFolder(folder));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(LockFolder(folder));
}

}  // namespace
}  // namespace weir::host
