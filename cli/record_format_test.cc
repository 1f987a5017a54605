// SPDX-License-Identifier: Apache-2.0
#include "cli/record_format.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

std::string Printed(std::string_view text, const client::ReadRecord& record) {
  auto format = RecordFormat::Parse(text);
  EXPECT_TRUE(format) << format.error();
  std::string out;
  if (format) format->Print(out, "orders", PartitionIndex(4), record);
  return out;
}

TEST(RecordFormat, PrintsEveryField) {
  client::ReadRecord record{.offset = Offset(17),
                            .timestamp = WallTime{1234},
                            .key = Bytes::FromString("k"),
                            .value = Bytes::FromString("value")};
  EXPECT_EQ(Printed("%t/%p/%o %k=%v (%s bytes at %T) 100%%\\n", record),
            "orders/4/17 k=value (5 bytes at 1234) 100%\n");
}

TEST(RecordFormat, PrintsNothingForNoKeyAndNoValue) {
  EXPECT_EQ(Printed("[%k][%v]%s\\t\\\\", {}), "[][]0\t\\");
}

TEST(RecordFormat, RefusesUnknownEscapes) {
  EXPECT_FALSE(RecordFormat::Parse("%x"));
  EXPECT_FALSE(RecordFormat::Parse("%"));
  EXPECT_FALSE(RecordFormat::Parse("\\q"));
}

}  // namespace
}  // namespace weir::cli
