// SPDX-License-Identifier: Apache-2.0
// Three machines of real processes, each with a controller and a storage node, and a topic of three
// replicas that producers write to while the machines are harmed.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/child.h"

namespace weir::chaos {

// Where a machine's processes run: the words before their commands, and the address they have.
struct Place {
  std::vector<std::string> enter;
  std::string address = "127.0.0.1";
};

class FullCluster {
 public:
  static constexpr size_t kMachines = 3;

  explicit FullCluster(std::array<Place, kMachines> places = {});

  // Founds the cluster and makes the topic `records`, of six partitions; false, with words in
  // `trouble`, if that does not come about.
  bool Found(const std::vector<std::string>& settings = {});

  void StartController(size_t machine);
  void StartNode(size_t machine);
  Child& controller(size_t machine) { return *controllers_[machine]; }
  Child& node(size_t machine) { return *nodes_[machine]; }

  // A weir command that knows all nodes: waited for, or let run.
  Ended Weir(std::vector<std::string> words);
  std::unique_ptr<Child> StartWeir(std::vector<std::string> words);
  // Until the command ends with 0 and `words` in what it prints, for at most a minute; what it said
  // last otherwise, and nothing if it came so.
  std::string AskUntil(const std::vector<std::string>& command, const std::string& words);

  // The machine whose controller is active; kMachines if none says so.
  size_t ActiveController();

  const std::string& trouble() const { return trouble_; }

 private:
  struct Machine {
    Place place;
    std::string controller_at;
    std::string client_at;
    std::string internal_at;
  };
  std::vector<std::string> WeirCommand(std::vector<std::string> words) const;
  std::string Controllers() const;

  const std::string folder_ = NewFolder();
  std::array<Machine, kMachines> machines_;
  std::array<std::unique_ptr<Child>, kMachines> controllers_;
  std::array<std::unique_ptr<Child>, kMachines> nodes_;
  std::string trouble_;
};

// Keyed lines of about a kilobyte, `count` of them: every key's values are numbered, so that what
// is lost, twice there or out of order is seen. Returns the file's path.
std::string KeyedLines(int count);

}  // namespace weir::chaos
