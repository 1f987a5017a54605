// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/offset_checkpoint.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::broker {
namespace {

const TopicId kTopic{Uuid::FromRandom(3, 4)};

TEST(OffsetCheckpoint, ReadsWhatItWrote) {
  const OffsetCheckpoint written = {{{kTopic, PartitionIndex(0)}, Offset(0)},
                                    {{kTopic, PartitionIndex(17)}, Offset(1ll << 60)}};
  auto read = CheckpointOf(TextOf(written));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, written);
  EXPECT_TRUE(CheckpointOf(TextOf({}))->empty());
}

TEST(OffsetCheckpoint, IsLaidOutAsKafkaDoes) {
  EXPECT_EQ(TextOf({{{kTopic, PartitionIndex(2)}, Offset(5)}}),
            "0\n1\n" + kTopic.ToString() + " 2 5\n");
}

TEST(OffsetCheckpoint, IsRefusedWhereItIsNotWhole) {
  const std::string topic = kTopic.ToString();
  const std::vector<std::string> spoilt = {
      "",
      "1\n0\n",
      "0\n",
      "0\nmany\n",
      "0\n-1\n",
      "0\n2\n" + topic + " 0 5\n",
      "0\n1\n" + topic + " 0 5",
      "0\n1\n" + topic + " 0\n",
      "0\n1\n" + topic + " 0 -5\n",
      "0\n1\n" + topic + " 0 5 7\n",
      "0\n1\nx 0 5\n",
      "0\n2\n" + topic + " 0 5\n" + topic + " 0 6\n",
      "0\n1\n" + topic + " 0 5\nmore",
  };
  for (const std::string& text : spoilt) {
    auto read = CheckpointOf(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().kind, Error::Kind::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace weir::broker
