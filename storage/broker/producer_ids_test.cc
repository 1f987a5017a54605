// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/producer_ids.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::broker {
namespace {

struct Fixture {
  int asked = 0;
  std::vector<int64_t> given;
  ProducerIds ids{[this] { ++asked; }};

  void Take() {
    ids.Next([this](Answer<ProducerId> id) { given.push_back(id ? id->value() : -1); });
  }
};

TEST(ProducerIds, AsksOnceForAllWhoWait) {
  Fixture f;
  f.Take();
  f.Take();
  EXPECT_EQ(f.asked, 1);
  f.ids.Granted(ProducerId(1000), ProducerId(2000));
  EXPECT_EQ(f.given, (std::vector<int64_t>{1000, 1001}));
  f.Take();
  EXPECT_EQ(f.asked, 1);
  EXPECT_EQ(f.given.back(), 1002);
}

TEST(ProducerIds, AsksForMoreWhenABlockIsUsedUp) {
  Fixture f;
  f.Take();
  f.ids.Granted(ProducerId(0), ProducerId(1));
  f.Take();
  EXPECT_EQ(f.asked, 2);
  f.ids.Granted(ProducerId(5000), ProducerId(5001));
  EXPECT_EQ(f.given, (std::vector<int64_t>{0, 5000}));
}

TEST(ProducerIds, RepeatsALostQuestion) {
  Fixture f;
  f.ids.AskAgain();
  EXPECT_EQ(f.asked, 0);
  f.Take();
  f.ids.AskAgain();
  EXPECT_EQ(f.asked, 2);
}

TEST(ProducerIds, RefusesWithoutEnd) {
  Fixture f;
  for (int i = 0; i < 1001; ++i) f.Take();
  EXPECT_EQ(f.given, (std::vector<int64_t>{-1}));
}

}  // namespace
}  // namespace weir::broker
