// SPDX-License-Identifier: Apache-2.0
#include "cli/partition_words.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

TEST(PartitionWords, NameAPartition) {
  EXPECT_EQ(*ParsePartition("orders/0"), (PartitionWord{"orders", 0}));
  EXPECT_EQ(*ParsePartition("a.b-c/17"), (PartitionWord{"a.b-c", 17}));
  EXPECT_EQ(ParsePartition("orders/0")->name(), "topics/orders/partitions/0");
  EXPECT_EQ(ShortName("topics/orders/partitions/0"), "orders/0");
  EXPECT_EQ(ShortName("nodes/1"), "nodes/1");
}

TEST(PartitionWords, SayWhereItIsToLie) {
  EXPECT_EQ(*ParseMove("orders/0=1,2,3"), (MoveWord{{"orders", 0}, {1, 2, 3}}));
  EXPECT_EQ(*ParseMove("orders/2=7"), (MoveWord{{"orders", 2}, {7}}));
}

TEST(PartitionWords, ThatAreNoneAreRefusedWithAnExample) {
  for (const char* word : {"", "orders", "/0", "orders/", "orders/x", "orders/-1", "orders/0x"}) {
    auto parsed = ParsePartition(word);
    ASSERT_FALSE(parsed) << word;
    EXPECT_NE(parsed.error().message.find("orders/0"), std::string::npos);
  }
  for (const char* word : {"orders/0", "orders/0=", "orders/0=1,", "orders/0=,1", "orders/0=a",
                           "orders=1", "=1", "orders/0=1;2"}) {
    EXPECT_FALSE(ParseMove(word)) << word;
  }
}

}  // namespace
}  // namespace weir::cli
