// SPDX-License-Identifier: Apache-2.0
#include "cli/dev_state.h"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace weir::cli {

using Json = nlohmann::ordered_json;

std::vector<std::string> DevState::Endpoints(bool of_controllers) const {
  std::vector<std::string> endpoints;
  for (const DevProcess& process : processes) {
    if (process.is_controller() == of_controllers) endpoints.push_back(process.endpoint);
  }
  return endpoints;
}

DevProcess* DevState::Find(const std::string& name) {
  for (DevProcess& process : processes) {
    if (process.name == name) return &process;
  }
  return nullptr;
}

std::string ToText(const DevState& state) {
  Json list = Json::array();
  for (const DevProcess& process : state.processes) {
    list.push_back({{"name", process.name},
                    {"pid", process.pid},
                    {"start_ticks", process.start_ticks},
                    {"endpoint", process.endpoint},
                    {"log", process.log},
                    {"command", process.command}});
  }
  return Json({{"version", 1}, {"processes", list}}).dump(2) + "\n";
}

Result<DevState> ParseDevState(const std::string& text) {
  auto corrupt = [](const std::string& what) {
    return Fail(Error::Kind::kCorrupt, "it is not a state file of weir dev: " + what);
  };
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return corrupt("no JSON object");
  auto list = json.find("processes");
  if (list == json.end() || !list->is_array()) return corrupt("no list of processes");
  DevState state;
  for (const Json& each : *list) {
    auto has = [&](const char* member, auto is) {
      return each.is_object() && each.contains(member) && is(each[member]);
    };
    auto text_of = [](const Json& value) { return value.is_string(); };
    auto number = [](const Json& value) { return value.is_number_integer(); };
    bool good = has("name", text_of) && has("pid", number) && has("start_ticks", number) &&
                has("endpoint", text_of) && has("log", text_of) &&
                has("command", [](const Json& value) { return value.is_array(); });
    if (!good) return corrupt("a process lacks a field");
    DevProcess process{.name = each["name"].get<std::string>(),
                       .pid = each["pid"].get<int>(),
                       .start_ticks = each["start_ticks"].get<uint64_t>(),
                       .endpoint = each["endpoint"].get<std::string>(),
                       .log = each["log"].get<std::string>()};
    for (const Json& word : each["command"]) {
      if (!word.is_string()) return corrupt("a command is not a list of words");
      process.command.push_back(word.get<std::string>());
    }
    state.processes.push_back(std::move(process));
  }
  return state;
}

Result<DevState> LoadDevState(const std::string& folder) {
  std::string path = folder + "/dev.json";
  std::ifstream in(path);
  if (!in) return Fail(Error::Kind::kNotFound, "there is no " + path);
  std::stringstream text;
  text << in.rdbuf();
  auto state = ParseDevState(text.str());
  if (!state) return std::unexpected(state.error().While("reading " + path));
  return state;
}

Result<void> SaveDevState(const std::string& folder, const DevState& state) {
  std::string path = folder + "/dev.json";
  std::ofstream out(path + ".new", std::ios::trunc);
  out << ToText(state);
  out.close();
  if (!out || std::rename((path + ".new").c_str(), path.c_str()) != 0) {
    return Fail(Error::Kind::kIo, "cannot write " + path);
  }
  return {};
}

uint64_t StartTicksOf(const std::string& stat) {
  // The second field is the command in parentheses, and may hold blanks and parentheses itself.
  size_t end = stat.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream rest(stat.substr(end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) rest >> skipped;
  uint64_t ticks = 0;
  rest >> ticks;
  return rest ? ticks : 0;
}

}  // namespace weir::cli
