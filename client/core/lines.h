// SPDX-License-Identifier: Apache-2.0
// What is under way to each leader, so that batches gather while it is busy, and go at once when it
// is not: the time of a round trip sets the pace, and batches grow with the load. Pure.
#pragma once

#include <cstdint>
#include <map>

#include "common/base/ids.h"

namespace weir::client {

class Lines {
 public:
  // All that is ready in one turn goes to a leader that was idle when the turn began.
  void BeginTurn() { ++turn_; }
  bool IsIdle(NodeId leader) const {
    auto line = lines_.find(leader);
    return line == lines_.end() || line->second.unanswered == 0 || line->second.busy_since == turn_;
  }

  void Sent(NodeId leader) {
    Line& line = lines_[leader];
    if (line.unanswered++ == 0) line.busy_since = turn_;
  }
  // Or no longer waited for.
  void Answered(NodeId leader) {
    auto line = lines_.find(leader);
    if (--line->second.unanswered == 0) lines_.erase(line);
  }

 private:
  struct Line {
    int64_t unanswered = 0;
    uint64_t busy_since = 0;
  };

  std::map<NodeId, Line> lines_;
  uint64_t turn_ = 0;
};

}  // namespace weir::client
