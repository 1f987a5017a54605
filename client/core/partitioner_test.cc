// SPDX-License-Identifier: Apache-2.0
#include "client/core/partitioner.h"

#include <gtest/gtest.h>

namespace weir::client {
namespace {

// The values of Kafka's own UtilsTest.testMurmur2.
TEST(Murmur2, HashesAsKafkaDoes) {
  EXPECT_EQ(static_cast<int32_t>(Murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")),
            -58897971);
  EXPECT_EQ(static_cast<int32_t>(Murmur2("abc")), 479470107);
}

TEST(PartitionOfKey, StaysWithinThePartitions) {
  for (int i = 0; i < 1000; ++i) {
    PartitionIndex index = PartitionOfKey(std::to_string(i), 7);
    EXPECT_GE(index, PartitionIndex(0));
    EXPECT_LT(index, PartitionIndex(7));
  }
}

}  // namespace
}  // namespace weir::client
