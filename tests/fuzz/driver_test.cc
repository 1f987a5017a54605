// SPDX-License-Identifier: Apache-2.0
// The driver finds what is planted: a fuzz test that cannot fail is none.
#include "tests/fuzz/driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "tests/fuzz/mutation.h"

namespace weir::fuzz {
namespace {

// A length byte, and so many bytes.
std::string Counted(const std::string& text) {
  return std::string(1, static_cast<char>(text.size())) + text;
}

Target Reading(std::function<void(std::string_view)> feed) {
  return {.seeds = {Counted("one"), Counted("twenty bytes of text")}, .feed = std::move(feed)};
}

TEST(Driver, FindsWhoBelievesALengthThatLies) {
  Target target = Reading([](std::string_view bytes) {
    if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) > bytes.size()) std::abort();
  });
  EXPECT_DEATH(Drive(target, {}), "crashed by input [0-9]+: give --seed=1 --only=");
}

TEST(Driver, FindsWhoMakesRoomForWhatIsOnlyPromised) {
  Target target = Reading([](std::string_view bytes) {
    if (bytes.empty()) return;
    std::vector<char> room(static_cast<size_t>(static_cast<uint8_t>(bytes[0])) << 20);
    ASSERT_NE(room.data(), bytes.data());
  });
  target.bytes_max = 30 << 20;
  auto wrong = Drive(target, {});
  ASSERT_TRUE(wrong);
  EXPECT_NE(wrong->find("bytes of memory"), std::string::npos) << *wrong;
}

TEST(Driver, LeavesWhoIsCarefulAlone) {
  int fed = 0;
  Target target = Reading([&](std::string_view) { ++fed; });
  EXPECT_EQ(Drive(target, {}), std::nullopt);
  EXPECT_EQ(fed, target.inputs);
  EXPECT_EQ(Drive(target, {.only = 7}), std::nullopt);
  EXPECT_EQ(fed, target.inputs + 1);
}

TEST(Mutation, ComesBackTheSameAndHardlyEverTwice) {
  std::vector<std::string> seeds = {std::string(100, 'a'), std::string(50, 'b')};
  std::set<std::string> seen;
  for (uint64_t number = 0; number < 2000; ++number) {
    std::string input = InputOf(seeds, 3, number);
    EXPECT_EQ(InputOf(seeds, 3, number), input);
    seen.insert(input);
  }
  EXPECT_EQ(InputOf(seeds, 3, 1), seeds[1]);
  EXPECT_GT(seen.size(), 1500u);
  EXPECT_NE(InputOf(seeds, 3, 77), InputOf(seeds, 4, 77));
}

}  // namespace
}  // namespace weir::fuzz
