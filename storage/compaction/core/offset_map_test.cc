// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/offset_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "storage/compaction/core/key_hash.h"
#include "storage/compaction/core/throttle.h"

namespace weir::compaction {
namespace {

std::string HexOf(const KeyHash& hash) {
  std::string hex;
  for (uint64_t half : {hash.first, hash.second}) {
    for (int i = 0; i < 8; ++i) {
      constexpr char kDigits[] = "0123456789ABCDEF";
      auto byte = static_cast<uint8_t>(half >> (8 * i));
      hex.push_back(kDigits[byte >> 4]);
      hex.push_back(kDigits[byte & 15]);
    }
  }
  return hex;
}

// Made by: openssl mac -macopt hexkey:000102..0f -macopt size:16 -in <the bytes 0, 1, ...> SIPHASH
TEST(KeyHash, IsSipHashOf128Bits) {
  const std::map<size_t, std::string> known = {
      {0, "A3817F04BA25A8E66DF67214C7550293"},  {1, "DA87C1D86B99AF44347659119B22FC45"},
      {2, "8177228DA4A45DC7FCA38BDEF60AFFE4"},  {7, "A1F1EBBED8DBC153C0B84AA61FF08239"},
      {8, "3B62A9BA6258F5610F83E264F31497B4"},  {15, "5493E99933B0A8117E08EC0F97CFC3D9"},
      {16, "6EE2A4CA67B054BBFD3315BF85230577"}, {17, "473D06E8738DB89854C066C47AE47740"},
      {31, "2939B0183223FAFC1723DE4F52C43D35"}, {63, "5150D1772F50834A503E069A973FBD7C"},
  };
  KeyHasher hasher(0x0706050403020100, 0x0f0e0d0c0b0a0908);
  for (const auto& [size, hex] : known) {
    std::string key;
    for (size_t i = 0; i < size; ++i) key.push_back(static_cast<char>(i));
    EXPECT_EQ(HexOf(hasher.Of(key)), hex) << size;
  }
}

TEST(OffsetMap, RemembersTheLastOffsetOfEachKey) {
  std::mt19937_64 random(7);
  OffsetMap map(4096 * OffsetMap::kSlotBytes, KeyHasher(1, 2));
  std::map<std::string, Offset> model;
  for (int64_t offset = 0; offset < 20'000; ++offset) {
    std::string key = "key " + std::to_string(random() % 3000);
    ASSERT_TRUE(map.Put(key, Offset(offset)));
    model[key] = Offset(offset);
    EXPECT_EQ(map.size(), model.size());
  }
  for (int i = 0; i < 4000; ++i) {
    std::string key = "key " + std::to_string(i);
    auto found = model.find(key);
    auto latest = map.Latest(key);
    ASSERT_EQ(latest.has_value(), found != model.end());
    if (latest) EXPECT_EQ(*latest, found->second);
  }
}

TEST(OffsetMap, WhenFullTakesOnlyKeysThatItHas) {
  OffsetMap map(0, KeyHasher(1, 2));
  for (size_t i = 0; i < map.capacity(); ++i) {
    ASSERT_TRUE(map.Put(std::to_string(i), Offset(static_cast<int64_t>(i))));
  }
  EXPECT_FALSE(map.Put("another", Offset(1000)));
  EXPECT_EQ(map.Latest("another"), std::nullopt);
  EXPECT_TRUE(map.Put("0", Offset(1001)));
  EXPECT_EQ(map.Latest("0"), Offset(1001));
  for (size_t i = 1; i < map.capacity(); ++i) {
    EXPECT_EQ(map.Latest(std::to_string(i)), Offset(static_cast<int64_t>(i)));
  }
}

TEST(OffsetMap, TakesNoMoreMemoryThanItWasGiven) {
  for (size_t bytes : {size_t{2000}, size_t{1'000'000}, size_t{16} << 20}) {
    OffsetMap map(bytes, KeyHasher(1, 2));
    EXPECT_LE(map.bytes(), bytes);
    EXPECT_GE(map.capacity() * OffsetMap::kSlotBytes, bytes * 85 / 100);
  }
}

TEST(Throttle, LetsSoManyBytesGoInASecond) {
  Throttle throttle(1000);
  Instant now{0};
  int64_t gone = 0;
  while (now < Instant{} + std::chrono::seconds(10)) {
    now = now + throttle.Take(70, now);
    gone += 70;
  }
  EXPECT_NEAR(static_cast<double>(gone), 10'000, 200);
}

TEST(Throttle, DoesNotMakeUpForAPause) {
  Throttle throttle(1000);
  EXPECT_EQ(throttle.Take(50, {0}), Duration(0));
  Instant later = Instant{} + std::chrono::hours(1);
  EXPECT_EQ(throttle.Take(100, later), Duration(0));
  EXPECT_EQ(throttle.Take(500, later), std::chrono::milliseconds(500));
}

TEST(Throttle, WithoutALimitNeverWaits) {
  Throttle throttle(0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(throttle.Take(UINT64_MAX, {0}), Duration(0));
}

}  // namespace
}  // namespace weir::compaction
