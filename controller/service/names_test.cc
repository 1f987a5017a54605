// SPDX-License-Identifier: Apache-2.0
#include "controller/service/names.h"

#include <gtest/gtest.h>

namespace weir::service {
namespace {

TEST(Names, FindsTheTopic) {
  EXPECT_EQ(TopicIn("topics/a.b"), "a.b");
  for (const char* bad : {"", "topics/", "topic/a", "a"}) EXPECT_FALSE(TopicIn(bad)) << bad;
}

TEST(Names, FindsTheNode) {
  EXPECT_EQ(NodeIn("nodes/3"), NodeId(3));
  for (const char* bad : {"", "nodes/", "nodes/-1", "nodes/x", "nodes/3x", "nodes/99999999999"}) {
    EXPECT_FALSE(NodeIn(bad)) << bad;
  }
}

TEST(Names, FindsWhoseConfigs) {
  EXPECT_TRUE(std::holds_alternative<ClusterConfigs>(*ConfigTargetIn("configs/cluster")));
  EXPECT_EQ(std::get<TopicConfigs>(*ConfigTargetIn("configs/topics/t")).topic, "t");
  EXPECT_EQ(std::get<NodeConfigs>(*ConfigTargetIn("configs/nodes/4")).node, NodeId(4));
  for (const char* bad : {"", "configs/", "configs/nodes/x", "configs/topics/", "cluster"}) {
    EXPECT_FALSE(ConfigTargetIn(bad)) << bad;
  }
}

TEST(Names, PagesFollowEachOther) {
  EXPECT_EQ(PageOf(0, "")->size, 100u);
  EXPECT_EQ(PageOf(7, TokenAfter("orders"))->after, "orders");
  EXPECT_FALSE(PageOf(-1, ""));
  EXPECT_FALSE(PageOf(1001, ""));
  EXPECT_FALSE(PageOf(1, "made up"));
}

}  // namespace
}  // namespace weir::service
