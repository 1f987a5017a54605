// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/nearest_replica.h"

#include <gtest/gtest.h>

namespace weir::broker {
namespace {

// Nodes 1 and 4 stand in "a", 2 and 5 in "b", 3 in no rack.
std::string RackOf(NodeId node) {
  if (node == NodeId(3)) return "";
  return node.value() % 3 == 1 ? "a" : "b";
}

std::optional<NodeId> Nearest(const std::string& rack, int leader,
                              std::map<NodeId, Offset> in_sync) {
  return NearestReplica(rack, NodeId(leader), in_sync, RackOf);
}

TEST(NearestReplica, IsInTheRackOfWhoAsks) {
  EXPECT_EQ(Nearest("b", 1, {{NodeId(2), Offset(5)}, {NodeId(4), Offset(9)}}), NodeId(2));
}

TEST(NearestReplica, IsTheLeaderIfThatIsAsNear) {
  EXPECT_EQ(Nearest("a", 1, {{NodeId(4), Offset(9)}}), std::nullopt);
}

TEST(NearestReplica, IsTheLeaderIfNobodyIsNear) {
  EXPECT_EQ(Nearest("c", 1, {{NodeId(2), Offset(5)}}), std::nullopt);
  EXPECT_EQ(Nearest("b", 1, {}), std::nullopt);
  EXPECT_EQ(Nearest("", 1, {{NodeId(3), Offset(5)}}), std::nullopt) << "no rack is not a rack";
}

TEST(NearestReplica, IsTheOneThatHasMost) {
  EXPECT_EQ(Nearest("b", 1, {{NodeId(2), Offset(5)}, {NodeId(5), Offset(6)}}), NodeId(5));
  EXPECT_EQ(Nearest("b", 1, {{NodeId(2), Offset(6)}, {NodeId(5), Offset(6)}}), NodeId(2));
}

}  // namespace
}  // namespace weir::broker
