// SPDX-License-Identifier: Apache-2.0
#include "common/base/uuid.h"

#include <gtest/gtest.h>

#include "common/base/ids.h"

namespace weir {
namespace {

TEST(Uuid, TextRoundTrips) {
  Uuid uuid = Uuid::FromRandom(0x0123456789abcdef, 0xfedcba9876543210);
  EXPECT_EQ(uuid.ToString().size(), 22u);
  EXPECT_EQ(Uuid::Parse(uuid.ToString()), uuid);
  EXPECT_EQ(Uuid::FromBytes(uuid.ToBytes()), uuid);
}

TEST(Uuid, NilIsTwentyTwoAs) { EXPECT_EQ(Uuid{}.ToString(), "AAAAAAAAAAAAAAAAAAAAAA"); }

TEST(Uuid, RefusesWhatIsNoIdentity) {
  EXPECT_FALSE(Uuid::Parse(""));
  EXPECT_FALSE(Uuid::Parse("AAAAAAAAAAAAAAAAAAAAA"));   // Short.
  EXPECT_FALSE(Uuid::Parse("AAAAAAAAAAAAAAAAAAAA=="));  // Padded.
  EXPECT_FALSE(Uuid::Parse("AAAAAAAAAAAAAAAAAAAAAB"));  // Stray low bits.
  EXPECT_FALSE(Uuid::FromBytes("fifteen bytes.."));
}

TEST(Uuid, RandomOnesAreVersionFour) {
  EXPECT_EQ(Uuid::FromRandom(~0ull, ~0ull).bytes[6] >> 4, 4);
  EXPECT_EQ(Uuid::FromRandom(0, 0).bytes[8] >> 6, 2);
}

}  // namespace
}  // namespace weir
