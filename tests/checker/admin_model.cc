// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/admin_model.h"

#include <algorithm>
#include <sstream>

namespace weir::checker {
namespace {

using How = AdminModel::Output::How;
using Kind = AdminModel::Input::Kind;
using State = AdminModel::State;

void Apply(const AdminModel::Input& input, AdminModel::Configs& configs) {
  for (const auto& [key, value] : input.set) configs[key] = value;
  for (const std::string& key : input.reset) configs.erase(key);
}

// The topic with what an answer says of it; nothing if it says something else than is known.
std::optional<State> Fit(State state, const AdminModel::Output& output) {
  State::Topic& topic = *state.topic;
  if (output.id) {
    if (topic.id ? *topic.id != *output.id : state.past.contains(*output.id)) return std::nullopt;
    topic.id = output.id;
  }
  if (output.partitions && *output.partitions != topic.partitions) return std::nullopt;
  if (output.configs && *output.configs != topic.configs) return std::nullopt;
  return state;
}

std::string_view NameOf(Kind kind) {
  switch (kind) {
    case Kind::kCreate:
      return "create";
    case Kind::kDelete:
      return "delete";
    case Kind::kGrow:
      return "grow";
    case Kind::kConfigure:
      return "configure";
    case Kind::kGet:
      return "get";
    case Kind::kGetConfigs:
      return "get configs";
  }
  return "?";
}

std::string_view NameOf(How how) {
  switch (how) {
    case How::kDone:
      return "done";
    case How::kNoTopic:
      return "no such topic";
    case How::kTopicExists:
      return "it exists";
    case How::kTooFew:
      return "it has as many already";
    case How::kRefused:
      return "refused";
  }
  return "?";
}

void Put(std::ostream& out, const AdminModel::Configs& configs) {
  for (const auto& [key, value] : configs) out << ' ' << key << '=' << value;
}

}  // namespace

std::optional<State> AdminModel::Step(const State& state, const Input& input,
                                      const Output* output) const {
  if (output && output->how == How::kRefused) return state;
  switch (input.kind) {
    case Kind::kCreate:
      return Create(state, input, output);
    case Kind::kDelete:
      return Delete(state, output);
    case Kind::kGrow:
    case Kind::kConfigure:
      return Change(state, input, output);
    case Kind::kGet:
    case Kind::kGetConfigs:
      return output ? Read(state, *output) : state;
  }
  return std::nullopt;
}

std::optional<State> AdminModel::Create(const State& state, const Input& input,
                                        const Output* output) const {
  if (output && output->how != (state.topic ? How::kTopicExists : How::kDone)) return std::nullopt;
  if (state.topic) return state;
  State after = state;
  after.topic = State::Topic{std::nullopt, input.partitions, {}};
  Apply(input, after.topic->configs);
  return output ? Fit(std::move(after), *output) : after;
}

std::optional<State> AdminModel::Delete(const State& state, const Output* output) const {
  if (output && output->how != (state.topic ? How::kDone : How::kNoTopic)) return std::nullopt;
  if (!state.topic) return state;
  State after = state;
  if (after.topic->id) after.past.insert(*after.topic->id);
  after.topic.reset();
  return after;
}

std::optional<State> AdminModel::Change(const State& state, const Input& input,
                                        const Output* output) const {
  How how = How::kDone;
  if (!state.topic) {
    how = How::kNoTopic;
  } else if (input.kind == Kind::kGrow && input.partitions <= state.topic->partitions) {
    how = How::kTooFew;
  }
  if (output && output->how != how) return std::nullopt;
  if (how != How::kDone) return state;
  State after = state;
  if (input.kind == Kind::kGrow) after.topic->partitions = input.partitions;
  Apply(input, after.topic->configs);
  return output ? Fit(std::move(after), *output) : after;
}

std::optional<State> AdminModel::Read(const State& state, const Output& output) const {
  if (output.how != (state.topic ? How::kDone : How::kNoTopic)) return std::nullopt;
  return state.topic ? Fit(state, output) : state;
}

std::string AdminModel::Describe(const State& state) const {
  if (!state.topic) return "no topic";
  std::ostringstream out;
  out << "a topic ";
  if (state.topic->id) {
    out << *state.topic->id;
  } else {
    out << "of unknown id";
  }
  out << " with " << state.topic->partitions << " partitions";
  Put(out, state.topic->configs);
  return out.str();
}

std::string AdminModel::Describe(const Input& input, const Output* output) const {
  std::ostringstream out;
  out << NameOf(input.kind);
  if (input.partitions > 0) out << " partitions=" << input.partitions;
  Put(out, input.set);
  for (const std::string& key : input.reset) out << " -" << key;
  if (!output) {
    out << " -> nobody knows";
    return out.str();
  }
  out << " -> " << NameOf(output->how);
  if (output->id) out << ' ' << *output->id;
  if (output->partitions) out << " partitions=" << *output->partitions;
  if (output->configs) Put(out, *output->configs);
  return out.str();
}

void AdminHistory::Add(const std::string& topic, Call call) {
  ++size_;
  if (!call.output) ++unknown_;
  calls_[topic].push_back(std::move(call));
}

void AdminHistory::Told(Instant asked, Instant told, LogIndex index) {
  spoken_.push_back({asked, told, index});
}

std::optional<std::string> AdminHistory::WhereIndexFell() const {
  std::vector<const Spoken*> by_asked;
  std::vector<const Spoken*> by_told;
  for (const Spoken& spoken : spoken_) {
    by_asked.push_back(&spoken);
    by_told.push_back(&spoken);
  }
  std::ranges::sort(by_asked, {}, [](const Spoken* s) { return std::pair(s->asked, s->index); });
  std::ranges::sort(by_told, {}, [](const Spoken* s) { return std::pair(s->told, s->index); });
  const Spoken* highest = nullptr;
  auto told = by_told.begin();
  for (const Spoken* spoken : by_asked) {
    for (; told != by_told.end() && (*told)->told < spoken->asked; ++told) {
      if (!highest || (*told)->index > highest->index) highest = *told;
    }
    if (!highest || spoken->index >= highest->index) continue;
    std::ostringstream words;
    words << "an answer asked for at " << spoken->asked << " speaks of metadata index "
          << spoken->index << ", and one told at " << highest->told << " spoke of "
          << highest->index;
    return words.str();
  }
  return std::nullopt;
}

Judgement AdminHistory::Judge(size_t steps_max) const {
  Judgement judgement = JudgeEach(AdminModel(), calls_, steps_max);
  if (judgement.verdict == Verdict::kBroken) return judgement;
  if (auto fell = WhereIndexFell()) {
    judgement.verdict = Verdict::kBroken;
    judgement.words = *fell;
  }
  return judgement;
}

}  // namespace weir::checker
