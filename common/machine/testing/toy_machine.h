// SPDX-License-Identifier: Apache-2.0
// A machine small enough to see through: registers, each a number, changed by compare-and-set, with
// request ids. For the tests of drivers and logs. A value.
#pragma once

#include <glog/logging.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/error_code.h"
#include "common/machine/decision.h"
#include "common/machine/machine_log.h"

namespace weir::machine {

class ToyMachine {
 public:
  static constexpr ErrorCode kNotLeading = ErrorCode::kNotController;

  struct State {
    std::map<std::string, int64_t> registers;
    // What each request became: none is carried out twice.
    std::map<uint64_t, int64_t> requests;
    Position last;
    int64_t opened = -1;
    bool operator==(const State&) const = default;
  };

  // Registers begin with 0. Without a `value` it only reads.
  struct Command {
    uint64_t request = 0;
    std::string name;
    int64_t expected = 0;
    std::optional<int64_t> value;
  };

  // `request` 0: an epoch was opened, `value` says which.
  struct Entry {
    uint64_t request = 0;
    std::string name;
    int64_t value = 0;
    bool operator==(const Entry&) const = default;
  };

  // What the register holds once the command is carried out.
  using Outcome = int64_t;

  Decision<Entry, Outcome> Decide(const State& at, const Command& command, Now) const {
    auto done = at.requests.find(command.request);
    if (done != at.requests.end()) return {std::nullopt, done->second};
    auto held = at.registers.find(command.name);
    int64_t holds = held == at.registers.end() ? 0 : held->second;
    if (!command.value) return {std::nullopt, holds};
    if (holds != command.expected) {
      return {std::nullopt,
              Refuse(ErrorCode::kInvalidRequest, command.name + " holds " + std::to_string(holds) +
                                                     ", not " + std::to_string(command.expected))};
    }
    return {Entry{command.request, command.name, *command.value}, *command.value};
  }

  State Apply(State state, const Entry& entry, Position position) const {
    CHECK_GT(position.index, state.last.index);
    CHECK_GE(position.epoch, state.last.epoch);
    state.last = position;
    if (entry.request == 0) {
      state.opened = entry.value;
      return state;
    }
    state.registers[entry.name] = entry.value;
    bool is_new = state.requests.emplace(entry.request, entry.value).second;
    CHECK(is_new) << "request " << entry.request << " was carried out twice";
    return state;
  }

  Entry Open(int64_t epoch) const { return {0, "-", epoch}; }

  Bytes Encode(const Entry& entry) const {
    std::ostringstream out;
    out << entry.request << " " << entry.name << " " << entry.value;
    return Bytes::FromString(out.str());
  }

  Entry Decode(const Bytes& bytes) const {
    std::istringstream in(bytes.ToString());
    Entry entry;
    CHECK(in >> entry.request >> entry.name >> entry.value) << "not an entry: " << bytes.view();
    return entry;
  }

  // Everything but the position, which Restore is told.
  Bytes Snapshot(const State& state) const {
    std::ostringstream out;
    out << state.opened << " " << state.registers.size() << " " << state.requests.size();
    for (const auto& [name, value] : state.registers) out << " " << name << " " << value;
    for (const auto& [request, value] : state.requests) out << " " << request << " " << value;
    return Bytes::FromString(out.str());
  }

  std::unique_ptr<SnapshotSource> TakeSnapshot(const State& state) const {
    struct Source final : SnapshotSource {
      Bytes Next() override { return std::exchange(left, {}); }
      Bytes left;
    };
    auto source = std::make_unique<Source>();
    source->left = Snapshot(state);
    return source;
  }

  State Restore(const Bytes& bytes, Position position) const {
    std::istringstream in(bytes.ToString());
    State state;
    size_t registers = 0;
    size_t requests = 0;
    CHECK(in >> state.opened >> registers >> requests) << "not a snapshot: " << bytes.view();
    for (std::pair<std::string, int64_t> one; registers > 0; --registers) {
      CHECK(in >> one.first >> one.second);
      state.registers.insert(one);
    }
    for (std::pair<uint64_t, int64_t> one; requests > 0; --requests) {
      CHECK(in >> one.first >> one.second);
      state.requests.insert(one);
    }
    state.last = position;
    return state;
  }
};

}  // namespace weir::machine
