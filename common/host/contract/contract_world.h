// SPDX-License-Identifier: Apache-2.0
// What a contract suite needs of the host under test: a few processes, and a way to wait.
// A suite is instantiated with INSTANTIATE_TEST_SUITE_P and a WorldMaker, in namespace weir::host.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "common/host/host.h"

namespace weir::host {

class ContractWorld {
 public:
  virtual ~ContractWorld() = default;

  // Processes are 0 and 1, each with a Disk (an empty one) and a Network of its own.
  // They may share a strand.
  virtual Host host(int process) = 0;
  // Runs `work` on the process's strand, and returns when it has run.
  virtual void OnStrand(int process, std::function<void()> work) = 0;
  // Lets all strands run until `holds`; false if it does not within some seconds. `holds` is asked
  // where it may read what callbacks of any process wrote.
  virtual bool RunUntil(std::function<bool()> holds) = 0;
  // Where nobody listens, and the process could.
  virtual Endpoint FreeEndpoint(int process) = 0;
};

struct WorldMaker {
  std::string name;
  std::function<std::unique_ptr<ContractWorld>()> make;

  friend std::ostream& operator<<(std::ostream& out, const WorldMaker& maker) {
    return out << maker.name;
  }
};

// The base of every suite.
class HostContract : public testing::TestWithParam<WorldMaker> {
 protected:
  Host host(int process = 0) { return world_->host(process); }
  Clock& clock() { return host().clock; }
  Strand& strand() { return host().strand; }
  Disk& disk() { return host().disk; }
  Network& network(int process) { return host(process).network; }

  void OnStrand(std::function<void()> work) { world_->OnStrand(0, std::move(work)); }
  void OnStrand(int process, std::function<void()> work) {
    world_->OnStrand(process, std::move(work));
  }
  bool RunUntil(std::function<bool()> holds) { return world_->RunUntil(std::move(holds)); }
  Endpoint FreeEndpoint(int process) { return world_->FreeEndpoint(process); }

  // Lets time pass: `time` on the clock of process 0.
  void Pass(Duration time) {
    auto passed = std::make_shared<bool>(false);
    OnStrand([&] { strand().RunAt(clock().Now() + time, [passed] { *passed = true; }); });
    EXPECT_TRUE(RunUntil([passed] { return *passed; }));
  }

  // Starts what ends by a callback, on the strand of process 0, and waits for it.
  template <class T>
  T Wait(std::function<void(Callback<void(T)>)> start) {
    auto answer = std::make_shared<std::optional<T>>();
    OnStrand([&] {
      start([answer](T value) { answer->emplace(std::move(value)); });
      EXPECT_FALSE(answer->has_value()) << "called back within the call";
    });
    bool came = RunUntil([answer] { return answer->has_value(); });
    EXPECT_TRUE(came) << "nobody called back";
    if (!came) std::abort();
    return std::move(**answer);
  }

 private:
  std::unique_ptr<ContractWorld> world_ = GetParam().make();
};

}  // namespace weir::host
