// SPDX-License-Identifier: Apache-2.0
// A bit flips on the disk of a real node while it is down: it finds that, gets the right bytes from
// another, and serves them when it leads. And records that are deleted, looked for by time, listed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/chaos/child.h"
#include "tests/chaos/small_cluster.h"

namespace weir::chaos {
namespace {

namespace fs = std::filesystem;

std::string Contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Nodes 1 to 3, with a topic that lies on all of them.
struct ThreeNodes : SmallCluster {
  ThreeNodes() {
    others[2] = std::make_unique<Child>(commands[2] = CommandOf(2));
    others[3] = std::make_unique<Child>(commands[3] = CommandOf(3));
  }
  std::vector<std::string> CommandOf(int id) {
    auto command = NodeCommand(FolderOf(id));
    command[1] = "--id=" + std::to_string(id);
    command.push_back("--scrub_mib_per_s=64");
    return command;
  }
  std::string FolderOf(int id) const { return folder + "/node-" + std::to_string(id); }
  std::string EndpointOf(int id) const {
    return commands.at(id)[2].substr(std::string("--client_listen=").size());
  }
  // Until it ends well, and says `words`.
  Ended Until(const std::vector<std::string>& words, const std::string& phrase = "", int node = 0) {
    Ended ended;
    for (int tries = 0; tries < 100; ++tries) {
      std::vector<std::string> command = words;
      const std::string at = node == 0 ? node_at() : EndpointOf(node);
      command.insert(command.begin(), {PathOf("weir"), "--bootstrap=" + at});
      ended = Run(std::move(command));
      if (ended.code == 0 && ended.output.find(phrase) != std::string::npos) return ended;
      usleep(100'000);
    }
    ADD_FAILURE() << words[0] << " " << words[1] << ": " << ended.output;
    return ended;
  }
  void Create() {
    ASSERT_NO_FATAL_FAILURE(Found());
    Until({"topic", "create", "kept", "--replicas", "3", "-c", "min.insync.replicas=2", "-c",
           "internal.segment.bytes=65536"});
    Until({"cluster", "health"});
  }
  // The closed files of records of node `id` that belong to the topic of three replicas.
  std::map<std::string, std::string> Closed(int id) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(FolderOf(id) + "/partitions")) {
      if (entry.path().extension() == ".log") files[entry.path()] = Contents(entry.path());
    }
    if (!files.empty()) files.erase(std::prev(files.end()));
    return files;
  }

  std::map<int, std::vector<std::string>> commands;
  std::map<int, std::unique_ptr<Child>> others;
};

std::string Lines(int from, int to) {
  std::string lines;
  for (int i = from; i < to; ++i) {
    lines += "record " + std::to_string(i) + std::string(100, 'x') + "\n";
  }
  return lines;
}

TEST(Rot, OfAStoppedFollowerIsMendedBeforeItLeads) {
  ThreeNodes cluster;
  ASSERT_NO_FATAL_FAILURE(cluster.Create());
  std::string lines;
  for (int i = 0; i < 20; ++i) {
    const std::string some = Lines(i * 200, i * 200 + 200);
    ASSERT_EQ(cluster.Weir({"produce", "kept"}, some).code, 0);
    lines += some;
  }
  cluster.others[2]->Signal(SIGTERM);
  ASSERT_EQ(cluster.others[2]->Wait(), 0) << cluster.others[2]->Output();

  const auto files = cluster.Closed(2);
  ASSERT_GE(files.size(), 3u);
  size_t number = 0;
  for (const auto& [path, bytes] : files) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const size_t at = bytes.size() * ++number / (files.size() + 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(bytes[at] ^ 4));
  }
  EXPECT_NE(cluster.Closed(2), files);
  cluster.others[2] = std::make_unique<Child>(cluster.commands[2]);
  EXPECT_TRUE(cluster.others[2]->Says("damaged bytes are replaced")) << cluster.others[2]->Output();
  for (int tries = 0; tries < 200 && cluster.Closed(2) != files; ++tries) usleep(100'000);
  EXPECT_TRUE(cluster.Closed(2) == files);
  cluster.Until({"cluster", "health"});

  // It is the only one left, and has all of it.
  cluster.node->Signal(SIGTERM);
  ASSERT_TRUE(cluster.node->Wait().has_value());
  cluster.others[3]->Signal(SIGTERM);
  ASSERT_TRUE(cluster.others[3]->Wait().has_value());
  cluster.Until({"topic", "offsets", "kept"}, "4000", 2);
  Ended read = chaos::Run({PathOf("weir"), "--bootstrap=" + cluster.EndpointOf(2), "consume",
                           "kept", "--from-beginning"});
  EXPECT_EQ(read.code, 0);
  EXPECT_TRUE(read.output == lines) << read.output.size() << " bytes, not " << lines.size();
}

TEST(Records, AreDeletedListedAndFoundByTime) {
  ThreeNodes cluster;
  ASSERT_NO_FATAL_FAILURE(cluster.Create());
  ASSERT_EQ(cluster.Weir({"produce", "kept"}, Lines(0, 100)).code, 0);
  usleep(50'000);
  ASSERT_EQ(cluster.Weir({"produce", "kept"}, Lines(100, 150)).code, 0);
  Ended later = cluster.Weir({"consume", "kept", "--offset", "100", "-n", "1", "-f", "%T"});
  ASSERT_EQ(later.code, 0) << later.output;
  const std::string at = later.output;
  Ended offsets = cluster.Weir({"topic", "offsets", "kept", "--at", at, "--format", "json"});
  EXPECT_EQ(offsets.code, 0) << offsets.output;
  EXPECT_NE(offsets.output.find("\"high_watermark\": 150"), std::string::npos) << offsets.output;
  EXPECT_NE(offsets.output.find("\"offset\": 100"), std::string::npos) << offsets.output;
  Ended read = cluster.Weir({"consume", "kept", "--from-time", at});
  EXPECT_EQ(read.code, 0);
  EXPECT_TRUE(read.output == Lines(100, 150)) << read.output;
  read = cluster.Weir({"consume", "kept", "--from-time", "2100-01-01"});
  EXPECT_EQ(read.code, 0);
  EXPECT_EQ(read.output, "");

  const std::vector<std::string> remove = {"records", "delete", "kept",    "--partition",
                                           "0",       "--yes",  "--before"};
  auto delete_before = [&](const std::string& before) {
    auto command = remove;
    command.push_back(before);
    return cluster.Weir(command);
  };
  Ended deleted = delete_before("40");
  EXPECT_EQ(deleted.code, 0) << deleted.output;
  read = cluster.Weir({"consume", "kept"});
  EXPECT_TRUE(read.output == Lines(40, 150)) << read.output;
  for (const auto& [before, code, phrase] : std::vector<std::tuple<std::string, int, std::string>>{
           {"151", 1, "what is committed"}, {"x", 2, "is no offset"}, {"-5", 2, "is no offset"}}) {
    Ended refused = delete_before(before);
    EXPECT_EQ(refused.code, code) << refused.output;
    EXPECT_NE(refused.output.find(phrase), std::string::npos) << refused.output;
  }
  EXPECT_EQ(cluster.Weir({"consume", "kept", "--from-time", "yesterday"}).code, 2);
  EXPECT_EQ(cluster.Weir({"topic", "offsets", "nothing"}).code, 1);

  // Each replica has done it, and remembers.
  for (int id : {2, 3}) {
    cluster.others[id]->Signal(SIGKILL);
    cluster.others[id]->Wait();
    cluster.others[id] = std::make_unique<Child>(cluster.commands[id]);
  }
  cluster.Until({"cluster", "health"});
  cluster.node->Signal(SIGTERM);
  ASSERT_TRUE(cluster.node->Wait().has_value());
  Ended listed =
      cluster.Until({"topic", "offsets", "kept", "--format", "json"}, "\"log_start\": 40", 2);
  EXPECT_NE(listed.output.find("\"high_watermark\": 150"), std::string::npos) << listed.output;
  Ended end = chaos::Run({PathOf("weir"), "--bootstrap=" + cluster.EndpointOf(2), "records",
                          "delete", "kept", "--partition", "0", "--before", "end", "--yes"});
  EXPECT_EQ(end.code, 0) << end.output;
  cluster.Until({"topic", "offsets", "kept", "--format", "json"}, "\"log_start\": 150", 3);
}

}  // namespace
}  // namespace weir::chaos
