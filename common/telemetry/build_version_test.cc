// SPDX-License-Identifier: Apache-2.0
#include "common/telemetry/build_version.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir {
namespace {

TEST(BuildVersion, IsThreeNumbers) {
  std::string_view version = BuildVersion();
  EXPECT_EQ(std::ranges::count(version, '.'), 2);
  EXPECT_EQ(version.find_first_not_of("0123456789."), std::string_view::npos);
}

TEST(BuildVersion, IsPartOfTheDescription) {
  EXPECT_TRUE(DescribeBuild().starts_with("weir " + std::string(BuildVersion()) + " ("));
}

}  // namespace
}  // namespace weir
