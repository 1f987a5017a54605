// SPDX-License-Identifier: Apache-2.0
#include "common/identity/process_id.h"

#include <gtest/gtest.h>

namespace weir::identity {
namespace {

TEST(ProcessId, IsTheNumberGiven) {
  EXPECT_EQ(ProcessId("7", "any"), 7);
  EXPECT_EQ(ProcessId("0", "any"), 0);
}

TEST(ProcessId, AutoIsTheEndOfTheHostsName) {
  EXPECT_EQ(ProcessId("auto", "weir-nodes-2"), 2);
  EXPECT_EQ(ProcessId("auto", "a-1-12"), 12);
}

TEST(ProcessId, SaysWhatWouldBeRight) {
  for (const char* flag : {"", "-1", "seven", "7x", "99999999999"}) {
    auto id = ProcessId(flag, "host-1");
    ASSERT_FALSE(id) << flag;
    EXPECT_NE(id.error().message.find("number"), std::string::npos);
  }
  EXPECT_NE(ProcessId("auto", "laptop").error().message.find("laptop"), std::string::npos);
}

}  // namespace
}  // namespace weir::identity
