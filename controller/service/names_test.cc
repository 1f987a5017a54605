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

TEST(Names, FindsThePartition) {
  EXPECT_EQ(PartitionIn("topics/a.b/partitions/7"), (PartitionOf{"a.b", PartitionIndex(7)}));
  for (const char* bad : {"", "topics/a", "topics//partitions/1", "topics/a/partitions/",
                          "topics/a/partitions/x", "topics/a/partitions/-1", "a/partitions/1"}) {
    EXPECT_FALSE(PartitionIn(bad)) << bad;
  }
}

TEST(Names, FindsTheFeature) {
  EXPECT_EQ(FeatureIn("features/metadata"), "metadata");
  for (const char* bad : {"", "features/", "metadata"}) EXPECT_FALSE(FeatureIn(bad)) << bad;
}

TEST(Names, ARequestIdHas16BytesOrNone) {
  EXPECT_FALSE(RequestIdIn("")->has_value());
  EXPECT_TRUE(RequestIdIn(std::string(16, 'x'))->has_value());
  for (size_t length : {1u, 15u, 17u}) EXPECT_FALSE(RequestIdIn(std::string(length, 'x')));
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
