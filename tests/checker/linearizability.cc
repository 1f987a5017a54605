// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/linearizability.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <tuple>

namespace weir::checker {
namespace {

constexpr size_t kLastCallsShown = 12;

// The begin or the end of a call, in a list from which placed calls are lifted out.
struct Event {
  Instant when;
  bool is_return = false;
  size_t call = 0;
  size_t next = 0;
  size_t previous = 0;
};

// One way to place calls one after the other, as far as it came.
struct Path {
  std::vector<size_t> order;
  size_t state = 0;
};

struct Found {
  Verdict verdict = Verdict::kHolds;
  size_t steps = 0;
  Path furthest;
};

class Search {
 public:
  // Knows only what was known when `known_until` had passed: later calls had not begun, and what
  // returned later had an outcome that nobody knew yet.
  Search(const NumberedCalls& calls, Instant known_until, size_t steps_max)
      : calls_(calls), known_until_(known_until), steps_max_(steps_max) {
    MakeList();
  }

  Found Run() {
    size_t at = events_[0].next;
    while (returns_left_ > 0) {
      if (++found_.steps > steps_max_) {
        found_.verdict = Verdict::kGaveUp;
        return found_;
      }
      const Event& event = events_[at];
      if (event.is_return) {
        // A call has ended that could be placed nowhere before: an earlier choice was wrong.
        if (path_.order.empty()) {
          found_.verdict = Verdict::kBroken;
          return found_;
        }
        at = TakeBack();
      } else {
        at = Place(event.call) ? events_[0].next : event.next;
      }
    }
    return found_;
  }

 private:
  bool IsKnown(size_t call) const {
    const auto& returned = calls_.spans[call].returned;
    return returned && *returned <= known_until_;
  }

  void MakeList() {
    events_.push_back({});
    std::vector<Event> events;
    for (size_t call = 0; call < calls_.spans.size(); ++call) {
      const auto& span = calls_.spans[call];
      if (span.invoked > known_until_) continue;
      events.push_back({span.invoked, false, call});
      if (!IsKnown(call)) continue;
      events.push_back({*span.returned, true, call});
      ++returns_left_;
    }
    // What ends when something else begins overlaps with it: begins come first.
    std::ranges::sort(events, {}, [](const Event& event) {
      return std::tuple(event.when, event.is_return, event.call);
    });
    events_.insert(events_.end(), events.begin(), events.end());
    invoked_at_.resize(calls_.spans.size());
    returned_at_.resize(calls_.spans.size());
    for (size_t i = 0; i < events_.size(); ++i) {
      events_[i].next = (i + 1) % events_.size();
      events_[i].previous = (i + events_.size() - 1) % events_.size();
      if (i > 0) (events_[i].is_return ? returned_at_ : invoked_at_)[events_[i].call] = i;
    }
    placed_.resize((calls_.spans.size() + 63) / 64);
  }

  void LiftOut(size_t at) {
    events_[events_[at].previous].next = events_[at].next;
    events_[events_[at].next].previous = events_[at].previous;
  }
  void PutBack(size_t at) {
    events_[events_[at].previous].next = at;
    events_[events_[at].next].previous = at;
  }

  bool Place(size_t call) {
    auto after = calls_.step(path_.state, call, IsKnown(call));
    if (!after) return false;
    placed_[call / 64] ^= uint64_t{1} << call % 64;
    // The same calls, placed in another order with the same result, were tried before.
    if (!tried_.emplace(*after, placed_).second) {
      placed_[call / 64] ^= uint64_t{1} << call % 64;
      return false;
    }
    states_before_.push_back(path_.state);
    path_.order.push_back(call);
    path_.state = *after;
    LiftOut(invoked_at_[call]);
    if (IsKnown(call)) {
      LiftOut(returned_at_[call]);
      --returns_left_;
    }
    if (returns_left_ < fewest_left_) {
      fewest_left_ = returns_left_;
      found_.furthest = path_;
    }
    return true;
  }

  // Undoes the last placement; returns where to go on.
  size_t TakeBack() {
    size_t call = path_.order.back();
    path_.order.pop_back();
    path_.state = states_before_.back();
    states_before_.pop_back();
    placed_[call / 64] ^= uint64_t{1} << call % 64;
    if (IsKnown(call)) {
      PutBack(returned_at_[call]);
      ++returns_left_;
    }
    PutBack(invoked_at_[call]);
    return events_[invoked_at_[call]].next;
  }

  const NumberedCalls& calls_;
  const Instant known_until_;
  const size_t steps_max_;
  // A ring; the first is no event, but where it begins and ends.
  std::vector<Event> events_;
  std::vector<size_t> invoked_at_;
  std::vector<size_t> returned_at_;
  size_t returns_left_ = 0;
  size_t fewest_left_ = SIZE_MAX;

  Path path_;
  std::vector<size_t> states_before_;
  // A bit for each call.
  std::vector<uint64_t> placed_;
  std::set<std::pair<size_t, std::vector<uint64_t>>> tried_;
  Found found_;
};

std::string Seconds(Instant when) {
  std::ostringstream out;
  out.precision(6);
  out << std::fixed << static_cast<double>(when.ns) * 1e-9 << 's';
  return out.str();
}

std::string Line(const NumberedCalls& calls, size_t call, bool with_output) {
  const auto& span = calls.spans[call];
  return "[" + Seconds(span.invoked) + " " + (span.returned ? Seconds(*span.returned) : "...") +
         "] process " + std::to_string(span.process) + ": " +
         calls.describe_call(call, with_output);
}

std::string Explain(const NumberedCalls& calls, const Path& path) {
  std::string words =
      "\n  one way to explain what was before leaves " + calls.describe_state(path.state);
  size_t first = path.order.size() - std::min(path.order.size(), kLastCallsShown);
  if (first > 0) words += "\n    ... " + std::to_string(first) + " calls, then";
  for (size_t i = first; i < path.order.size(); ++i) {
    words += "\n    " + Line(calls, path.order[i], true);
  }
  return words;
}

// What else may have happened before the call returned, and was not placed.
std::string Beside(const NumberedCalls& calls, const Path& path, size_t beside) {
  std::string words;
  size_t shown = 0;
  for (size_t call = 0; call < calls.spans.size(); ++call) {
    const auto& span = calls.spans[call];
    bool is_placed = std::ranges::find(path.order, call) != path.order.end();
    if (call == beside || is_placed || span.invoked > *calls.spans[beside].returned) continue;
    if (++shown > kLastCallsShown) return words + "\n    ...";
    words += (shown == 1 ? "\n  under way meanwhile\n    " : "\n    ") +
             Line(calls, call, span.returned.has_value());
  }
  return words;
}

// The calls in the order of their ends.
std::vector<size_t> ByReturn(const NumberedCalls& calls) {
  std::vector<size_t> order;
  for (size_t call = 0; call < calls.spans.size(); ++call) {
    if (calls.spans[call].returned) order.push_back(call);
  }
  std::ranges::sort(order, {},
                    [&](size_t call) { return std::pair(*calls.spans[call].returned, call); });
  return order;
}

// Names the first answer with which there is no explanation any more: what is explained at a time
// was explained at all times before.
std::string WhereBroken(const NumberedCalls& calls, size_t steps_max, size_t* steps) {
  std::vector<size_t> order = ByReturn(calls);
  size_t good = 0;
  size_t bad = order.size();
  Path path;
  while (good < bad) {
    size_t middle = good + (bad - good) / 2;
    Search search(calls, *calls.spans[order[middle]].returned, steps_max);
    Found found = search.Run();
    *steps += found.steps;
    if (found.verdict == Verdict::kBroken) {
      bad = middle;
      path = found.furthest;
    } else {
      good = middle + 1;
    }
  }
  size_t call = order[std::min(bad, order.size() - 1)];
  return "answer " + std::to_string(bad + 1) + " of " + std::to_string(order.size()) +
         " cannot be explained:\n  " + Line(calls, call, true) + Explain(calls, path) +
         Beside(calls, path, call);
}

}  // namespace

Judgement JudgeNumbered(const NumberedCalls& calls, size_t steps_max) {
  for (const auto& span : calls.spans) CHECK(!span.returned || span.invoked <= *span.returned);
  Found found = Search(calls, Instant::Never(), steps_max).Run();
  Judgement judgement{found.verdict, found.steps, ""};
  if (found.verdict == Verdict::kGaveUp) {
    judgement.words = "gave up after " + std::to_string(found.steps - 1) + " steps, with " +
                      std::to_string(found.furthest.order.size()) + " of " +
                      std::to_string(calls.spans.size()) + " calls placed" +
                      Explain(calls, found.furthest);
  } else if (found.verdict == Verdict::kBroken) {
    judgement.words = WhereBroken(calls, steps_max, &judgement.steps);
  }
  return judgement;
}

}  // namespace weir::checker
