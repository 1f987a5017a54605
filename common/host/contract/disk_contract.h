// SPDX-License-Identifier: Apache-2.0
// What every Disk keeps, without a crash: those are for the simulated one.
#pragma once

#include <string>
#include <vector>

#include "common/host/contract/contract_world.h"

namespace weir::host {

class DiskContract : public HostContract {
 protected:
  using FilePtr = std::shared_ptr<File>;

  Result<FilePtr> Open(const std::string& path, OpenMode mode) {
    return Wait<Result<FilePtr>>([&](auto done) { disk().Open(path, mode, std::move(done)); });
  }
  // A file that must open.
  FilePtr Create(const std::string& path) {
    auto file = Open(path, OpenMode::kCreate);
    EXPECT_TRUE(file.has_value()) << file.error();
    return *file;
  }
  Result<void> Write(File& file, uint64_t offset, Pieces data) {
    return Wait<Result<void>>(
        [&](auto done) { file.Write(offset, std::move(data), std::move(done)); });
  }
  Result<void> Write(File& file, uint64_t offset, const std::string& text) {
    return Write(file, offset, Pieces{Bytes::FromString(text)});
  }
  Result<void> WriteSynced(File& file, uint64_t offset, Pieces data) {
    return Wait<Result<void>>(
        [&](auto done) { file.WriteSynced(offset, std::move(data), std::move(done)); });
  }
  std::string Read(File& file, uint64_t offset, size_t length) {
    auto read = Wait<Result<Bytes>>([&](auto done) { file.Read(offset, length, std::move(done)); });
    return read ? read->ToString() : "failed: " + read.error().message;
  }
  uint64_t SizeOfFile(File& file) {
    auto size = Wait<Result<uint64_t>>([&](auto done) { file.Size(std::move(done)); });
    EXPECT_TRUE(size.has_value()) << size.error();
    return size.value_or(UINT64_MAX);
  }
  Result<void> Sync(File& file) {
    return Wait<Result<void>>([&](auto done) { file.Sync(std::move(done)); });
  }
  Result<void> Truncate(File& file, uint64_t size) {
    return Wait<Result<void>>([&](auto done) { file.Truncate(size, std::move(done)); });
  }
  Result<void> MakeFolder(const std::string& path) {
    return Wait<Result<void>>([&](auto done) { disk().MakeFolder(path, std::move(done)); });
  }
  Result<void> Rename(const std::string& from, const std::string& to) {
    return Wait<Result<void>>([&](auto done) { disk().Rename(from, to, std::move(done)); });
  }
  Result<void> Remove(const std::string& path) {
    return Wait<Result<void>>([&](auto done) { disk().Remove(path, std::move(done)); });
  }
  Result<void> SyncFolder(const std::string& path) {
    return Wait<Result<void>>([&](auto done) { disk().SyncFolder(path, std::move(done)); });
  }
  std::vector<std::string> List(const std::string& path) {
    using Names = std::vector<std::string>;
    auto names = Wait<Result<Names>>([&](auto done) { disk().List(path, std::move(done)); });
    return names ? *names : Names{"failed: " + names.error().message};
  }
  // Files are closed on the strand.
  void Close(FilePtr file) {
    OnStrand([held = std::make_shared<FilePtr>(std::move(file))] { held->reset(); });
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DiskContract);

TEST_P(DiskContract, ReadsBackWhatWasWritten) {
  auto file = Create("file");
  ASSERT_TRUE(Write(*file, 0, "hello world"));
  EXPECT_EQ(Read(*file, 0, 11), "hello world");
  EXPECT_EQ(Read(*file, 6, 5), "world");
  EXPECT_EQ(SizeOfFile(*file), 11u);
  ASSERT_TRUE(Write(*file, 6, "there"));
  EXPECT_EQ(Read(*file, 0, 100), "hello there");
  Close(file);
}

TEST_P(DiskContract, WritesPiecesAsOneRun) {
  auto file = Create("file");
  Pieces pieces;
  std::string expected;
  // More pieces than one call to the kernel takes.
  for (int i = 0; i < 3000; ++i) {
    pieces.push_back(Bytes::FromString(std::to_string(i)));
    expected += std::to_string(i);
    if (i % 7 == 0) pieces.push_back(Bytes());
  }
  ASSERT_TRUE(Write(*file, 3, pieces));
  EXPECT_EQ(Read(*file, 3, expected.size() + 10), expected);
  EXPECT_EQ(Read(*file, 0, 3), std::string(3, '\0'));
  Close(file);
}

TEST_P(DiskContract, WritesNothingWhereThereIsNothingToWrite) {
  auto file = Create("file");
  EXPECT_TRUE(Write(*file, 10, Pieces{}));
  EXPECT_TRUE(Write(*file, 10, Pieces{Bytes()}));
  EXPECT_EQ(SizeOfFile(*file), 0u);
  Close(file);
}

TEST_P(DiskContract, ReadsFewerBytesOnlyAtTheEndOfTheFile) {
  auto file = Create("file");
  ASSERT_TRUE(Write(*file, 0, "12345"));
  EXPECT_EQ(Read(*file, 3, 10), "45");
  EXPECT_EQ(Read(*file, 5, 10), "");
  EXPECT_EQ(Read(*file, 1000, 10), "");
  EXPECT_EQ(Read(*file, 0, 0), "");
  Close(file);
}

TEST_P(DiskContract, HoldsMuch) {
  auto file = Create("file");
  std::string much(3'000'000, 'x');
  for (size_t i = 0; i < much.size(); i += 1000) much[i] = static_cast<char>('a' + i / 1000 % 26);
  ASSERT_TRUE(Write(*file, 0, much));
  EXPECT_TRUE(Read(*file, 0, much.size()) == much);
  Close(file);
}

TEST_P(DiskContract, FillsAGapWithZeros) {
  auto file = Create("file");
  ASSERT_TRUE(Write(*file, 4, "x"));
  EXPECT_EQ(Read(*file, 0, 10), std::string("\0\0\0\0x", 5));
  Close(file);
}

TEST_P(DiskContract, TruncatesAndExtends) {
  auto file = Create("file");
  ASSERT_TRUE(Write(*file, 0, "12345"));
  ASSERT_TRUE(Truncate(*file, 2));
  EXPECT_EQ(SizeOfFile(*file), 2u);
  EXPECT_EQ(Read(*file, 0, 10), "12");
  ASSERT_TRUE(Truncate(*file, 4));
  EXPECT_EQ(Read(*file, 0, 10), std::string("12\0\0", 4));
  Close(file);
}

TEST_P(DiskContract, Syncs) {
  auto file = Create("file");
  ASSERT_TRUE(Write(*file, 0, "12345"));
  EXPECT_TRUE(Sync(*file));
  EXPECT_TRUE(Sync(*file));
  EXPECT_TRUE(SyncFolder(""));
  EXPECT_EQ(Read(*file, 0, 10), "12345");
  Close(file);
}

TEST_P(DiskContract, WritesAndSyncsAsOne) {
  auto file = Create("file");
  ASSERT_TRUE(WriteSynced(*file, 0, {Bytes::FromString("12345"), Bytes::FromString("678")}));
  ASSERT_TRUE(WriteSynced(*file, 2, {Bytes::FromString("xy")}));
  EXPECT_TRUE(WriteSynced(*file, 100, {}));
  EXPECT_EQ(Read(*file, 0, 200), "12xy5678");
  EXPECT_EQ(SizeOfFile(*file), 8u);
  Close(file);
}

TEST_P(DiskContract, WritesAndSyncsManyPieces) {
  auto file = Create("file");
  Pieces pieces;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    pieces.push_back(Bytes::FromString(std::to_string(i)));
    expected += std::to_string(i);
  }
  ASSERT_TRUE(WriteSynced(*file, 5, pieces));
  EXPECT_EQ(Read(*file, 5, expected.size() + 10), expected);
  Close(file);
}

TEST_P(DiskContract, FinishesASyncedWriteWhoseFileWasLetGo) {
  auto file = Create("file");
  bool written = false;
  OnStrand([&] {
    file->WriteSynced(0, {Bytes::FromString("12345")},
                      [&](Result<void> result) { written = result.has_value(); });
    file.reset();
  });
  ASSERT_TRUE(RunUntil([&] { return written; }));
  auto again = Open("file", OpenMode::kRead);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(Read(**again, 0, 10), "12345");
  Close(*std::move(again));
}

TEST_P(DiskContract, KeepsAFileAfterItIsClosed) {
  auto file = Create("file");
  ASSERT_TRUE(Write(*file, 0, "12345"));
  Close(std::move(file));
  auto again = Open("file", OpenMode::kRead);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(Read(**again, 0, 10), "12345");
  Close(*std::move(again));
}

TEST_P(DiskContract, CreatesAnExistingFileWithoutEmptyingIt) {
  auto file = Create("file");
  ASSERT_TRUE(Write(*file, 0, "12345"));
  auto again = Create("file");
  EXPECT_EQ(Read(*again, 0, 10), "12345");
  ASSERT_TRUE(Write(*again, 5, "6"));
  EXPECT_EQ(Read(*file, 0, 10), "123456");
  Close(std::move(file));
  Close(std::move(again));
}

TEST_P(DiskContract, OpensOnlyWhatIsThereUnlessToldToCreate) {
  for (OpenMode mode : {OpenMode::kRead, OpenMode::kWrite}) {
    auto missing = Open("missing", mode);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, Error::Kind::kNotFound);
    EXPECT_NE(missing.error().message.find("missing"), std::string::npos) << missing.error();
  }
  EXPECT_TRUE(List("").empty());
  auto homeless = Open("no-folder/file", OpenMode::kCreate);
  ASSERT_FALSE(homeless);
  EXPECT_EQ(homeless.error().kind, Error::Kind::kNotFound);
}

TEST_P(DiskContract, RefusesToOpenAFolderForWriting) {
  ASSERT_TRUE(MakeFolder("folder"));
  EXPECT_FALSE(Open("folder", OpenMode::kWrite));
  EXPECT_FALSE(Open("folder", OpenMode::kCreate));
}

TEST_P(DiskContract, MakesFoldersAndThoseAboveThem) {
  ASSERT_TRUE(MakeFolder("a/b/c"));
  ASSERT_TRUE(MakeFolder("a/b/c"));
  ASSERT_TRUE(MakeFolder("a/b/d"));
  EXPECT_EQ(List(""), std::vector<std::string>{"a"});
  EXPECT_EQ(List("a/b"), (std::vector<std::string>{"c", "d"}));
  EXPECT_TRUE(List("a/b/c").empty());
  EXPECT_TRUE(SyncFolder("a/b"));
  Close(Create("a/file"));
  EXPECT_FALSE(MakeFolder("a/file/folder"));
}

TEST_P(DiskContract, ListsFilesAndFoldersSorted) {
  ASSERT_TRUE(MakeFolder("b"));
  for (const char* name : {"c", "a", "b/x", "B"}) Close(Create(name));
  EXPECT_EQ(List(""), (std::vector<std::string>{"B", "a", "b", "c"}));
  auto missing = Wait<Result<std::vector<std::string>>>(
      [&](auto done) { disk().List("missing", std::move(done)); });
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, Error::Kind::kNotFound);
}

TEST_P(DiskContract, ReplacesByRename) {
  auto old = Create("target");
  ASSERT_TRUE(Write(*old, 0, "old"));
  auto fresh = Create("fresh");
  ASSERT_TRUE(Write(*fresh, 0, "new"));
  ASSERT_TRUE(Rename("fresh", "target"));
  EXPECT_EQ(List(""), std::vector<std::string>{"target"});
  // Who has a file open keeps it.
  EXPECT_EQ(Read(*old, 0, 10), "old");
  EXPECT_EQ(Read(*fresh, 0, 10), "new");
  auto target = Open("target", OpenMode::kRead);
  ASSERT_TRUE(target) << target.error();
  EXPECT_EQ(Read(**target, 0, 10), "new");
  Close(std::move(old));
  Close(std::move(fresh));
  Close(*std::move(target));
}

TEST_P(DiskContract, RenamesAFolderWithAllThatIsInIt) {
  ASSERT_TRUE(MakeFolder("a/b"));
  Close(Create("a/b/file"));
  ASSERT_TRUE(Rename("a", "z"));
  EXPECT_EQ(List(""), std::vector<std::string>{"z"});
  EXPECT_EQ(List("z/b"), std::vector<std::string>{"file"});
}

TEST_P(DiskContract, RefusesToMoveAFolderIntoItself) {
  ASSERT_TRUE(MakeFolder("a/b"));
  EXPECT_FALSE(Rename("a", "a/b/a"));
  EXPECT_EQ(List("a"), std::vector<std::string>{"b"});
}

TEST_P(DiskContract, RefusesToRenameWhatIsNotThere) {
  auto renamed = Rename("missing", "target");
  ASSERT_FALSE(renamed);
  EXPECT_EQ(renamed.error().kind, Error::Kind::kNotFound);
  Close(Create("file"));
  EXPECT_FALSE(Rename("file", "no-folder/file"));
  EXPECT_EQ(List(""), std::vector<std::string>{"file"});
}

TEST_P(DiskContract, RemovesFilesAndWholeFolders) {
  ASSERT_TRUE(MakeFolder("a/b/c"));
  Close(Create("a/b/c/file"));
  Close(Create("a/file"));
  Close(Create("other"));
  ASSERT_TRUE(Remove("a"));
  EXPECT_EQ(List(""), std::vector<std::string>{"other"});
  ASSERT_TRUE(Remove("other"));
  EXPECT_TRUE(List("").empty());
}

TEST_P(DiskContract, RemovesWhatIsNotThereWithoutAnError) {
  EXPECT_TRUE(Remove("missing"));
  EXPECT_TRUE(Remove("missing/deeper"));
}

TEST_P(DiskContract, LetsAnOpenFileBeReadAfterItsRemoval) {
  auto file = Create("file");
  ASSERT_TRUE(Write(*file, 0, "12345"));
  ASSERT_TRUE(Remove("file"));
  EXPECT_EQ(Read(*file, 0, 10), "12345");
  Close(file);
}

TEST_P(DiskContract, FinishesManyOperationsThatAreUnderWayTogether) {
  auto file = Create("file");
  auto done = std::make_shared<int>(0);
  OnStrand([&] {
    for (int i = 0; i < 200; ++i) {
      file->Write(static_cast<uint64_t>(i), {Bytes::FromString(std::string(1, char('a' + i % 26)))},
                  [done](Result<void> written) {
                    EXPECT_TRUE(written);
                    ++*done;
                  });
    }
    EXPECT_EQ(*done, 0);
  });
  ASSERT_TRUE(RunUntil([&] { return *done == 200; }));
  std::string read = Read(*file, 0, 300);
  ASSERT_EQ(read.size(), 200u);
  for (size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i], static_cast<char>('a' + i % 26));
  Close(file);
}

TEST_P(DiskContract, MeasuresItsRoom) {
  auto measure = [&] {
    return Wait<Result<Space>>([&](auto done) { disk().Measure(std::move(done)); });
  };
  auto space = measure();
  ASSERT_TRUE(space) << space.error();
  EXPECT_GT(space->total, 0u);
  EXPECT_LE(space->free, space->total);
}

TEST_P(DiskContract, FinishesAnOperationWhoseFileWasLetGo) {
  auto file = Create("file");
  bool written = false;
  OnStrand([&] {
    file->Write(0, {Bytes::FromString("12345")},
                [&](Result<void> result) { written = result.has_value(); });
    file.reset();
  });
  ASSERT_TRUE(RunUntil([&] { return written; }));
  auto again = Open("file", OpenMode::kRead);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(Read(**again, 0, 10), "12345");
  Close(*std::move(again));
}

}  // namespace weir::host
