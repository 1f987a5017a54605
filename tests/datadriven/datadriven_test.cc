// SPDX-License-Identifier: Apache-2.0
#include "tests/datadriven/datadriven.h"

#include <gtest/gtest.h>

namespace weir::datadriven {
namespace {

TEST(DataDriven, ReadsWordsNumbersAndValues) {
  Command command = ParseCommand("append  2 end=10 isr=(1 2 3) to=x", "here:1");
  EXPECT_EQ(command.name, "append");
  EXPECT_EQ(command.Number(0), 2);
  EXPECT_EQ(command.NumberOf("end"), 10);
  EXPECT_EQ(command.Value("isr"), "1 2 3");
  EXPECT_EQ(command.Value("absent", "y"), "y");
  EXPECT_EQ(command.words.size(), 1u);
}

TEST(DataDriven, ReplacesWhatWasExpectedAndKeepsTheRest) {
  int sum = 0;
  Handlers handlers{{"add",
                     [&](const Command& command) {
                       sum += static_cast<int>(command.Number(0));
                       return "";
                     }},
                    {"show", [&](const Command&) { return std::to_string(sum); }}};
  EXPECT_EQ(Rewritten("t", "# Sums.\nadd 1\n----\nold\nlines\n\nadd 2\nshow\n----\n", handlers),
            "# Sums.\nadd 1\n----\nok\n\nadd 2\nshow\n----\n3\n");
}

TEST(DataDriven, StopsAtACommandThatNobodyKnows) {
  EXPECT_DEATH(Rewritten("t", "fly\n----\n", {}), "t:1: no command \"fly\"");
}

}  // namespace
}  // namespace weir::datadriven
