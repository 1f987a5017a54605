// SPDX-License-Identifier: Apache-2.0
// The real host passes what every host passes.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "common/host/contract/clock_contract.h"
#include "common/host/contract/disk_contract.h"
#include "common/host/contract/network_contract.h"
#include "common/host/contract/strand_contract.h"
#include "common/host/posix/process.h"

namespace weir::host {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

std::string FreshFolder() {
  static int made = 0;
  std::string folder =
      testing::TempDir() + "/contract." + std::to_string(getpid()) + "." + std::to_string(++made);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

// Two processes that share a strand, each with its disk and its network.
class RealWorld : public ContractWorld {
 public:
  Host host(int process) override {
    Process& one = process == 0 ? first_ : second_;
    return Host{clock_, loop_, one.disk, one.network, random_};
  }

  void OnStrand(int, std::function<void()> work) override { work(); }

  bool RunUntil(std::function<bool()> holds) override {
    Instant deadline = clock_.Now() + seconds(20);
    while (!holds()) {
      if (clock_.Now() > deadline) return false;
      loop_.RunAt(clock_.Now() + microseconds(200), [this] { loop_.Stop(); });
      loop_.Run();
    }
    return true;
  }

  Endpoint FreeEndpoint(int) override {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(at);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
    close(fd);
    return "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  }

 private:
  struct Process {
    explicit Process(EventLoop& loop) : disk(loop, FreshFolder()), network(loop) {}
    PosixDisk disk;
    GrpcNetwork network;
  };

  SystemClock clock_;
  KernelRandom random_;
  EventLoop loop_;
  Process first_{loop_};
  Process second_{loop_};
};

std::string NameOf(const testing::TestParamInfo<WorldMaker>& maker) { return maker.param.name; }

const auto kReal =
    testing::Values(WorldMaker{"Posix", [] { return std::make_unique<RealWorld>(); }});

INSTANTIATE_TEST_SUITE_P(Real, ClockContract, kReal, NameOf);
INSTANTIATE_TEST_SUITE_P(Real, StrandContract, kReal, NameOf);
INSTANTIATE_TEST_SUITE_P(Real, DiskContract, kReal, NameOf);
INSTANTIATE_TEST_SUITE_P(Real, NetworkContract, kReal, NameOf);

}  // namespace
}  // namespace weir::host
