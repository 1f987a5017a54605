// SPDX-License-Identifier: Apache-2.0
// The folder of a real controller: what the weir command prints of it, and how a controller starts
// over one that is damaged.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "tests/chaos/child.h"

namespace weir::chaos {
namespace {

namespace fs = std::filesystem;

class QuorumFolder : public testing::Test {
 protected:
  QuorumFolder() : command_{PathOf("controller"), "--id=1", "--data=" + folder_} {
    at_ = "127.0.0.1:" + std::to_string(FreePort());
    command_.push_back("--listen=" + at_);
  }

  void SetUp() override {
    Start();
    Ended founded = chaos::Run({PathOf("weir"), "cluster", "init", "--controllers", at_});
    ASSERT_EQ(founded.code, 0) << founded.output;
    ASSERT_TRUE(controller_->Says("active controller")) << controller_->Output();
  }

  void Start() { controller_ = std::make_unique<Child>(command_); }
  void Kill() {
    controller_->Signal(SIGKILL);
    ASSERT_TRUE(controller_->Wait());
  }
  Ended Inspect(const std::string& what, std::vector<std::string> options = {}) {
    std::vector<std::string> words = {PathOf("weir"), what, "inspect", folder_};
    words.insert(words.end(), options.begin(), options.end());
    return chaos::Run(words);
  }
  // It ends by itself, and says this.
  void ExpectRefuses(const std::string& phrase) {
    Start();
    auto code = controller_->Wait();
    ASSERT_TRUE(code) << "it runs: " << controller_->Output();
    EXPECT_EQ(*code, 1);
    for (const std::string& words : {phrase, std::string("weir quorum remove")}) {
      EXPECT_NE(controller_->Output().find(words), std::string::npos)
          << "these words do not say '" << words << "': " << controller_->Output();
    }
  }

  const std::string folder_ = NewFolder();
  std::vector<std::string> command_;
  std::string at_;
  std::unique_ptr<Child> controller_;
};

TEST_F(QuorumFolder, IsPrintedBesideItsControllerAndWithoutIt) {
  for (bool runs : {true, false}) {
    SCOPED_TRACE(runs ? "it runs" : "it was killed");
    if (!runs) Kill();
    Ended log = Inspect("log");
    EXPECT_EQ(log.code, 0) << log.output;
    for (const char* words :
         {"term 2, vote for controller 1", "entry 2 term 2", "term 2 opened by controller 1"}) {
      EXPECT_NE(log.output.find(words), std::string::npos) << words << " in " << log.output;
    }
    Ended snapshot = Inspect("snapshot");
    EXPECT_EQ(snapshot.code, 0) << snapshot.output;
    EXPECT_NE(snapshot.output.find("voters are (1@" + at_), std::string::npos) << snapshot.output;
    Ended json = Inspect("log", {"--format=json", "--from=2", "--to=2"});
    EXPECT_NE(json.output.find(R"({"kind":"entry","index":2)"), std::string::npos) << json.output;
  }
  Start();
  EXPECT_TRUE(controller_->Says("active controller")) << controller_->Output();
}

TEST_F(QuorumFolder, SaysWhyItCannotBePrinted) {
  Ended nowhere = chaos::Run({PathOf("weir"), "log", "inspect", NewFolder()});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_NE(nowhere.output.find("there is no quorum's log in"), std::string::npos)
      << nowhere.output;
  EXPECT_EQ(Inspect("log", {"--from=9", "--to=3"}).code, 2);
  EXPECT_EQ(Inspect("log", {"--format=xml"}).code, 2);
}

TEST_F(QuorumFolder, WithoutItsEndIsRefused) {
  Kill();
  // RocksDB's journal, of which a cut end looks as if a crash had torn it. It lies in zeros.
  bool cut = false;
  for (const auto& file : fs::directory_iterator(folder_ + "/quorum")) {
    if (file.path().extension() != ".log" || file.file_size() == 0) continue;
    std::ifstream in(file.path(), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    size_t last = bytes.find_last_not_of('\0');
    if (last == std::string::npos) continue;
    fs::resize_file(file.path(), last - 5);
    cut = true;
  }
  ASSERT_TRUE(cut);
  ExpectRefuses("that were synced are not there");
}

TEST_F(QuorumFolder, EmptiedAloneIsRefused) {
  Kill();
  fs::remove_all(folder_ + "/quorum");
  ExpectRefuses("writes to it");
  // As the words say: the whole folder gone, it is another voter, and waits.
  fs::remove_all(folder_);
  Start();
  EXPECT_TRUE(controller_->Says("listening at")) << controller_->Output();
}

}  // namespace
}  // namespace weir::chaos
