// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"

namespace weir::decide {
namespace {

// As Kafka's.
constexpr int64_t kBlock = 1000;

}  // namespace

Decision Decide(const metadata::Image& tip, const AllocateProducerIds& command, Now) {
  const metadata::Node* node = tip.nodes.Find(command.node);
  if (!node || node->epoch != command.epoch) {
    return RefuseDecision(ErrorCode::kStaleBrokerEpoch, "the asking node has registered again");
  }
  metadata::ProducerIds block{command.node, command.epoch, tip.producer_ids.next,
                              tip.producer_ids.next + kBlock};
  Draft draft(tip);
  draft.Add(metadata::ToRecord(block));
  return std::move(draft).Finish(ProducerIdsAllocated{block.first, block.next});
}

}  // namespace weir::decide
