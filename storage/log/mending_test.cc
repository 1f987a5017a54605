// SPDX-License-Identifier: Apache-2.0
// What is damaged is known to the byte, and mended by what another replica has.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "storage/log/log_fixture.h"

namespace weir::log {
namespace {

using Strings = std::vector<std::string>;

constexpr int kBatches = 40;

// Two logs of the same records: the second one is whole.
class Pair : public LogFixture {
 public:
  explicit Pair(LogOptions log_options = Options()) : LogFixture(log_options), whole(log_options) {
    for (LogFixture* log : {static_cast<LogFixture*>(this), &whole}) {
      log->Open();
      for (int i = 0; i < kBatches; ++i) {
        EXPECT_TRUE(
            log->Append(BatchOf(std::to_string(i) + std::string(30, '.'), 1 + i % 3), 1 + i / 15));
        log->world.RunAll();
      }
    }
  }
  static LogOptions Options() {
    LogOptions options;
    options.roll.bytes = 900;
    options.index_interval_bytes = 250;
    return options;
  }

  std::string* File(int64_t base) {
    std::string digits = std::to_string(base);
    return world.Find(std::string(kFolder) + "/" + std::string(20 - digits.size(), '0') + digits +
                      ".log");
  }
  std::vector<int64_t> Bases() {
    std::vector<int64_t> bases;
    for (const ClosedSegment& segment : log->ClosedSegments())
      bases.push_back(segment.base.value());
    return bases;
  }
  Result<std::optional<Damage>> Diagnose() {
    return Wait<Result<std::optional<Damage>>>([&](auto done) { log->Diagnose(std::move(done)); });
  }
  Result<void> Mend(Bytes batches) {
    return Wait<Result<void>>([&](auto done) { log->Mend(std::move(batches), std::move(done)); });
  }
  // Reads all, so that damage is found.
  void Look() {
    Offset from;
    while (from < log->written()) {
      auto scrubbed =
          Wait<Result<Scrubbed>>([&](auto done) { log->Scrub(from, 1 << 20, std::move(done)); });
      ASSERT_TRUE(scrubbed) << scrubbed.error();
      if (scrubbed->next == from) break;
      from = scrubbed->next;
    }
  }
  // As the healer does; how many pieces it took.
  int Heal(size_t piece = 1 << 20) {
    int pieces = 0;
    while (true) {
      auto damage = Diagnose();
      EXPECT_TRUE(damage) << damage.error();
      if (!damage || !*damage) return pieces;
      EXPECT_GT((*damage)->bytes, 0u);
      auto from = whole.Read((*damage)->from.value(), (*damage)->to.value(), piece);
      EXPECT_TRUE(from) << from.error();
      auto mended = Mend(*from);
      EXPECT_TRUE(mended) << mended.error();
      if (!mended || ++pieces > 1000) return -1;
    }
  }
  void ExpectWhole() {
    EXPECT_TRUE(log->damages().empty());
    EXPECT_EQ(Values(), whole.Values());
    EXPECT_EQ(log->epochs(), whole.log->epochs());
    for (int64_t base : Bases()) EXPECT_EQ(*File(base), *Twin(base)) << base;
  }
  std::string* Twin(int64_t base) {
    std::string digits = std::to_string(base);
    return whole.world.Find(std::string(kFolder) + "/" + std::string(20 - digits.size(), '0') +
                            digits + ".log");
  }

  LogFixture whole;
};

TEST(Mending, AnyFlippedBitIsFoundAndMended) {
  const int64_t base = Pair().Bases()[1];
  const size_t size = Pair().File(base)->size();
  for (size_t at = 0; at < size; at += 3) {
    SCOPED_TRACE(at);
    Pair t;
    (*t.File(base))[at] = static_cast<char>((*t.File(base))[at] ^ (1 << at % 8));
    t.Look();
    ASSERT_EQ(t.log->damages().size(), 1u);
    ASSERT_GE(t.Heal(), 1);
    t.ExpectWhole();
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Mending, TakesNoMoreThanWhatIsDamaged) {
  Pair t;
  const int64_t base = t.Bases()[1];
  (*t.File(base))[200] ^= 1;
  t.Look();
  auto damage = t.Diagnose();
  ASSERT_TRUE(damage && *damage);
  auto lost = t.whole.Read((*damage)->from.value(), (*damage)->to.value());
  EXPECT_EQ((*damage)->bytes, lost->size());
  EXPECT_LT(lost->size(), 300u);
  // What lies behind it in the same file is served before it is mended.
  EXPECT_TRUE(t.Read((*damage)->to.value(), kBatches));
  auto refused = t.Read((*damage)->from.value(), kBatches);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::kCorrupt);
  EXPECT_NE(refused.error().message.find(".log is damaged at position"), std::string::npos);
  EXPECT_EQ(t.log->damages().size(), 1u) << "what is known is not found again";
}

TEST(Mending, SeveralPlacesAndFilesThatAreCutShort) {
  Pair t;
  const auto bases = t.Bases();
  (*t.File(bases[0]))[70] ^= 4;
  (*t.File(bases[0]))[t.File(bases[0])->size() - 1] ^= 4;
  t.File(bases[2])->resize(150);
  t.File(bases[3])->clear();
  t.Close();
  t.world.Remove(std::string(kFolder) + "/00000000000000000048.log", [](Result<void>) {});
  t.Open();
  t.Look();
  EXPECT_GE(t.Heal(100), 5);
  t.ExpectWhole();
  t.Crash();
  t.Open();
  // The last word of it may be lost, and is not missed.
  EXPECT_EQ(t.Heal(), 0);
  t.ExpectWhole();
}

// As soon as the recovery point is past it.
TEST(Mending, WhatIsStillWrittenIsScrubbedToo) {
  LogOptions options = Pair::Options();
  options.roll.bytes = 1 << 20;
  options.recovery_bytes = 1000;
  Pair t(options);
  ASSERT_TRUE(t.Bases().empty());
  (*t.File(0))[500] ^= 1;
  t.Look();
  ASSERT_EQ(t.log->damages().size(), 1u);
  ASSERT_TRUE(t.Append(BatchOf("more"), 9));
  ASSERT_TRUE(t.whole.Append(BatchOf("more"), 9));
  t.world.RunAll();
  t.whole.world.RunAll();
  EXPECT_EQ(t.Heal(), 1);
  EXPECT_EQ(*t.File(0), *t.Twin(0));
  t.ExpectWhole();
}

TEST(Mending, RefusesWhatDoesNotFit) {
  Pair t;
  const int64_t base = t.Bases()[1];
  (*t.File(base))[200] ^= 1;
  t.Look();
  auto damage = t.Diagnose();
  ASSERT_TRUE(damage && *damage);
  const int64_t from = (*damage)->from.value();
  const int64_t to = (*damage)->to.value();
  const std::string right = t.whole.Read(from, to)->ToString();
  std::string flipped = right;
  flipped[70] ^= 1;
  std::string of_another_epoch = right;
  of_another_epoch[15] ^= 1;
  for (const std::string& wrong :
       {std::string(), flipped, of_another_epoch, right.substr(1), right + right,
        t.whole.Read(0, from)->ToString(), t.whole.Read(to, kBatches)->ToString(),
        BatchOf("another").ToString()}) {
    auto mended = t.Mend(Bytes::FromString(wrong));
    ASSERT_FALSE(mended);
    EXPECT_EQ(mended.error().kind, Error::Kind::kInvalid);
  }
  EXPECT_TRUE(t.events.failed.empty());
  EXPECT_TRUE(t.Mend(Bytes::FromString(right)));
  t.ExpectWhole();
}

// A crash at any step leaves what can be mended.
TEST(Mending, GoesOnAfterACrashAtAnyStep) {
  for (int steps = 0; steps < 60; ++steps) {
    SCOPED_TRACE(steps);
    Pair t;
    const int64_t base = t.Bases()[1];
    (*t.File(base))[200] ^= 1;
    t.Look();
    auto damage = t.Diagnose();
    ASSERT_TRUE(damage && *damage);
    auto right = t.whole.Read((*damage)->from.value(), (*damage)->to.value());
    t.log->Mend(*right, [](const Result<void>&) {});
    for (int i = 0; i < steps; ++i) t.world.RunOne();
    t.Crash();
    t.Open();
    t.Look();
    ASSERT_GE(t.Heal(), 0);
    t.ExpectWhole();
  }
}

// What was not yet below the recovery point is scanned after a crash: a batch that is not whole,
// with whole ones behind it, is no torn tail.
TEST(Mending, RotAboveTheRecoveryPointIsNoTornTail) {
  LogOptions options = Pair::Options();
  options.roll.bytes = 1 << 20;
  const size_t size = Pair(options).File(0)->size();
  int cut = 0;
  for (size_t at = 0; at < size; at += 7) {
    SCOPED_TRACE(at);
    Pair t(options);
    t.Crash();
    (*t.File(0))[at] = static_cast<char>((*t.File(0))[at] ^ (1 << at % 8));
    t.Open();
    // Of the last batch, and where only offset or epoch are other ones, it cannot be told.
    const bool has_end = t.log->end() == t.whole.log->end();
    if (!has_end) {
      EXPECT_TRUE(t.log->damages().empty());
      ++cut;
      continue;
    }
    t.Look();
    ASSERT_GE(t.Heal(), 0);
    EXPECT_EQ(t.Values(), t.whole.Values());
    EXPECT_EQ(t.log->epochs(), t.whole.log->epochs());
    EXPECT_EQ(*t.File(0), *t.Twin(0));
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_LT(cut, static_cast<int>(size / 7 / 4));
}

TEST(Mending, WhatNeverReachedTheDiskIsATornTail) {
  LogOptions options = Pair::Options();
  options.roll.bytes = 1 << 20;
  Pair t(options);
  const size_t first = t.Read(0, 1)->size();
  const size_t two = t.Read(0, 3)->size();
  t.Crash();
  std::fill(t.File(0)->begin() + static_cast<ptrdiff_t>(first),
            t.File(0)->begin() + static_cast<ptrdiff_t>(two), '\0');
  t.Open();
  EXPECT_EQ(t.log->end(), Offset(1));
  EXPECT_TRUE(t.log->damages().empty());
  EXPECT_EQ(t.Values().size(), 1u);
}

TEST(Mending, WhatIsCutOrDeletedMeanwhileNeedsNone) {
  Pair t;
  const auto bases = t.Bases();
  (*t.File(bases[0]))[70] ^= 4;
  (*t.File(bases[3]))[70] ^= 4;
  t.Look();
  ASSERT_EQ(t.log->damages().size(), 2u);
  ASSERT_TRUE(t.Diagnose());
  ASSERT_TRUE(t.DeleteBefore(bases[1]));
  ASSERT_TRUE(t.Truncate(bases[3]));
  auto damage = t.Diagnose();
  ASSERT_TRUE(damage);
  EXPECT_FALSE(*damage);
}

}  // namespace
}  // namespace weir::log
