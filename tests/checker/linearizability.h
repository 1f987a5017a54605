// SPDX-License-Identifier: Apache-2.0
// Whether calls that overlapped in time can be explained by calls that happened one at a time, each
// at some moment between its begin and its end (Wing and Gong's search, with Lowe's memory of what
// was tried). A call whose outcome is unknown may have happened at any time after it began, or
// never. Pure; the search is bounded, and says so where it gave up.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"

namespace weir::checker {

template <class Input, class Output>
struct Call {
  int process = 0;
  Instant invoked;
  // Both or neither; neither: nobody knows whether it happened.
  std::optional<Instant> returned;
  Input input;
  std::optional<Output> output;
};

enum class Verdict { kHolds, kBroken, kGaveUp };

struct Judgement {
  Verdict verdict = Verdict::kHolds;
  // Placements that were tried.
  size_t steps = 0;
  // Where it is stuck, or how far it came; empty where it holds.
  std::string words;
};

// An object as it behaves when calls come one at a time. `Step` says what a call leaves behind;
// nothing if it could not have had this output there. Without an output: what it leaves behind if
// it happened. `Describe` is for people.
template <class M>
concept SequentialModel =
    requires(const M& m, const typename M::State& state, const typename M::Input& input,
             const typename M::Output& output, const typename M::Output* maybe) {
      { m.Initial() } -> std::same_as<typename M::State>;
      { m.Step(state, input, maybe) } -> std::same_as<std::optional<typename M::State>>;
      { m.Describe(state) } -> std::convertible_to<std::string>;
      { m.Describe(input, maybe) } -> std::convertible_to<std::string>;
      { state < state } -> std::convertible_to<bool>;
    };

// The search, by numbers: of calls, and of states in the order in which they were first reached;
// state 0 is the first. Models reach it through Judge.
struct NumberedCalls {
  struct Span {
    int process = 0;
    Instant invoked;
    std::optional<Instant> returned;
  };
  std::vector<Span> spans;
  // With or without the output that the call had.
  std::function<std::optional<size_t>(size_t state, size_t call, bool with_output)> step;
  std::function<std::string(size_t state)> describe_state;
  std::function<std::string(size_t call, bool with_output)> describe_call;
};
Judgement JudgeNumbered(const NumberedCalls& calls, size_t steps_max);

inline constexpr size_t kJudgeStepsMax = 2'000'000;

template <SequentialModel M>
Judgement Judge(const M& model,
                const std::vector<Call<typename M::Input, typename M::Output>>& calls,
                size_t steps_max = kJudgeStepsMax) {
  using State = typename M::State;
  std::map<State, size_t> numbers;
  std::vector<const State*> states;
  auto number_of = [&](State state) {
    auto [at, is_new] = numbers.emplace(std::move(state), states.size());
    if (is_new) states.push_back(&at->first);
    return at->second;
  };
  number_of(model.Initial());
  auto output_of = [&](size_t call, bool with_output) {
    return with_output && calls[call].output ? &*calls[call].output : nullptr;
  };
  NumberedCalls numbered;
  for (const auto& call : calls) {
    numbered.spans.push_back({call.process, call.invoked, call.returned});
  }
  numbered.step = [&](size_t state, size_t call, bool with_output) -> std::optional<size_t> {
    auto after = model.Step(*states[state], calls[call].input, output_of(call, with_output));
    if (!after) return std::nullopt;
    return number_of(std::move(*after));
  };
  numbered.describe_state = [&](size_t state) { return model.Describe(*states[state]); };
  numbered.describe_call = [&](size_t call, bool with_output) {
    return model.Describe(calls[call].input, output_of(call, with_output));
  };
  return JudgeNumbered(numbered, steps_max);
}

// Where calls to different keys have nothing to do with each other, each key is judged alone: the
// whole holds if each does. Broken if one is, with its key before the words.
template <SequentialModel M, class Key>
Judgement JudgeEach(
    const M& model,
    const std::map<Key, std::vector<Call<typename M::Input, typename M::Output>>>& calls_by_key,
    size_t steps_max = kJudgeStepsMax) {
  Judgement whole;
  for (const auto& [key, calls] : calls_by_key) {
    Judgement one = Judge(model, calls, steps_max);
    whole.steps += one.steps;
    bool is_worse = one.verdict != Verdict::kHolds && whole.verdict != Verdict::kBroken;
    if (!is_worse || (whole.verdict == Verdict::kGaveUp && one.verdict == Verdict::kGaveUp)) {
      continue;
    }
    std::ostringstream words;
    words << key << ": " << one.words;
    whole.verdict = one.verdict;
    whole.words = words.str();
  }
  return whole;
}

}  // namespace weir::checker
