// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/clean_ends.h"

#include <gtest/gtest.h>

namespace weir::compaction {
namespace {

const TopicId kTopic(Uuid::FromRandom(1, 2));

TEST(CleanEnds, IsKafkasText) {
  CleanEnds ends = {{{kTopic, PartitionIndex(0)}, Offset(42)},
                    {{kTopic, PartitionIndex(7)}, Offset(1'234'567'890'123)}};
  std::string id = kTopic.ToString();
  EXPECT_EQ(EncodeCleanEnds(ends), "0\n2\n" + id + " 0 42\n" + id + " 7 1234567890123\n");
  EXPECT_EQ(DecodeCleanEnds(EncodeCleanEnds(ends)), ends);
  EXPECT_EQ(DecodeCleanEnds(EncodeCleanEnds({})), CleanEnds());
}

TEST(CleanEnds, RefusesWhatIsNotWhole) {
  CleanEnds ends = {{{kTopic, PartitionIndex(0)}, Offset(42)},
                    {{kTopic, PartitionIndex(7)}, Offset(43)}};
  std::string text = EncodeCleanEnds(ends);
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(DecodeCleanEnds(text.substr(0, size)), std::nullopt) << size;
  }
  std::string id = kTopic.ToString();
  for (const std::string& wrong :
       {"1\n0\n", "0\n-1\n", "0\n0\n\n", "0\n1\nx 0 1\n", "0\n1\n", "0\n1\n  \n"}) {
    EXPECT_EQ(DecodeCleanEnds(wrong), std::nullopt) << wrong;
  }
  for (const std::string& wrong : {" 0", " 0 -1", " -1 0", " 0 1 2", " 0 1x", "  0 1", ""}) {
    EXPECT_EQ(DecodeCleanEnds("0\n1\n" + id + wrong + "\n"), std::nullopt) << wrong;
  }
  EXPECT_EQ(DecodeCleanEnds("0\n2\n" + id + " 0 1\n" + id + " 0 2\n"), std::nullopt);
}

}  // namespace
}  // namespace weir::compaction
