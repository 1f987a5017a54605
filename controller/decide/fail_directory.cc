// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/decisions.h"
#include "controller/decide/draft.h"

namespace weir::decide {

Decision Decide(const metadata::Image& tip, const FailDirectory& command, Now) {
  const metadata::Node* known = tip.nodes.Find(command.node);
  if (!known || known->epoch != command.epoch) {
    return RefuseDecision(ErrorCode::kStaleBrokerEpoch, "the reporting node has registered again");
  }
  if (std::ranges::count(known->directories, command.directory) == 0) {
    return RefuseDecision(ErrorCode::kLogDirNotFound, "the node has not registered a directory " +
                                                          command.directory.ToString());
  }
  Draft draft(tip);
  if (!Leave(draft, {.node = command.node, .directory = command.directory})) {
    return std::move(draft).Finish(DecidedInPart{});
  }
  if (known->Offers(command.directory)) {
    metadata::Node node = *known;
    node.failed_directories.push_back(command.directory);
    draft.Add(metadata::ToRecord(node));
  }
  return std::move(draft).Finish(Decided{});
}

}  // namespace weir::decide
