// SPDX-License-Identifier: Apache-2.0
#include "cli/moment.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

constexpr WallTime kNow{1'000'000'000};

TEST(Moment, IsReadInAllItsForms) {
  const std::pair<const char*, int64_t> kForms[] = {{"0", 0},
                                                    {"1714571100250", 1714571100250},
                                                    {"1970-01-02", 86'400'000},
                                                    {"2024-05-01T13:45:00Z", 1714571100000},
                                                    {"2024-05-01T13:45Z", 1714571100000},
                                                    {"2024-05-01T13:45:00.250Z", 1714571100250},
                                                    {"2024-05-01T15:45:00+02:00", 1714571100000},
                                                    {"2024-05-01T09:15:00-04:30", 1714571100000},
                                                    {"-1s", kNow.ms - 1000},
                                                    {"-5ms", kNow.ms - 5},
                                                    {"-90m", kNow.ms - 5'400'000},
                                                    {"-2h", kNow.ms - 7'200'000},
                                                    {"-1d", kNow.ms - 86'400'000}};
  for (const auto& [text, ms] : kForms) {
    auto moment = ParseMoment(text, kNow);
    ASSERT_TRUE(moment) << text;
    EXPECT_EQ(moment->ms, ms) << text;
  }
}

TEST(Moment, IsRefusedWithWordsThatSayWhatWouldBeRight) {
  for (const char* text :
       {"", "-", "yesterday", "-5", "-5x", "-1.5h", "2024-13-01", "2024-02-30", "2024-05-01T",
        "2024-05-01T25:00:00Z", "2024-05-01T13:45:00", "2024-05-01T13:45:00.1Z", "12x", "--5m",
        "2024-05-01T13:45:00Zx", "99999999999999999999", "-99999999999999999d"}) {
    auto moment = ParseMoment(text, kNow);
    ASSERT_FALSE(moment) << text;
    EXPECT_NE(moment.error().message.find("-90m"), std::string::npos);
  }
}

TEST(Moment, IsWrittenAsItIsRead) {
  for (int64_t ms : {int64_t{0}, int64_t{1714571100250}, int64_t{951'782'400'001}}) {
    const std::string text = FormatMoment(WallTime{ms});
    auto moment = ParseMoment(text, kNow);
    ASSERT_TRUE(moment) << text;
    EXPECT_EQ(moment->ms, ms);
  }
  EXPECT_EQ(FormatMoment(WallTime{1714571100250}), "2024-05-01T13:45:00.250Z");
}

}  // namespace
}  // namespace weir::cli
