// SPDX-License-Identifier: Apache-2.0
#include "storage/log/open_files.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "storage/log/memory_disk.h"

namespace weir::log {
namespace {

using FilePointer = std::shared_ptr<host::File>;

class OpenFilesTest : public testing::Test {
 protected:
  template <class T, class Start>
  T Wait(Start start) {
    std::optional<T> result;
    start([&](T value) { result.emplace(std::move(value)); });
    EXPECT_FALSE(result) << "completed within the call";
    world_.RunAll();
    return std::move(*result);
  }
  FilePointer Open(const std::string& path) {
    return *Wait<Result<FilePointer>>(
        [&](auto done) { files_.Open(path, host::OpenMode::kCreate, std::move(done)); });
  }
  Result<void> Write(const FilePointer& file, const std::string& text) {
    return Wait<Result<void>>(
        [&](auto done) { file->Write(0, {Bytes::FromString(text)}, std::move(done)); });
  }
  std::string Read(const FilePointer& file) {
    auto read = Wait<Result<Bytes>>([&](auto done) { file->Read(0, 100, std::move(done)); });
    return read ? read->ToString() : "failed";
  }
  void Rename(const std::string& from, const std::string& to) {
    ASSERT_TRUE(Wait<Result<void>>([&](auto done) { files_.Rename(from, to, std::move(done)); }));
  }
  void Remove(const std::string& path) {
    ASSERT_TRUE(Wait<Result<void>>([&](auto done) { files_.Remove(path, std::move(done)); }));
  }
  void SetUp() override {
    ASSERT_TRUE(Wait<Result<void>>([&](auto done) { files_.MakeFolder("f", std::move(done)); }));
  }

  MemoryWorld world_;
  OpenFiles files_{world_, world_, 3};
};

TEST_F(OpenFilesTest, KeepsOnlyTheLastUsedOpenAndAllUsable) {
  std::vector<FilePointer> held;
  for (int i = 0; i < 20; ++i) {
    held.push_back(Open("f/" + std::to_string(i)));
    ASSERT_TRUE(Write(held.back(), "text " + std::to_string(i)));
    EXPECT_LE(files_.size(), 3u);
  }
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(Read(held[static_cast<size_t>(i)]), "text " + std::to_string(i));
      EXPECT_LE(files_.size(), 3u);
    }
  }
  held.clear();
  EXPECT_EQ(files_.size(), 0u);
}

TEST_F(OpenFilesTest, ClosesNothingThatIsInUse) {
  std::vector<FilePointer> held;
  for (int i = 0; i < 6; ++i) held.push_back(Open("f/" + std::to_string(i)));
  int done = 0;
  for (const FilePointer& file : held) file->Sync([&](Result<void>) { ++done; });
  EXPECT_EQ(done, 0);
  world_.RunAll();
  EXPECT_EQ(done, 6);
  // What was over the bound goes with the next that is opened.
  Open("f/another");
  EXPECT_LE(files_.size(), 3u);
}

TEST_F(OpenFilesTest, FindsAFileByItsNewName) {
  FilePointer file = Open("f/old");
  ASSERT_TRUE(Write(file, "kept"));
  Rename("f/old", "f/new");
  FilePointer other = Open("f/old");
  ASSERT_TRUE(Write(other, "other"));
  for (int i = 0; i < 5; ++i) Open("f/" + std::to_string(i));
  EXPECT_EQ(Read(file), "kept");
  EXPECT_EQ(Read(other), "other");
}

TEST_F(OpenFilesTest, NeverTakesAnotherFileForOneThatIsGone) {
  FilePointer removed = Open("f/removed");
  FilePointer replaced = Open("f/replaced");
  FilePointer within = Open("f/within");
  for (const FilePointer& file : {removed, replaced, within}) {
    ASSERT_TRUE(Write(file, "before"));
  }
  FilePointer by = Open("f/by");
  ASSERT_TRUE(Write(by, "after"));
  std::vector<FilePointer> others;
  for (int i = 0; i < 5; ++i) others.push_back(Open("f/" + std::to_string(i)));
  Remove("f/removed");
  Rename("f/by", "f/replaced");
  FilePointer again = Open("f/removed");
  ASSERT_TRUE(Write(again, "again"));
  EXPECT_EQ(Read(removed), "failed");
  EXPECT_EQ(Read(replaced), "failed");
  EXPECT_EQ(Read(by), "after");
  Remove("f");
  EXPECT_EQ(Read(within), "failed");
}

TEST_F(OpenFilesTest, ServesWhoReadsWhatIsRemovedWhileItIsOpen) {
  FilePointer file = Open("f/file");
  ASSERT_TRUE(Write(file, "read on"));
  Remove("f/file");
  EXPECT_EQ(Read(file), "read on");
}

}  // namespace
}  // namespace weir::log
