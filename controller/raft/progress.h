// SPDX-License-Identifier: Apache-2.0
// What a leader knows of another member's log.
#pragma once

#include <deque>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::raft {

struct Progress {
  // Invariant: match < next.
  LogIndex match;
  LogIndex next;

  // Probing, one message is out at a time, until an answer shows where the logs agree.
  // Else entries are streamed ahead of the answers, a bounded number of messages.
  bool probing = true;
  bool probe_sent = false;
  // What it lacks is no longer in the log: it is offered a snapshot, and sent no entries until it
  // has one. Invariant: then it is being probed.
  bool needs_snapshot = false;
  // The last index of each message under way, ascending.
  std::deque<LogIndex> in_flight;

  Instant last_heard;
  int64_t round = 0;

  // What was under way may be lost. While probing, `next` is where the search stands.
  void Probe() {
    needs_snapshot = false;
    if (!probing) next = match + 1;
    probing = true;
    probe_sent = false;
    in_flight.clear();
  }

  // The voter has all up to `index`. False if that was known.
  bool Matched(LogIndex index) {
    while (!in_flight.empty() && in_flight.front() <= index) in_flight.pop_front();
    bool grew = index > match;
    if (grew) match = index;
    if (next <= match) next = match + 1;
    // An accepted message shows that the logs agree before `next`.
    if (probing && (grew || probe_sent)) {
      probing = false;
      probe_sent = false;
    }
    return grew;
  }

  bool operator==(const Progress&) const = default;
};

}  // namespace weir::raft
