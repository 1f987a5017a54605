// SPDX-License-Identifier: Apache-2.0
#include "cli/quantity.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

TEST(ParseBytes, TakesWhatPeopleWrite) {
  EXPECT_EQ(ParseBytes("1000").value_or(-1), 1000);
  EXPECT_EQ(ParseBytes("3MB").value_or(-1), 3000000);
  EXPECT_EQ(ParseBytes("3MB/s").value_or(-1), 3000000);
  EXPECT_EQ(ParseBytes("64KiB").value_or(-1), 65536);
  EXPECT_EQ(ParseBytes("1.5M").value_or(-1), 1500000);
}

TEST(ParseBytes, RefusesTheRestAndSaysWhatWouldBeRight) {
  for (const char* text : {"", "MB", "-3MB", "3 apples", "nan", "1e30", "inf"}) {
    EXPECT_FALSE(ParseBytes(text)) << text;
  }
  EXPECT_EQ(ParseBytes("x").error().message,
            "'x' is no amount of bytes: write 500KB, 3MB or 64KiB");
}

TEST(FormatBytes, IsShort) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(62345678), "62.3 MB");
}

TEST(ParseEndpoints, SplitsAtCommas) {
  auto endpoints = ParseEndpoints("a:1,[::1]:9092");
  ASSERT_TRUE(endpoints);
  EXPECT_EQ(*endpoints, (std::vector<std::string>{"a:1", "[::1]:9092"}));
}

TEST(ParseEndpoints, RefusesWhatHasNoPort) {
  for (const char* text : {"", ",", "host", "host:", ":1", "host:0", "host:65536", "host:1x"}) {
    EXPECT_FALSE(ParseEndpoints(text)) << text;
  }
}

TEST(ParseSetting, SplitsAtTheFirstEqualsSign) {
  auto setting = ParseSetting("a.b=c=d");
  ASSERT_TRUE(setting);
  EXPECT_EQ(setting->first, "a.b");
  EXPECT_EQ(setting->second, "c=d");
  EXPECT_FALSE(ParseSetting("=x"));
  EXPECT_FALSE(ParseSetting("x"));
}

}  // namespace
}  // namespace weir::cli
