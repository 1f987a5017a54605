// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/high_watermarks.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/sim/world.h"

namespace weir::broker {
namespace {

using std::chrono::seconds;

const PartitionId kOne{TopicId(Uuid::FromRandom(3, 4)), PartitionIndex(0)};
const PartitionId kTwo{TopicId(Uuid::FromRandom(3, 4)), PartitionIndex(1)};

class OfADirectory : public testing::Test {
 protected:
  // A new life of the node, which has read what there is.
  void Start() {
    process_.Start([&](host::Host host) {
      auto made = std::make_shared<HighWatermarks>(host);
      marks_ = made.get();
      marks_->Read([this] { has_read_ = true; });
      return made;
    });
    has_read_ = false;
    ASSERT_TRUE(world_.RunUntil([&] { return has_read_; }));
  }
  void Watch() {
    marks_->Watch([this] { return now_; });
  }

  sim::World world_{1};
  sim::Process& process_ = world_.AddProcess("node");
  HighWatermarks* marks_ = nullptr;
  OffsetCheckpoint now_;
  bool has_read_ = false;
};

TEST_F(OfADirectory, KnowsNothingAtFirst) {
  Start();
  EXPECT_EQ(marks_->Of(kOne), Offset(0));
}

TEST_F(OfADirectory, AreThereAfterAPowerLoss) {
  Start();
  Watch();
  now_ = {{kOne, Offset(5)}, {kTwo, Offset(7)}};
  world_.RunFor(seconds(6));
  process_.PowerLoss();
  Start();
  EXPECT_EQ(marks_->Of(kOne), Offset(5));
  EXPECT_EQ(marks_->Of(kTwo), Offset(7));
}

TEST_F(OfADirectory, AreWrittenOnlyWhereTheyHaveMoved) {
  Start();
  Watch();
  now_ = {{kOne, Offset(5)}};
  world_.RunFor(seconds(6));
  const uint64_t before = process_.disk().operations();
  world_.RunFor(seconds(20));
  EXPECT_EQ(process_.disk().operations(), before);
  now_[kOne] = Offset(6);
  world_.RunFor(seconds(6));
  EXPECT_GT(process_.disk().operations(), before);
}

TEST_F(OfADirectory, AStopWritesThemAtOnce) {
  Start();
  Watch();
  now_ = {{kOne, Offset(5)}};
  bool done = false;
  marks_->Write([&] { done = true; });
  ASSERT_TRUE(world_.RunUntil([&] { return done; }, seconds(1)));
  process_.Kill();
  Start();
  EXPECT_EQ(marks_->Of(kOne), Offset(5));
}

TEST_F(OfADirectory, WhatWasNotOpenedYetIsNotForgotten) {
  Start();
  Watch();
  now_ = {{kOne, Offset(5)}};
  world_.RunFor(seconds(6));
  process_.Kill();
  Start();
  bool done = false;
  marks_->Write([&] { done = true; });
  ASSERT_TRUE(world_.RunUntil([&] { return done; }, seconds(1)));
  process_.Kill();
  Start();
  EXPECT_EQ(marks_->Of(kOne), Offset(5));
}

TEST_F(OfADirectory, AreLearntAnewWhereTheFileIsSpoilt) {
  Start();
  Watch();
  now_ = {{kOne, Offset(5)}};
  world_.RunFor(seconds(6));
  process_.Kill();
  process_.disk().CorruptByte(kHighWatermarksFile, 0);
  Start();
  EXPECT_EQ(marks_->Of(kOne), Offset(0));
}

}  // namespace
}  // namespace weir::broker
