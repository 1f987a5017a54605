// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/linearizability.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/chance.h"

namespace weir::checker {
namespace {

// A register that holds a number, at first 0, and a create that must find 0.
struct Register {
  enum class Kind { kRead, kWrite, kCreate };
  struct Input {
    Kind kind = Kind::kRead;
    int value = 0;
  };
  // What was read; for kCreate 1 if it created, and 0 if it found something.
  using Output = int;
  using State = int;

  State Initial() const { return 0; }
  std::optional<State> Step(const State& state, const Input& input, const Output* output) const {
    switch (input.kind) {
      case Kind::kRead:
        if (output && *output != state) return std::nullopt;
        return state;
      case Kind::kWrite:
        return input.value;
      case Kind::kCreate:
        if (output && (*output == 1) != (state == 0)) return std::nullopt;
        return state == 0 ? input.value : state;
    }
    return std::nullopt;
  }
  std::string Describe(const State& state) const { return "the value " + std::to_string(state); }
  std::string Describe(const Input& input, const Output* output) const {
    std::string answer = output ? std::to_string(*output) : "?";
    switch (input.kind) {
      case Kind::kRead:
        return "read -> " + answer;
      case Kind::kWrite:
        return "write " + std::to_string(input.value);
      case Kind::kCreate:
        return "create " + std::to_string(input.value) + " -> " + answer;
    }
    return "";
  }
};

using Calls = std::vector<Call<Register::Input, int>>;
using enum Register::Kind;

struct Script {
  Calls calls;
  Script& Add(int process, int64_t from, int64_t to, Register::Kind kind, int value, int output) {
    calls.push_back({process, Instant{from}, Instant{to}, {kind, value}, output});
    return *this;
  }
  Script& Read(int process, int64_t from, int64_t to, int output) {
    return Add(process, from, to, kRead, 0, output);
  }
  Script& Write(int process, int64_t from, int64_t to, int value) {
    return Add(process, from, to, kWrite, value, 0);
  }
  Script& Unknown(int process, int64_t from, Register::Kind kind, int value) {
    calls.push_back({process, Instant{from}, std::nullopt, {kind, value}, std::nullopt});
    return *this;
  }
  Judgement Judged() const { return Judge(Register(), calls); }
  Verdict verdict() const { return Judged().verdict; }
};

TEST(Linearizability, HoldsForNothing) { EXPECT_EQ(Script().verdict(), Verdict::kHolds); }

TEST(Linearizability, HoldsForOneAfterTheOther) {
  Script script;
  script.Write(1, 0, 1, 5).Read(2, 2, 3, 5).Write(1, 4, 5, 6).Read(2, 6, 7, 6);
  EXPECT_EQ(script.verdict(), Verdict::kHolds);
}

TEST(Linearizability, LetsOverlappingCallsComeInAnyOrder) {
  Script script;
  script.Write(1, 0, 10, 5).Write(2, 0, 10, 6).Read(3, 2, 3, 6).Read(3, 4, 5, 5);
  EXPECT_EQ(script.verdict(), Verdict::kHolds);
}

TEST(Linearizability, LetsWhatEndsWhenAnotherBeginsOverlapWithIt) {
  EXPECT_EQ(Script().Write(1, 0, 5, 1).Read(2, 5, 9, 0).verdict(), Verdict::kHolds);
  EXPECT_EQ(Script().Write(1, 0, 5, 1).Read(2, 6, 9, 0).verdict(), Verdict::kBroken);
}

TEST(Linearizability, RefusesAStaleRead) {
  Script script;
  script.Write(1, 0, 1, 5).Write(1, 2, 3, 6).Read(2, 4, 5, 5);
  EXPECT_EQ(script.verdict(), Verdict::kBroken);
}

TEST(Linearizability, RefusesReadsThatGoBack) {
  // The write is under way for both: the first reader has seen it, so must the second.
  Script script;
  script.Write(1, 0, 100, 5).Read(2, 10, 20, 5).Read(3, 30, 40, 0);
  EXPECT_EQ(script.verdict(), Verdict::kBroken);
}

TEST(Linearizability, RefusesALostUpdate) {
  Script script;
  script.Write(1, 0, 1, 5).Read(1, 2, 3, 5).Read(2, 10, 11, 0);
  EXPECT_EQ(script.verdict(), Verdict::kBroken);
}

TEST(Linearizability, RefusesADoubleCreation) {
  Script script;
  script.Add(1, 0, 10, kCreate, 5, 1).Add(2, 0, 10, kCreate, 6, 1);
  EXPECT_EQ(script.verdict(), Verdict::kBroken);
  Script lawful;
  lawful.Add(1, 0, 10, kCreate, 5, 1).Add(2, 0, 10, kCreate, 6, 0).Read(3, 11, 12, 5);
  EXPECT_EQ(lawful.verdict(), Verdict::kHolds);
}

TEST(Linearizability, AcceptsAnUnknownCallThatHappenedLate) {
  Script script;
  script.Unknown(1, 0, kWrite, 5).Read(2, 10, 11, 0).Read(2, 20, 21, 5).Read(2, 30, 31, 5);
  EXPECT_EQ(script.verdict(), Verdict::kHolds);
}

TEST(Linearizability, AcceptsAnUnknownCallThatNeverHappened) {
  Script script;
  script.Unknown(1, 0, kWrite, 5).Read(2, 10, 11, 0).Write(2, 12, 13, 7).Read(2, 20, 21, 7);
  EXPECT_EQ(script.verdict(), Verdict::kHolds);
}

TEST(Linearizability, RefusesAnUnknownCallThatHappenedTwiceOrTooEarly) {
  Script twice;
  twice.Unknown(1, 0, kWrite, 5).Read(2, 1, 2, 5).Write(2, 3, 4, 0).Read(2, 5, 6, 5);
  EXPECT_EQ(twice.verdict(), Verdict::kBroken);
  Script early;
  early.Read(2, 1, 2, 5).Unknown(1, 3, kWrite, 5);
  EXPECT_EQ(early.verdict(), Verdict::kBroken);
}

TEST(Linearizability, RefusesAReadOfWhatWasNeverCommitted) {
  // Created for one reader, gone for the next, and nobody took it away.
  Script script;
  script.Unknown(1, 0, kCreate, 5).Read(2, 1, 2, 5).Read(3, 3, 4, 0);
  EXPECT_EQ(script.verdict(), Verdict::kBroken);
}

TEST(Linearizability, NamesTheFirstAnswerThatCannotBeExplained) {
  Script script;
  for (int i = 0; i < 10; ++i)
    script.Write(1, 10 * i, 10 * i + 1, i).Read(2, 10 * i + 2, 10 * i + 3, i);
  script.Read(3, 200, 201, 4).Read(3, 300, 301, 9);
  Judgement judgement = script.Judged();
  EXPECT_EQ(judgement.verdict, Verdict::kBroken);
  EXPECT_NE(judgement.words.find("answer 21 of 22 cannot be explained"), std::string::npos)
      << judgement.words;
  EXPECT_NE(judgement.words.find("process 3: read -> 4"), std::string::npos) << judgement.words;
  EXPECT_NE(judgement.words.find("leaves the value 9"), std::string::npos) << judgement.words;
}

TEST(Linearizability, SaysThatItGaveUp) {
  Script script;
  for (int i = 0; i < 12; ++i) script.Write(i, 0, 100, i);
  script.Read(20, 200, 201, 99);
  Judgement judgement = Judge(Register(), script.calls, 500);
  EXPECT_EQ(judgement.verdict, Verdict::kGaveUp);
  EXPECT_NE(judgement.words.find("gave up after 500 steps"), std::string::npos) << judgement.words;
  EXPECT_EQ(Judge(Register(), script.calls).verdict, Verdict::kBroken);
}

TEST(Linearizability, JudgesEachKeyAlone) {
  std::map<std::string, Calls> calls;
  calls["a"] = Script().Write(1, 0, 1, 5).Read(2, 2, 3, 5).calls;
  calls["b"] = Script().Read(2, 2, 3, 0).calls;
  EXPECT_EQ(JudgeEach(Register(), calls).verdict, Verdict::kHolds);
  calls["b"] = Script().Read(2, 2, 3, 5).calls;
  Judgement judgement = JudgeEach(Register(), calls);
  EXPECT_EQ(judgement.verdict, Verdict::kBroken);
  EXPECT_TRUE(judgement.words.starts_with("b: ")) << judgement.words;
}

// Every order of every choice of the unknown calls.
bool CanBeExplained(const Calls& calls) {
  for (uint32_t chosen = 0; chosen < 1u << calls.size(); ++chosen) {
    std::vector<size_t> order;
    bool has_all_known = true;
    for (size_t i = 0; i < calls.size(); ++i) {
      if (chosen >> i & 1) order.push_back(i);
      has_all_known = has_all_known && ((chosen >> i & 1) || !calls[i].returned);
    }
    if (!has_all_known) continue;
    do {
      std::optional<int> state = 0;
      for (size_t at = 0; at < order.size() && state; ++at) {
        const auto& call = calls[order[at]];
        for (size_t later = at + 1; later < order.size(); ++later) {
          const auto& other = calls[order[later]];
          if (other.returned && *other.returned < call.invoked) state.reset();
        }
        if (state) {
          state = Register().Step(*state, call.input, call.output ? &*call.output : nullptr);
        }
      }
      if (state) return true;
    } while (std::ranges::next_permutation(order).found);
  }
  return false;
}

TEST(Linearizability, AgreesWithTryingEveryOrder) {
  int holds = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    sim::Chance chance(seed);
    Script script;
    auto count = chance.Between(2, 6);
    for (int64_t i = 0; i < count; ++i) {
      auto kind = static_cast<Register::Kind>(chance.Below(3));
      int64_t from = chance.Between(0, 12);
      int value = static_cast<int>(chance.Between(1, 2));
      if (kind != kRead && chance.Below(4) == 0) {
        script.Unknown(1, from, kind, value);
      } else {
        int output = static_cast<int>(kind == kCreate ? chance.Below(2) : chance.Below(3));
        script.Add(1, from, from + chance.Between(0, 6), kind, value, output);
      }
    }
    bool expected = CanBeExplained(script.calls);
    holds += expected ? 1 : 0;
    ASSERT_EQ(script.verdict() == Verdict::kHolds, expected) << "seed " << seed;
  }
  EXPECT_GT(holds, 500);
  EXPECT_LT(holds, 3500);
}

}  // namespace
}  // namespace weir::checker
