// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/full_cluster.h"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace weir::chaos {
namespace {

constexpr int kKeys = 50;

std::vector<std::string> In(const Place& place, std::vector<std::string> command) {
  command.insert(command.begin(), place.enter.begin(), place.enter.end());
  return command;
}

}  // namespace

FullCluster::FullCluster(std::array<Place, kMachines> places) {
  auto at = [](const Place& place) { return place.address + ":" + std::to_string(FreePort()); };
  for (size_t i = 0; i < kMachines; ++i) {
    machines_[i].place = places[i];
    machines_[i].controller_at = at(places[i]);
    machines_[i].client_at = at(places[i]);
    machines_[i].internal_at = at(places[i]);
  }
  for (size_t i = 0; i < kMachines; ++i) StartController(i);
  for (size_t i = 0; i < kMachines; ++i) StartNode(i);
}

std::string FullCluster::Controllers() const {
  std::string all;
  for (const Machine& machine : machines_) all += (all.empty() ? "" : ",") + machine.controller_at;
  return all;
}

void FullCluster::StartController(size_t machine) {
  const std::string id = std::to_string(machine + 1);
  controllers_[machine].reset();
  controllers_[machine] = std::make_unique<Child>(
      In(machines_[machine].place,
         {PathOf("controller"), "--id=" + id, "--listen=" + machines_[machine].controller_at,
          "--data=" + folder_ + "/controller-" + id}));
}

void FullCluster::StartNode(size_t machine) {
  const std::string id = std::to_string(machine + 1);
  nodes_[machine].reset();
  nodes_[machine] = std::make_unique<Child>(
      In(machines_[machine].place,
         {PathOf("storage"), "--id=" + id, "--client_listen=" + machines_[machine].client_at,
          "--internal_listen=" + machines_[machine].internal_at,
          "--data=" + folder_ + "/node-" + id, "--controllers=" + Controllers()}));
}

bool FullCluster::Found(const std::vector<std::string>& settings) {
  Ended founded =
      Run({PathOf("weir"), "cluster", "init", "--controllers", Controllers(), "--wait", "30"});
  trouble_ = founded.output;
  if (founded.code != 0) return false;
  trouble_ = AskUntil({"cluster", "health"}, "");
  if (!trouble_.empty()) return false;
  std::vector<std::string> create = {"topic",      "create", "records", "--partitions",         "6",
                                     "--replicas", "3",      "-c",      "min.insync.replicas=2"};
  for (const std::string& setting : settings) create.insert(create.end(), {"-c", setting});
  trouble_ = AskUntil(create, "");
  return trouble_.empty();
}

std::vector<std::string> FullCluster::WeirCommand(std::vector<std::string> words) const {
  std::string nodes;
  for (const Machine& machine : machines_) nodes += (nodes.empty() ? "" : ",") + machine.client_at;
  words.insert(words.begin(), {PathOf("weir"), "--bootstrap=" + nodes});
  return words;
}

Ended FullCluster::Weir(std::vector<std::string> words) {
  return Run(WeirCommand(std::move(words)));
}

std::unique_ptr<Child> FullCluster::StartWeir(std::vector<std::string> words) {
  return std::make_unique<Child>(WeirCommand(std::move(words)));
}

std::string FullCluster::AskUntil(const std::vector<std::string>& command,
                                  const std::string& words) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (true) {
    Ended ended = Weir(command);
    if (ended.code == 0 && ended.output.find(words) != std::string::npos) return "";
    if (std::chrono::steady_clock::now() >= deadline) return "it says: " + ended.output;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

size_t FullCluster::ActiveController() {
  const std::string status = Weir({"quorum", "status", "--format", "json"}).output;
  const std::string field = "\"leader\":";
  const size_t at = status.find(field);
  if (at == std::string::npos) return kMachines;
  const long id = std::strtol(status.c_str() + at + field.size(), nullptr, 10);
  return id >= 1 && id <= static_cast<long>(kMachines) ? static_cast<size_t>(id - 1) : kMachines;
}

std::string KeyedLines(int count) {
  const std::string path = NewFolder() + "/lines";
  std::ofstream lines(path);
  for (int i = 0; i < count; ++i) {
    lines << "key-" << i % kKeys << ":" << i << " " << std::string(1000, 'a' + i % 26) << "\n";
  }
  return path;
}

}  // namespace weir::chaos
