// SPDX-License-Identifier: Apache-2.0
// A real node with several data folders: mixed up, taken away, and full.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/chaos/child.h"
#include "tests/chaos/small_cluster.h"

namespace weir::chaos {
namespace {

namespace fs = std::filesystem;

std::string Lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "record " + std::to_string(i) + "\n";
  return lines;
}

size_t CountOf(const std::string& output, const std::string& words) {
  size_t count = 0;
  for (size_t at = output.find(words); at != std::string::npos; at = output.find(words, at + 1)) {
    ++count;
  }
  return count;
}

size_t CountIn(const std::string& folder) {
  std::error_code missing;
  size_t count = 0;
  for (fs::directory_iterator at(folder, missing), end; at != end; ++at) ++count;
  return count;
}

// Until a command says it; its last words otherwise.
std::string AskUntil(SmallCluster& cluster, const std::vector<std::string>& command,
                     const std::string& words) {
  Ended ended;
  for (int tries = 0; tries < 100; ++tries) {
    ended = cluster.Weir(command);
    if (ended.code == 0 && ended.output.find(words) != std::string::npos) return "";
    usleep(100'000);
  }
  return ended.output;
}

TEST(Disks, ThatWereMixedUpAreNamed) {
  SmallCluster cluster;
  const std::string a = NewFolder();
  const std::string b = NewFolder();
  ASSERT_TRUE(cluster.node->Says("clients at"));
  fs::create_symlink(a, b + "/a");
  for (const Case& row : std::vector<Case>{
           {"twice", cluster.NodeCommand(a + "," + a), 2, "is the same folder as"},
           {"twice", cluster.NodeCommand(a + "," + a + "/"), 2, "is the same folder as"},
           {"twice", cluster.NodeCommand(a + "," + b + "/a"), 2, "is the same folder as"},
           {"nested", cluster.NodeCommand(a + "/deep," + a), 2, "lies within"},
           {"nothing", cluster.NodeCommand(a + ",," + b), 2, "without a name"},
           {"in use", cluster.NodeCommand(a + "," + cluster.folder + "/node"), 1,
            "is in use by process"},
       }) {
    ExpectEnds(row);
  }
  cluster.node.reset();
  auto another = cluster.NodeCommand(b + "," + cluster.folder + "/node");
  another[1] = "--id=2";
  ExpectEnds({"another node's", another, 2, "belongs to storage 1"});
  EXPECT_FALSE(fs::exists(b + "/identity"));
  fs::create_directories(b + "/copy");
  fs::copy_file(cluster.folder + "/node/identity", b + "/copy/identity");
  ExpectEnds({"a copy", cluster.NodeCommand(cluster.folder + "/node," + b + "/copy"), 2,
              "one is a copy of the other"});
}

TEST(Disks, OneThatIsTakenAwayIsMissedUntilItIsBack) {
  const std::string a = NewFolder() + "/a";
  const std::string b = NewFolder() + "/b";
  SmallCluster cluster(a + "," + b);
  ASSERT_NO_FATAL_FAILURE(cluster.Found("8"));
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(cluster.Weir({"produce", "orders"}, Lines(200)).code, 0);
  }
  for (const std::string& folder : {a, b}) {
    EXPECT_GT(CountIn(folder + "/partitions"), 0u) << folder;
  }
  cluster.node->Signal(SIGTERM);
  ASSERT_EQ(cluster.node->Wait(), 0) << cluster.node->Output();

  fs::rename(b, b + ".unmounted");
  cluster.RestartNode(a + "," + b);
  EXPECT_TRUE(cluster.node->Says("mount its volume")) << cluster.node->Output();
  EXPECT_EQ(AskUntil(cluster, {"node", "disks", "1"}, "failed"), "");
  EXPECT_FALSE(fs::exists(b + "/identity"));
  cluster.node->Signal(SIGTERM);
  ASSERT_EQ(cluster.node->Wait(), 0) << cluster.node->Output();

  fs::remove_all(b);
  fs::rename(b + ".unmounted", b);
  cluster.RestartNode(b + "," + a);
  EXPECT_EQ(AskUntil(cluster, {"cluster", "health"}, ""), "");
  Ended read = cluster.Weir({"consume", "orders", "--from-beginning"});
  EXPECT_EQ(read.code, 0);
  EXPECT_EQ(CountOf(read.output, "record "), 2000u);
}

// A file system of `megabytes` that is gone with this process; nothing if that is not allowed here.
bool MountSmall(const std::string& folder, int megabytes) {
  const std::string size = "size=" + std::to_string(megabytes) + "m";
  const uid_t uid = getuid();
  const gid_t gid = getgid();
  bool is_apart = unshare(CLONE_NEWNS) == 0;
  if (!is_apart && unshare(CLONE_NEWNS | CLONE_NEWUSER) == 0) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << uid << " " << uid << " 1";
    std::ofstream("/proc/self/gid_map") << gid << " " << gid << " 1";
    is_apart = true;
  }
  if (!is_apart) return false;
  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  return mount("tmpfs", folder.c_str(), "tmpfs", 0, size.c_str()) == 0;
}

TEST(Disks, OneThatIsFullIsReadAndRecoversAlone) {
  const std::string small = NewFolder();
  if (!MountSmall(small, 72)) {
    GTEST_SKIP() << "a file system cannot be mounted here: " << std::strerror(errno);
  }
  // Somebody else's: 32 MB are left, of which the journal begins with 8, and 16 must stay.
  const std::string ballast = small + "/ballast";
  std::ofstream(ballast) << std::string(40 << 20, 'x');
  SmallCluster cluster(small + "/data", {"--min_free_mib=16"});
  ASSERT_NO_FATAL_FAILURE(cluster.Found());
  ASSERT_EQ(cluster.Weir({"produce", "orders"}, "before\n").code, 0);

  std::string lines;
  for (int i = 0; i < 16000; ++i) lines += std::to_string(i) + std::string(1000, 'y') + "\n";
  Child producer({PathOf("weir"), "--bootstrap=" + cluster.node_at(), "produce", "orders"}, lines);
  ASSERT_TRUE(cluster.node->Says("is full")) << cluster.node->Output();
  EXPECT_GE(fs::space(small).available, 8u << 20) << "what must go on has room";
  EXPECT_FALSE(producer.Wait(std::chrono::seconds(2)).has_value()) << producer.Output();
  Ended read = cluster.Weir({"consume", "orders", "--from-beginning"});
  EXPECT_EQ(read.code, 0);
  EXPECT_EQ(CountOf(read.output, "before"), 1u);
  EXPECT_EQ(AskUntil(cluster, {"node", "disks", "1"}, "working"), "");

  fs::remove(ballast);
  EXPECT_EQ(producer.Wait(std::chrono::seconds(30)), 0) << producer.Output();
  EXPECT_TRUE(cluster.node->Says("has room again"));
  read = cluster.Weir({"consume", "orders", "--from-beginning"});
  EXPECT_EQ(read.code, 0);
  EXPECT_TRUE(read.output.find(lines) != std::string::npos);
}

}  // namespace
}  // namespace weir::chaos
