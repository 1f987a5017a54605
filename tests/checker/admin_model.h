// SPDX-License-Identifier: Apache-2.0
// Topics as admins see them, one name at a time: whether it is there, its identity, how many
// partitions it has, and the configs that somebody set. A model for linearizability.h. A list, or
// an answer about several topics, is one read of each name. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "tests/checker/linearizability.h"

namespace weir::checker {

class AdminModel {
 public:
  using Configs = std::map<std::string, std::string>;

  struct Input {
    enum class Kind { kCreate, kDelete, kGrow, kConfigure, kGet, kGetConfigs };
    Kind kind = Kind::kGet;
    // Of kCreate, and of kGrow the new one.
    int32_t partitions = 0;
    // Of kCreate and kConfigure.
    Configs set;
    std::vector<std::string> reset;
  };

  struct Output {
    // kRefused: for a reason that says nothing of this topic, and nothing was changed.
    enum class How { kDone, kNoTopic, kTopicExists, kTooFew, kRefused };
    How how = How::kDone;
    // Where it is told: of kCreate and kGet; of kCreate, kGet and kGrow; of kGetConfigs.
    std::optional<TopicId> id;
    std::optional<int32_t> partitions;
    std::optional<Configs> configs;
  };

  struct State {
    struct Topic {
      // Unknown while only calls of unknown outcome can have created it.
      std::optional<TopicId> id;
      int32_t partitions = 0;
      Configs configs;
      auto operator<=>(const Topic&) const = default;
    };
    std::optional<Topic> topic;
    // Identities of topics that had this name: none comes back.
    std::set<TopicId> past;
    auto operator<=>(const State&) const = default;
  };

  State Initial() const { return {}; }
  std::optional<State> Step(const State& state, const Input& input, const Output* output) const;
  std::string Describe(const State& state) const;
  std::string Describe(const Input& input, const Output* output) const;

 private:
  std::optional<State> Create(const State& state, const Input& input, const Output* output) const;
  std::optional<State> Delete(const State& state, const Output* output) const;
  std::optional<State> Change(const State& state, const Input& input, const Output* output) const;
  std::optional<State> Read(const State& state, const Output& output) const;
};

// What admins did and were told, and whether it can be explained.
class AdminHistory {
 public:
  using Call = checker::Call<AdminModel::Input, AdminModel::Output>;

  void Add(const std::string& topic, Call call);
  // An answer that speaks of the metadata as of `index`: asked and told when.
  void Told(Instant asked, Instant told, LogIndex index);

  size_t size() const { return size_; }
  size_t unknown() const { return unknown_; }

  // Each topic alone; and no answer speaks of older metadata than one that was told before it was
  // asked.
  Judgement Judge(size_t steps_max = kJudgeStepsMax) const;

 private:
  struct Spoken {
    Instant asked;
    Instant told;
    LogIndex index;
  };

  std::optional<std::string> WhereIndexFell() const;

  std::map<std::string, std::vector<Call>> calls_;
  std::vector<Spoken> spoken_;
  size_t size_ = 0;
  size_t unknown_ = 0;
};

}  // namespace weir::checker
