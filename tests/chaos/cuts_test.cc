// SPDX-License-Identifier: Apache-2.0
// Machines with networks of their own, one of which is cut off while a producer writes. The
// machines are network namespaces, joined by a bridge in the test's own; where that is not allowed,
// as in a container without privileges, nothing is tried.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "tests/chaos/full_cluster.h"

namespace weir::chaos {
namespace {

constexpr char kIp[] = "/usr/sbin/ip";

bool Ip(std::vector<std::string> words) {
  words.insert(words.begin(), kIp);
  Ended ended = Run(std::move(words));
  if (ended.code != 0) ADD_FAILURE() << ended.output;
  return ended.code == 0;
}

// Leaves the machine's network for an empty one of this process's own, as root of it.
bool LeaveTheNetwork() {
  if (access(kIp, X_OK) != 0) return false;
  const uid_t uid = getuid();
  const gid_t gid = getgid();
  if (unshare(CLONE_NEWNET) == 0) return true;
  if (unshare(CLONE_NEWNET | CLONE_NEWUSER) != 0) return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
  std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
  return true;
}

// A network namespace, which lasts as long as the process that sleeps in it.
class Namespace {
 public:
  Namespace() {
    int made[2];
    if (pipe(made) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const char is_made = unshare(CLONE_NEWNET) == 0;
      if (write(made[1], &is_made, 1) != 1) _exit(1);
      while (true) pause();
    }
    char is_made = 0;
    works_ = read(made[0], &is_made, 1) == 1 && is_made != 0;
    close(made[0]);
    close(made[1]);
  }
  ~Namespace() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  bool works() const { return works_; }
  std::string pid() const { return std::to_string(pid_); }
  std::vector<std::string> Enter() const {
    return {"/usr/bin/nsenter", "--net=/proc/" + pid() + "/ns/net", "--"};
  }

 private:
  pid_t pid_ = 0;
  bool works_ = false;
};

// Three namespaces, and the test's own, on one bridge.
class Networks {
 public:
  bool Make() {
    if (!Ip({"link", "set", "lo", "up"}) || !Ip({"link", "add", "hub", "type", "bridge"}) ||
        !Ip({"address", "add", "10.77.0.100/24", "dev", "hub"}) ||
        !Ip({"link", "set", "hub", "up"})) {
      return false;
    }
    for (size_t i = 0; i < spaces_.size(); ++i) {
      if (!spaces_[i].works() || !Join(i)) return false;
    }
    return true;
  }

  std::array<Place, FullCluster::kMachines> Places() const {
    std::array<Place, FullCluster::kMachines> places;
    for (size_t i = 0; i < places.size(); ++i) places[i] = {spaces_[i].Enter(), AddressOf(i)};
    return places;
  }

  // Nothing comes or goes; nobody is told.
  bool Cut(size_t machine) { return Ip({"link", "set", CableOf(machine), "down"}); }
  bool Heal(size_t machine) { return Ip({"link", "set", CableOf(machine), "up"}); }

 private:
  static std::string CableOf(size_t machine) { return "cable" + std::to_string(machine); }
  static std::string AddressOf(size_t machine) { return "10.77.0." + std::to_string(machine + 1); }

  bool Join(size_t machine) {
    auto inside = [&](std::vector<std::string> words) {
      words.insert(words.begin(), kIp);
      const auto enter = spaces_[machine].Enter();
      words.insert(words.begin(), enter.begin(), enter.end());
      Ended ended = Run(std::move(words));
      if (ended.code != 0) ADD_FAILURE() << ended.output;
      return ended.code == 0;
    };
    return Ip({"link", "add", CableOf(machine), "type", "veth", "peer", "name", "eth0", "netns",
               spaces_[machine].pid()}) &&
           Ip({"link", "set", CableOf(machine), "master", "hub", "up"}) &&
           inside({"link", "set", "lo", "up"}) && inside({"link", "set", "eth0", "up"}) &&
           inside({"address", "add", AddressOf(machine) + "/24", "dev", "eth0"});
  }

  std::array<Namespace, FullCluster::kMachines> spaces_;
};

class Cuts : public testing::Test {
 protected:
  static void SetUpTestSuite() { is_allowed_ = LeaveTheNetwork(); }

  void SetUp() override {
    if (!is_allowed_) GTEST_SKIP() << "no network can be made here: " << std::strerror(errno);
    networks_ = std::make_unique<Networks>();
    ASSERT_TRUE(networks_->Make());
    cluster_ = std::make_unique<FullCluster>(networks_->Places());
    ASSERT_TRUE(cluster_->Found()) << cluster_->trouble();
  }
  void TearDown() override {
    cluster_.reset();
    if (networks_) Ip({"link", "delete", "hub"});
    networks_.reset();
  }

  static bool is_allowed_;
  std::unique_ptr<Networks> networks_;
  std::unique_ptr<FullCluster> cluster_;
};

bool Cuts::is_allowed_ = false;

TEST_F(Cuts, OfOneMachineAfterTheOtherLoseNothing) {
  const std::string lines = KeyedLines(12000);
  auto producer = cluster_->StartWeir(
      {"--timeout=120", "produce", "records", lines, "--key-separator", ":", "--rate", "1MB"});
  for (size_t machine = 0; machine < FullCluster::kMachines; ++machine) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    ASSERT_TRUE(networks_->Cut(machine));
    std::this_thread::sleep_for(std::chrono::seconds(4));
    // The two that see each other serve on, and know who is away.
    EXPECT_EQ(cluster_->AskUntil({"topic", "create", "while-" + std::to_string(machine)}, ""), "");
    ASSERT_TRUE(networks_->Heal(machine));
    ASSERT_EQ(cluster_->AskUntil({"cluster", "health"}, ""), "");
  }
  EXPECT_EQ(producer->Wait(std::chrono::minutes(2)), 0) << producer->Output();
  Ended verified = cluster_->Weir({"verify", "records", lines, "--key-separator", ":"});
  EXPECT_EQ(verified.code, 0) << verified.output;
}

}  // namespace
}  // namespace weir::chaos
