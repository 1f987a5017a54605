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
  void Read(const std::string& reader, int64_t number, int64_t offset) {
    history.Read(reader, kPartition, Offset(offset), "k", ValueOf({"k", number}));
  }
  bool SaysThat(const std::string& words) {
    for (const std::string& line : history.Judge()) {
      if (line.find(words) != std::string::npos) return true;
    }
    return false;
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

TEST(History, LetsALaterRecordOfItsKeyTakeTheOnesPlace) {
  Fixture f;
  f.history.AllowCompaction();
  for (int i = 0; i < 4; ++i) f.Send(i);
  f.Find(1, 1);
  f.Find(3, 3);
  EXPECT_TRUE(f.history.Judge().empty()) << f.history.Judge()[0];
}

TEST(History, FindsTheLastRecordOfAKeyLost) {
  Fixture f;
  f.history.AllowCompaction();
  for (int i = 0; i < 4; ++i) f.Send(i);
  f.Find(1, 1);
  f.Find(2, 2);
  EXPECT_TRUE(f.SaysThat("k#3 was acknowledged at partition 2 offset 3 and is lost"));
}

TEST(History, LetsBeForgottenWhatIsOldEnough) {
  Fixture f;
  f.history.AllowForgetting(std::chrono::seconds(5));
  const Instant begin{};
  for (int i = 0; i < 3; ++i) {
    f.history.Sent({"k", i}, begin + std::chrono::seconds(i));
    f.history.Acknowledged({"k", i}, kPartition, Offset(i));
  }
  f.Find(2, 2);
  EXPECT_TRUE(f.history.Judge(begin + std::chrono::seconds(6)).empty());
  auto too_early = f.history.Judge(begin + std::chrono::milliseconds(5900));
  ASSERT_EQ(too_early.size(), 1u);
  EXPECT_NE(too_early[0].find("k#1 was acknowledged"), std::string::npos) << too_early[0];
}

TEST(History, FindsWhatIsForgottenOutOfTurn) {
  Fixture f;
  f.history.AllowForgetting(std::chrono::seconds(5));
  for (int i = 0; i < 3; ++i) f.Send(i);
  f.Find(0, 0);
  f.Find(2, 2);
  auto wrong = f.history.Judge(Instant() + std::chrono::seconds(60));
  ASSERT_EQ(wrong.size(), 2u);
  EXPECT_NE(wrong[0].find("has nothing from offset 1 to 2"), std::string::npos) << wrong[0];
  EXPECT_NE(wrong[1].find("k#1 was acknowledged"), std::string::npos) << wrong[1];
}

TEST(History, LetsBeLostWhatWasNotPromised) {
  Fixture f;
  f.history.AllowLoss();
  f.Send(0);
  EXPECT_TRUE(f.history.Judge().empty());
}

TEST(History, LetsNothingBeOutOfOrderThoughItMayBeLost) {
  Fixture f;
  f.history.AllowLoss();
  for (int i = 0; i < 3; ++i) f.Send(i);
  f.Find(2, 2);
  EXPECT_TRUE(f.history.Judge().empty());
  f.Find(1, 3);
  EXPECT_TRUE(f.SaysThat("number 1 stands after 2"));
  f.Find(2, 4);
  EXPECT_TRUE(f.SaysThat("k#2 is there 2 times"));
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

TEST(History, FindsAHoleInTheLog) {
  Fixture f;
  for (int i = 0; i < 3; ++i) f.Send(i, false);
  f.Find(0, 4);
  EXPECT_TRUE(f.history.Judge().empty()) << "a log may begin anywhere";
  f.Find(2, 6);
  EXPECT_TRUE(f.SaysThat("has nothing from offset 5 to 6"));
}

TEST(Reading, IsWellWhenEveryReaderSeesAllThatStays) {
  Fixture f;
  for (int i = 0; i < 3; ++i) f.Send(i);
  for (const char* reader : {"a", "b"}) {
    for (int i = 0; i < 3; ++i) {
      f.history.Told(reader, kPartition, Offset(i + 1));
      f.Read(reader, i, i);
    }
  }
  for (int i = 0; i < 3; ++i) f.Find(i, i);
  EXPECT_TRUE(f.history.Judge().empty());
  EXPECT_EQ(f.history.read(), 6u);
}

TEST(Reading, FindsWhatNobodyHasSentYet) {
  Fixture f;
  f.Read("a", 0, 0);
  f.Send(0);
  f.Find(0, 0);
  EXPECT_TRUE(f.SaysThat("holds what nobody wrote"));
}

TEST(Reading, FindsASkippedOffset) {
  Fixture f;
  for (int i = 0; i < 3; ++i) f.Send(i);
  f.Read("a", 0, 0);
  f.Read("a", 2, 2);
  EXPECT_TRUE(f.SaysThat("offset 2 came too early: 1 was next"));
}

TEST(Reading, FindsAnOffsetThatCameAgain) {
  Fixture f;
  for (int i = 0; i < 2; ++i) f.Send(i);
  f.Read("a", 0, 0);
  f.Read("a", 1, 1);
  f.Read("a", 1, 1);
  EXPECT_TRUE(f.SaysThat("offset 1 came again, or late: 2 was next"));
}

TEST(Reading, FindsTwoReadersWhoSawDifferentThings) {
  Fixture f;
  for (int i = 0; i < 2; ++i) f.Send(i, false);
  f.Read("a", 0, 0);
  f.Read("b", 1, 0);
  EXPECT_TRUE(f.SaysThat("b read k#1 at partition 2 offset 0, where another had read k#0"));
}

TEST(Reading, FindsADuplicate) {
  Fixture f;
  f.Send(0, false);
  f.Read("a", 0, 0);
  f.Read("a", 0, 1);
  EXPECT_TRUE(f.SaysThat("a read k#0 at 1, and it had been read at 0"));
}

TEST(Reading, FindsThatTheHighWatermarkFell) {
  Fixture f;
  f.history.Told("a", kPartition, Offset(7));
  f.history.Told("b", kPartition, Offset(5));
  EXPECT_TRUE(f.history.Judge().empty());
  f.history.Told("a", kPartition, Offset(6));
  EXPECT_TRUE(f.SaysThat("fell from 7 to 6"));
}

TEST(Reading, FindsWhatIsHandedOutAboveTheHighWatermark) {
  Fixture f;
  for (int i = 0; i < 2; ++i) f.Send(i, false);
  f.history.Told("a", kPartition, Offset(1));
  f.Read("a", 0, 0);
  EXPECT_TRUE(f.history.Judge().empty());
  f.Read("a", 1, 1);
  EXPECT_TRUE(f.SaysThat("offset 1 was handed out with a high watermark of 1"));
}

TEST(Reading, FindsWhatWasReadAndIsGone) {
  Fixture f;
  for (int i = 0; i < 2; ++i) f.Send(i, false);
  f.Read("a", 0, 0);
  f.Read("a", 1, 1);
  f.Find(0, 0);
  EXPECT_TRUE(f.SaysThat("k#1 was read at partition 2 offset 1 and is lost"));
}

TEST(Reading, FindsWhatWasReadAndIsAnother) {
  Fixture f;
  for (int i = 0; i < 2; ++i) f.Send(i, false);
  f.Read("a", 0, 0);
  f.Find(1, 0);
  EXPECT_TRUE(f.SaysThat("holds k#1, where a reader had read k#0"));
}

TEST(Reading, HoldsLittleAgainstATopicThatMayLoseWhatIsCommitted) {
  Fixture f;
  f.history.AllowReadLoss();
  for (int i = 0; i < 2; ++i) f.Send(i);
  f.Read("a", 0, 0);
  f.Read("a", 1, 0);
  f.history.Told("a", kPartition, Offset(7));
  f.history.Told("a", kPartition, Offset(1));
  f.Find(1, 0);
  EXPECT_FALSE(f.SaysThat("lost"));
  EXPECT_FALSE(f.SaysThat("fell"));
  EXPECT_FALSE(f.SaysThat("came"));
  EXPECT_TRUE(f.SaysThat("k#1 was acknowledged at 1 and lies at 0"));
}

}  // namespace
}  // namespace weir::checker
