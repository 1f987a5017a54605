// SPDX-License-Identifier: Apache-2.0
// Which epoch wrote which run of a log. Raft's terms and a partition's leader epochs are one idea:
// both come in runs, so a short vector of (epoch, first position) answers every question about
// where two logs part. Kafka's LeaderEpochFileCache is the model (KIP-101, KIP-279).
#pragma once

#include <glog/logging.h>

#include <optional>
#include <ostream>
#include <vector>

namespace weir {

// A value. Positions are those of entries; an end is one past the last.
template <class Epoch, class Position>
class EpochHistory {
 public:
  struct Run {
    Epoch epoch;
    Position start;
    bool operator==(const Run&) const = default;
  };
  struct EpochEnd {
    Epoch epoch;
    Position end;
    bool operator==(const EpochEnd&) const = default;
  };

  // Entries from `start` on are of `epoch`. The latest epoch again changes nothing.
  void Assign(Epoch epoch, Position start) {
    if (!runs_.empty() && runs_.back().epoch == epoch) return;
    if (!runs_.empty()) {
      CHECK_GT(epoch.value(), runs_.back().epoch.value());
      CHECK_GE(start.value(), runs_.back().start.value());
      // An epoch that wrote nothing leaves no run.
      if (runs_.back().start == start) runs_.pop_back();
    }
    runs_.push_back({epoch, start});
  }

  // Forgets all at and after `end`: the log was cut there.
  void TruncateTo(Position end) {
    while (!runs_.empty() && runs_.back().start >= end) runs_.pop_back();
  }

  // The log now begins at `start`: older runs go, and the one that holds it begins there.
  void DropBefore(Position start) {
    size_t first = 0;
    while (first + 1 < runs_.size() && runs_[first + 1].start <= start) ++first;
    runs_.erase(runs_.begin(), runs_.begin() + static_cast<ptrdiff_t>(first));
    if (!runs_.empty() && runs_.front().start < start) runs_.front().start = start;
  }

  std::optional<Epoch> latest() const {
    if (runs_.empty()) return std::nullopt;
    return runs_.back().epoch;
  }

  // The epoch of the entry at `position`; the caller knows that it is below the log's end.
  std::optional<Epoch> EpochAt(Position position) const {
    for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
      if (run->start <= position) return run->epoch;
    }
    return std::nullopt;
  }

  // The largest epoch that is at most `epoch`, and where it ends in a log that ends at `log_end`.
  std::optional<EpochEnd> EndOf(Epoch epoch, Position log_end) const {
    Position end = log_end;
    for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
      if (run->epoch <= epoch) return EpochEnd{run->epoch, end};
      end = run->start;
    }
    return std::nullopt;
  }

  const std::vector<Run>& runs() const { return runs_; }
  bool operator==(const EpochHistory&) const = default;

  friend std::ostream& operator<<(std::ostream& out, const EpochHistory& history) {
    const char* separator = "";
    for (const Run& run : history.runs_) {
      out << separator << run.epoch << '@' << run.start;
      separator = " ";
    }
    return out;
  }

 private:
  // Invariant: epochs and starts grow strictly.
  std::vector<Run> runs_;
};

}  // namespace weir
