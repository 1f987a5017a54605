// SPDX-License-Identifier: Apache-2.0
// Judges the source tree that this test was built from, one test a rule.
#include <gtest/gtest.h>

#include "tests/tidy/rule.h"

namespace weir::tidy {
namespace {

// A test's files are links into the source tree; the README's stands at the root.
const Tree& SourceTree() {
  static const Tree tree = ReadTree(std::filesystem::canonical("README.md").parent_path());
  return tree;
}

class Tidy : public testing::TestWithParam<Rule> {};

TEST_P(Tidy, Holds) {
  const Rule& rule = GetParam();
  for (const Finding& finding : rule.judge(SourceTree())) {
    std::string where = finding.path;
    if (finding.line > 0) where += ":" + std::to_string(finding.line);
    ADD_FAILURE() << where << ": " << finding.what << "\n  because: " << rule.why;
  }
}

INSTANTIATE_TEST_SUITE_P(Tree, Tidy, testing::ValuesIn(AllRules()),
                         [](const auto& tested) { return tested.param.name; });

TEST(SourceTree, IsTheWholeOne) {
  EXPECT_TRUE(SourceTree().contains("tests/tidy/tidy_test.cc"));
  EXPECT_TRUE(SourceTree().contains("WORKSPACE"));
  EXPECT_TRUE(SourceTree().contains("common/base/ids.h"));
}

}  // namespace
}  // namespace weir::tidy
