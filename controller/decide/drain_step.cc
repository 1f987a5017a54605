// SPDX-License-Identifier: Apache-2.0
// The next step of emptying nodes: what they lead moves first, then their replicas, a bounded
// number of partitions at a time.
#include <algorithm>
#include <optional>
#include <sstream>

#include "common/metadata/placement.h"
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"
#include "controller/decide/move.h"

namespace weir::decide {
namespace {

using metadata::Image;
using metadata::Partition;
using metadata::Replica;

class Step {
 public:
  Step(const Image& tip, const DrainStep& command) : tip_(tip), command_(command), draft_(tip) {
    for (const auto& [id, node] : tip.nodes) {
      if (node.is_draining()) draining_.push_back(id);
    }
  }

  Decision Run() && {
    if (draining_.empty()) return {std::nullopt, outcome_};
    if (!HandOver()) return std::move(draft_).Finish(DecidedInPart{});
    std::vector<PartitionId> waiting = Count();
    for (const PartitionId& id : waiting) {
      if (outcome_.moving >= command_.moving_max || draft_.is_full()) break;
      MoveOff(id);
    }
    return std::move(draft_).Finish(std::move(outcome_));
  }

 private:
  bool Drains(NodeId node) const { return std::ranges::binary_search(draining_, node); }

  // False if some are left for the next part.
  bool HandOver() {
    for (const auto& [id, known] : tip_.partitions) {
      if (!Drains(known.leader)) continue;
      if (draft_.is_full()) return false;
      draft_.Change(id, Elect(known, RulesFor(tip_, id, known)));
    }
    return true;
  }

  // Fills in the outcome; the partitions that are yet to move.
  std::vector<PartitionId> Count() {
    std::vector<PartitionId> waiting;
    for (const auto& [id, known] : tip_.partitions) {
      bool waits = false;
      bool leaves = false;
      for (const Replica& replica : known.replicas) {
        if (!Drains(replica.node)) continue;
        ++outcome_.replicas_left;
        (known.IsLeaving(replica.node) ? leaves : waits) = true;
      }
      if (waits) {
        waiting.push_back(id);
      } else if (leaves && CanArrive(known)) {
        ++outcome_.moving;
      }
    }
    return waiting;
  }

  // Who waits for a node that is away takes nobody's turn.
  bool CanArrive(const Partition& partition) const {
    return partition.leader != kNoNode && std::ranges::all_of(partition.adding, [&](NodeId id) {
             const metadata::Node* node = tip_.nodes.Find(id);
             return node && node->is_active();
           });
  }

  void MoveOff(const PartitionId& id) {
    const Partition known = *draft_.image().partitions.Find(id);
    if (known.leader == kNoNode) return Stuck(id, "nobody leads it, so no other node can catch up");
    if (!relocation_) relocation_.emplace(tip_);
    std::vector<Replica> target = TargetOf(known);
    std::vector<Replica> kept = target;
    std::erase_if(kept, [&](const Replica& replica) { return Drains(replica.node); });
    bool moves = false;
    for (Replica& replica : target) {
      if (!Drains(replica.node)) continue;
      auto other = relocation_->Next(id, known, kept);
      if (!other) continue;
      replica = *other;
      kept.push_back(*other);
      moves = true;
    }
    if (!moves) {
      return Stuck(id, "every node that is active and not draining has a replica of it already");
    }
    auto moved = Moved(draft_.image(), id, known, std::move(target));
    if (!moved) return Stuck(id, moved.error().message);
    draft_.Change(id, *std::move(moved));
    ++outcome_.moving;
  }

  void Stuck(const PartitionId& id, const std::string& why) {
    if (outcome_.stuck++ > 0) return;
    std::ostringstream words;
    words << tip_.topics.Find(id.topic)->name << '/' << id.index << ": " << why;
    outcome_.why_stuck = words.str();
  }

  const Image& tip_;
  const DrainStep& command_;
  Draft draft_;
  // Ascending.
  std::vector<NodeId> draining_;
  std::optional<metadata::Relocation> relocation_;
  DrainStepped outcome_;
};

}  // namespace

Decision Decide(const Image& tip, const DrainStep& command, Now) {
  return Step(tip, command).Run();
}

}  // namespace weir::decide
