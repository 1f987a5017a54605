// SPDX-License-Identifier: Apache-2.0
// The simulated host keeps what every host keeps, whatever the seed.
#include <gtest/gtest.h>

#include "common/host/contract/clock_contract.h"
#include "common/host/contract/disk_contract.h"
#include "common/host/contract/network_contract.h"
#include "common/host/contract/strand_contract.h"
#include "tests/sim/world.h"

namespace weir::host {
namespace {

class SimulatedWorld : public ContractWorld {
 public:
  explicit SimulatedWorld(uint64_t seed) : world_(seed) {
    processes_ = {&world_.AddProcess("zero"), &world_.AddProcess("one")};
  }

  Host host(int process) override { return At(process).host(); }
  void OnStrand(int process, std::function<void()> work) override {
    bool ran = false;
    host(process).strand.Post([&] {
      work();
      ran = true;
    });
    EXPECT_TRUE(world_.RunUntil([&] { return ran; }));
  }
  bool RunUntil(std::function<bool()> holds) override { return world_.RunUntil(holds); }
  Endpoint FreeEndpoint(int process) override {
    return At(process).name() + ':' + std::to_string(++last_port_);
  }

 private:
  sim::Process& At(int process) { return *processes_.at(static_cast<size_t>(process)); }

  sim::World world_;
  std::array<sim::Process*, 2> processes_{};
  int last_port_ = 1000;
};

std::vector<WorldMaker> Seeds() {
  std::vector<WorldMaker> makers;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    makers.push_back(
        {"Seed" + std::to_string(seed), [seed] { return std::make_unique<SimulatedWorld>(seed); }});
  }
  return makers;
}

std::string NameOf(const testing::TestParamInfo<WorldMaker>& maker) { return maker.param.name; }

INSTANTIATE_TEST_SUITE_P(Sim, ClockContract, testing::ValuesIn(Seeds()), NameOf);
INSTANTIATE_TEST_SUITE_P(Sim, StrandContract, testing::ValuesIn(Seeds()), NameOf);
INSTANTIATE_TEST_SUITE_P(Sim, DiskContract, testing::ValuesIn(Seeds()), NameOf);
INSTANTIATE_TEST_SUITE_P(Sim, NetworkContract, testing::ValuesIn(Seeds()), NameOf);

}  // namespace
}  // namespace weir::host
