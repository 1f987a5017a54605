// SPDX-License-Identifier: Apache-2.0
// Which storage nodes are there, as the active controller sees it: soft state, never logged, told
// by sessions that open, speak and break. Silence counts only while this process ran itself. Pure:
// the owner calls Expire at NextDeadline, and asks for it anew after every call that is not const.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/metadata/image.h"

namespace weir::decide {

class Liveness {
 public:
  struct Config {
    // A session that is silent so long is over.
    Duration lease = std::chrono::seconds(3);
    // What a node has to come back after its session broke.
    Duration grace = std::chrono::milliseconds(150);
    // What every unfenced node has to find a new active controller, or one that slept.
    Duration reconnect_window = std::chrono::seconds(1);
    // While nodes are known, calls are no further apart than this: else a sleep that ends before
    // anything is due would count as silence of the nodes.
    Duration pulse = std::chrono::milliseconds(500);
    // Called later than this after NextDeadline, the process did not run meanwhile.
    Duration slack = std::chrono::milliseconds(250);
  };

  Liveness() : Liveness(Config()) {}
  explicit Liveness(Config config);

  // A new active controller: whatever was known is forgotten, and each unfenced node of `image` has
  // one reconnect window.
  void Activate(const metadata::Image& image, Instant now);

  // Sessions are numbered in the order in which they open. A newer one supersedes the older, of
  // which nothing means anything from then on.
  void Opened(NodeId node, uint64_t session, Instant now);
  void Heard(NodeId node, uint64_t session, Instant now);
  // The grace begins. Of a session that was superseded, or is newer than the open one and broke
  // before it was admitted (it had ended the open one), too.
  void Broken(NodeId node, uint64_t session, Instant now);

  // Its session is open and was heard within the lease.
  bool IsAlive(NodeId node, Instant now) const;

  // The nodes whose grace, lease or window is over, ascending. Each is told once and forgotten:
  // only a new session brings it back, so the owner ends the one that a silent node may still hold.
  std::vector<NodeId> Expire(Instant now);

  // Never if no node is known.
  Instant NextDeadline() const;
  Duration lease() const { return config_.lease; }

 private:
  enum class Hold {
    kAwaited,  // Known from the image, not heard of since.
    kOpen,
    kBroken,
  };
  struct Known {
    Hold hold = Hold::kAwaited;
    // 0: none yet.
    uint64_t session = 0;
    Instant deadline;
  };

  bool Slept(Instant now) const;
  // Begins every call: if the process slept, whatever runs out runs anew from here.
  void Wake(Instant now);
  Duration TimeOf(Hold hold) const;
  void Put(NodeId node, Hold hold, uint64_t session, Instant now);

  const Config config_;
  std::map<NodeId, Known> nodes_;
  // Invariant: holds exactly the deadlines of nodes_.
  std::set<std::pair<Instant, NodeId>> deadlines_;
  // The latest call.
  Instant called_;
  // Nothing runs out before this: after a sleep the nodes have yet to find this process again.
  Instant earliest_;
};

}  // namespace weir::decide
