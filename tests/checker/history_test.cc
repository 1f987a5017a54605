// SPDX-License-Identifier: Apache-2.0
// The checker is only as good as what it finds: each test plants one anomaly.
#include "tests/checker/history.h"

#include <gtest/gtest.h>

namespace weir::checker {
namespace {

constexpr PartitionIndex kPartition{2};

struct Fixture {
  History history;

  void Send(int64_t number, bool acknowledge = true) {
    Written record{"k", number};
    history.Sent(record);
    if (acknowledge) history.Acknowledged(record, kPartition, Offset(number));
  }
  void Find(int64_t number, int64_t offset) {
    history.Found(kPartition, Offset(offset), "k", ValueOf({"k", number}));
  }
};

TEST(History, AllIsWellWhenAllIsThere) {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.Send(i);
  for (int i = 0; i < 5; ++i) f.Find(i, i);
  EXPECT_TRUE(f.history.Judge().empty());
}

TEST(History, WhatWasNotAcknowledgedMayBeThereOrNot) {
  Fixture f;
  f.Send(0);
  f.Send(1, false);
  f.Find(0, 0);
  EXPECT_TRUE(f.history.Judge().empty());
  f.Find(1, 1);
  EXPECT_TRUE(f.history.Judge().empty());
}

TEST(History, FindsALostRecord) {
  Fixture f;
  f.Send(0);
  ASSERT_EQ(f.history.Judge().size(), 1u);
  EXPECT_NE(f.history.Judge()[0].find("lost"), std::string::npos);
}

TEST(History, LetsBeLostWhatWasNotPromised) {
  Fixture f;
  f.history.AllowLoss();
  f.Send(0);
  EXPECT_TRUE(f.history.Judge().empty());
}

TEST(History, FindsADuplicateEvenOfWhatWasNotAcknowledged) {
  Fixture f;
  f.Send(0, false);
  f.Find(0, 0);
  f.Find(0, 1);
  EXPECT_FALSE(f.history.Judge().empty());
}

TEST(History, FindsReordering) {
  Fixture f;
  f.Send(0, false);
  f.Send(1, false);
  f.Find(1, 0);
  f.Find(0, 1);
  EXPECT_FALSE(f.history.Judge().empty());
}

TEST(History, FindsAChangedValue) {
  Fixture f;
  f.Send(0, false);
  std::string value = ValueOf({"k", 0});
  value.back() ^= 1;
  f.history.Found(kPartition, Offset(0), "k", value);
  EXPECT_FALSE(f.history.Judge().empty());
}

TEST(History, FindsWhatNobodyWrote) {
  Fixture f;
  f.Find(7, 0);
  EXPECT_FALSE(f.history.Judge().empty());
}

TEST(History, FindsAnotherOffsetThanTheAcknowledgedOne) {
  Fixture f;
  f.Send(0);
  f.Find(0, 3);
  EXPECT_FALSE(f.history.Judge().empty());
}

TEST(History, FindsAReaderThatGoesBack) {
  Fixture f;
  f.Send(0, false);
  f.Send(1, false);
  f.Find(0, 5);
  f.Find(1, 4);
  EXPECT_FALSE(f.history.Judge().empty());
}

}  // namespace
}  // namespace weir::checker
