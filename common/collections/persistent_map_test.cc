// SPDX-License-Identifier: Apache-2.0
#include "common/collections/persistent_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace weir {
namespace {

using Map = PersistentMap<int, std::string>;
using Model = std::map<int, std::string>;

Model ToModel(const Map& map) {
  Model model;
  for (const auto& [key, value] : map) model.emplace(key, value);
  return model;
}

// The difference of two models, as text.
std::string DiffOf(const Model& before, const Model& after) {
  std::map<int, std::string> lines;
  for (const auto& [key, value] : before) {
    auto found = after.find(key);
    if (found == after.end()) lines[key] = "-" + value;
    else if (found->second != value) lines[key] = value + ">" + found->second;
  }
  for (const auto& [key, value] : after) {
    if (!before.contains(key)) lines[key] = "+" + value;
  }
  std::string text;
  for (const auto& [key, line] : lines) text += std::to_string(key) + line + " ";
  return text;
}

std::string DiffOf(const Map& before, const Map& after) {
  std::string text;
  Map::Diff(before, after, [&](int key, const std::string* old_value, const std::string* value) {
    text += std::to_string(key);
    if (old_value && value) text += *old_value + ">" + *value;
    else if (value) text += "+" + *value;
    else text += "-" + *old_value;
    text += " ";
  });
  return text;
}

void ExpectSame(const Map& map, const Model& model) {
  ASSERT_EQ(map.size(), model.size());
  ASSERT_EQ(ToModel(map), model);
  for (int key = -1; key <= 101; ++key) {
    auto found = model.find(key);
    const std::string* value = map.Find(key);
    ASSERT_EQ(value != nullptr, found != model.end());
    if (value) ASSERT_EQ(*value, found->second);
    auto bound = model.lower_bound(key);
    auto map_bound = map.LowerBound(key);
    ASSERT_EQ(map_bound == map.end(), bound == model.end());
    if (bound != model.end()) ASSERT_EQ(map_bound->first, bound->first);
    ASSERT_EQ(map.Rank(key), static_cast<size_t>(std::distance(model.begin(), bound)));
  }
}

TEST(PersistentMap, BehavesAsAStdMapWhoseOldCopiesStay) {
  std::mt19937 chance(7);
  std::vector<std::pair<Map, Model>> history(1);
  for (int step = 0; step < 2000; ++step) {
    auto [map, model] = history[chance() % history.size()];
    int key = static_cast<int>(chance() % 101);
    if (chance() % 3 == 0) {
      ASSERT_EQ(map.Erase(key), model.erase(key) == 1);
    } else {
      std::string value(1, static_cast<char>('a' + chance() % 3));
      map.Set(key, value);
      model[key] = value;
    }
    if (history.size() < 50) history.emplace_back(map, model);
    else history[chance() % history.size()] = {map, model};
    const auto& other = history[chance() % history.size()];
    ASSERT_EQ(DiffOf(other.first, map), DiffOf(other.second, model));
    ASSERT_EQ(other.first == map, other.second == model);
    if (step % 20 == 0) ExpectSame(map, model);
  }
  for (const auto& [map, model] : history) ExpectSame(map, model);
}

TEST(PersistentMap, IsEqualWhateverTheOrderOfItsMaking) {
  Map up, down;
  for (int i = 0; i < 100; ++i) up.Set(i, "x");
  for (int i = 120; i >= 0; --i) down.Set(i, "x");
  EXPECT_FALSE(up == down);
  for (int i = 100; i <= 120; ++i) down.Erase(i);
  EXPECT_TRUE(up == down);
}

// Counts comparisons of values: what two maps share is not looked at.
struct Counted {
  int value = 0;
  static inline int comparisons = 0;
  bool operator==(const Counted& other) const {
    ++comparisons;
    return value == other.value;
  }
};

TEST(PersistentMap, DiffLooksOnlyAtWhatChanged) {
  PersistentMap<int, Counted> before;
  for (int i = 0; i < 10000; ++i) before.Set(i, {i});
  auto after = before;
  after.Set(17, {0});
  after.Set(9000, {9000});
  after.Erase(5);
  after.Set(20000, {1});
  Counted::comparisons = 0;
  std::vector<int> keys;
  PersistentMap<int, Counted>::Diff(
      before, after, [&](int key, const Counted*, const Counted*) { keys.push_back(key); });
  EXPECT_EQ(keys, (std::vector<int>{5, 17, 20000}));
  EXPECT_EQ(Counted::comparisons, 2);
}

TEST(PersistentMap, StaysShallowForKeysInOrder) {
  PersistentMap<int64_t, int> map;
  // A list would need 4e10 steps for this.
  for (int64_t i = 0; i < 200000; ++i) map.Set(i, 0);
  EXPECT_EQ(map.size(), 200000u);
  EXPECT_EQ(map.Rank(150000), 150000u);
}

}  // namespace
}  // namespace weir
