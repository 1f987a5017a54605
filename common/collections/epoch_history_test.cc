// SPDX-License-Identifier: Apache-2.0
#include "common/collections/epoch_history.h"

#include <gtest/gtest.h>

#include <sstream>

#include "common/base/ids.h"

namespace weir {
namespace {

using History = EpochHistory<LeaderEpoch, Offset>;

History Make(std::initializer_list<std::pair<int, int>> runs) {
  History history;
  for (auto [epoch, start] : runs) history.Assign(LeaderEpoch(epoch), Offset(start));
  return history;
}

std::string Text(const History& history) {
  std::ostringstream out;
  out << history;
  return out.str();
}

TEST(EpochHistory, KeepsOneRunAnEpoch) {
  History history = Make({{1, 0}, {1, 5}, {3, 10}});
  EXPECT_EQ(Text(history), "1@0 3@10");
  EXPECT_EQ(history.EpochAt(Offset(9)), LeaderEpoch(1));
  EXPECT_EQ(history.EpochAt(Offset(10)), LeaderEpoch(3));
}

TEST(EpochHistory, AnEpochThatWroteNothingLeavesNoRun) {
  EXPECT_EQ(Text(Make({{1, 0}, {2, 10}, {3, 10}})), "1@0 3@10");
}

TEST(EpochHistory, EndsAnEpochWhereTheNextBegins) {
  History history = Make({{1, 0}, {3, 10}, {7, 20}});
  EXPECT_EQ(history.EndOf(LeaderEpoch(7), Offset(25))->end, Offset(25));
  EXPECT_EQ(history.EndOf(LeaderEpoch(3), Offset(25))->end, Offset(20));
  // An epoch that is not here answers for the largest below it.
  EXPECT_EQ(history.EndOf(LeaderEpoch(5), Offset(25)),
            (History::EpochEnd{LeaderEpoch(3), Offset(20)}));
  EXPECT_FALSE(history.EndOf(LeaderEpoch(0), Offset(25)));
}

TEST(EpochHistory, ForgetsWhatWasCut) {
  History history = Make({{1, 0}, {3, 10}, {7, 20}});
  history.TruncateTo(Offset(20));
  EXPECT_EQ(Text(history), "1@0 3@10");
  history.TruncateTo(Offset(0));
  EXPECT_EQ(history.latest(), std::nullopt);
}

TEST(EpochHistory, DropsWhatIsBeforeTheStart) {
  History history = Make({{1, 0}, {3, 10}, {7, 20}});
  history.DropBefore(Offset(15));
  EXPECT_EQ(Text(history), "3@15 7@20");
}

}  // namespace
}  // namespace weir
