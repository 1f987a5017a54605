// SPDX-License-Identifier: Apache-2.0
// Records, frames, the ring and the fold, each alone.
#include <gtest/gtest.h>

#include "storage/journal/frame.h"
#include "storage/journal/record.h"
#include "storage/journal/ring.h"
#include "storage/journal/tail.h"
#include "storage/journal/unsynced.h"

namespace weir::journal {
namespace {

const PartitionId kFirst{TopicId(Uuid::FromRandom(1, 2)), PartitionIndex(3)};
const PartitionId kSecond{TopicId(Uuid::FromRandom(1, 2)), PartitionIndex(4)};
const Uuid kFile = Uuid::FromRandom(7, 8);

FoundFrame FrameOf(uint64_t sequence, uint64_t previous, uint64_t needed, uint64_t synced,
                   bool whole = true) {
  return {{sequence, previous, needed, synced, 0, 0}, sequence, whole};
}

std::vector<uint64_t> ChainOf(const std::vector<FoundFrame>& found) {
  auto chain = FindChain(found);
  std::vector<uint64_t> sequences;
  if (!chain) return sequences;
  for (const FoundFrame& frame : *chain) sequences.push_back(frame.head.sequence);
  return sequences;
}

TEST(Record, ReadsBackWhatItWrote) {
  RecordHead append{kFirst, RecordKind::kAppend, Offset(10), Offset(12), LeaderEpoch(5), 4};
  RecordHead forget{.partition = kSecond, .kind = RecordKind::kForget};
  std::string frame = append.Encode() + "abcd" + forget.Encode();
  RecordReader reader(frame);
  auto first = reader.Next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->head, append);
  EXPECT_EQ(frame.substr(first->position, 4), "abcd");
  EXPECT_EQ(reader.Next()->head, forget);
  EXPECT_FALSE(reader.Next());
  EXPECT_FALSE(reader.failed());
}

TEST(Record, RefusesWhatIsNone) {
  RecordHead append{kFirst, RecordKind::kAppend, Offset(10), Offset(12), LeaderEpoch(5), 4};
  for (const std::string& frame :
       {append.Encode() + "abc", append.Encode().substr(1), std::string(45, '\x09'),
        RecordHead{kFirst, RecordKind::kAppend, Offset(10), Offset(10), LeaderEpoch(5), 4}
                .Encode() +
            "abcd"}) {
    RecordReader reader(frame);
    EXPECT_FALSE(reader.Next());
    EXPECT_TRUE(reader.failed());
  }
}

TEST(Frame, ReadsBackItsHeadForItsOwnFileAlone) {
  FrameHead head{7, 6, 3, 6, 100, 200};
  std::string bytes = head.Encode(kFile);
  EXPECT_EQ(FrameHead::Decode(bytes, kFile), head);
  EXPECT_FALSE(FrameHead::Decode(bytes, Uuid::FromRandom(9, 9)));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(FrameHead::Decode(flipped, kFile)) << i;
  }
  EXPECT_EQ(head.blocks(), 1u);
  head.length = 4096 - 64;
  EXPECT_EQ(head.blocks(), 1u);
  ++head.length;
  EXPECT_EQ(head.blocks(), 2u);
}

TEST(Chain, GoesFromTheFirstThatIsNeededToTheNewest) {
  EXPECT_EQ(
      ChainOf({FrameOf(4, 3, 2, 3), FrameOf(1, 0, 1, 0), FrameOf(2, 1, 1, 1), FrameOf(3, 2, 2, 2)}),
      (std::vector<uint64_t>{2, 3, 4}));
  EXPECT_EQ(ChainOf({FrameOf(4, 3, 4, 3), FrameOf(1, 0, 1, 0)}), std::vector<uint64_t>{4});
}

TEST(Chain, PassesOverAWriteThatWasTorn) {
  EXPECT_EQ(ChainOf({FrameOf(2, 1, 1, 1), FrameOf(1, 0, 1, 0), FrameOf(3, 2, 1, 2, false)}),
            (std::vector<uint64_t>{1, 2}));
  // Two were under way: the later one came through.
  EXPECT_EQ(ChainOf({FrameOf(1, 0, 1, 0), FrameOf(2, 1, 1, 1), FrameOf(4, 3, 1, 2)}),
            (std::vector<uint64_t>{1, 2}));
  // And what came after a start that passed over it knows nothing of it.
  EXPECT_EQ(
      ChainOf({FrameOf(1, 0, 1, 0), FrameOf(2, 1, 1, 1), FrameOf(4, 3, 1, 2), FrameOf(5, 2, 1, 2)}),
      (std::vector<uint64_t>{1, 2, 5}));
}

TEST(Chain, RefusesWhereWhatWasSyncedIsGone) {
  // In the middle.
  EXPECT_FALSE(FindChain({FrameOf(1, 0, 1, 0), FrameOf(3, 2, 1, 2)}));
  EXPECT_FALSE(FindChain({FrameOf(1, 0, 1, 0), FrameOf(2, 1, 1, 1, false), FrameOf(3, 2, 1, 2)}));
  // The first that is needed.
  EXPECT_FALSE(FindChain({FrameOf(2, 1, 1, 1), FrameOf(3, 2, 1, 2)}));
  // The newest but one: the head of a torn write says that it was there.
  EXPECT_FALSE(
      FindChain({FrameOf(1, 0, 1, 0), FrameOf(2, 1, 1, 1, false), FrameOf(3, 2, 1, 2, false)}));
  EXPECT_FALSE(FindChain({}));
  auto missing = FindChain({FrameOf(1, 0, 1, 0), FrameOf(3, 2, 1, 2)});
  EXPECT_EQ(missing.error().kind, Error::Kind::kCorrupt);
  EXPECT_NE(missing.error().message.find("frame 2"), std::string::npos) << missing.error();
}

Ring RingOf(uint64_t blocks, const std::vector<std::pair<uint64_t, uint64_t>>& places) {
  Ring ring(blocks);
  uint64_t sequence = 0;
  for (const auto& [position, length] : places) {
    ++sequence;
    ring.Add({sequence, position, length, Ticket(sequence * 10), false});
  }
  return ring;
}

TEST(Ring, WritesBehindTheNewestAndThenAtTheFrontAgain) {
  Ring ring = RingOf(16, {{0, 4}, {4, 4}, {8, 4}});
  EXPECT_EQ(ring.Place(2), 12u);
  EXPECT_FALSE(ring.Place(5)) << "block 0 is needed";
  ring.Free(2);
  EXPECT_EQ(ring.Place(4), 12u);
  EXPECT_FALSE(ring.Place(5));
  ring.Free(3);
  EXPECT_EQ(ring.Place(5), 0u);
}

TEST(Ring, AlwaysLeavesABlockForAFrameThatMakesRoom) {
  Ring ring = RingOf(16, {{0, 4}, {4, 4}, {8, 4}});
  EXPECT_EQ(ring.Place(3), 12u);
  EXPECT_FALSE(ring.Place(4));
  EXPECT_EQ(ring.Place(4, true), 12u);
  Ring wrapped = RingOf(16, {{4, 4}, {8, 8}, {0, 3}});
  EXPECT_FALSE(wrapped.Place(1));
  EXPECT_EQ(wrapped.Place(1, true), 3u);
  Ring full = RingOf(16, {{4, 4}, {8, 8}, {0, 4}});
  EXPECT_FALSE(full.Place(1, true)) << "where front and head meet, all is taken";
}

TEST(Ring, NeverGivesWhatIsHeld) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Ring ring(24);
    ring.Add({1, 0, 1, Ticket(1), true});
    uint64_t state = seed;
    for (uint64_t sequence = 2; sequence < 400; ++sequence) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      uint64_t blocks = 1 + (state >> 33) % 6;
      if ((state >> 40) % 3 == 0) ring.Free(ring.frames().back().sequence - (state >> 50) % 3);
      auto at = ring.Place(blocks);
      if (!at) {
        ASSERT_TRUE(ring.Place(1, true));
        ring.Free(ring.frames().back().sequence);
        continue;
      }
      for (const Ring::Frame& held : ring.frames()) {
        ASSERT_TRUE(*at + blocks <= held.position || held.position + held.blocks <= *at);
      }
      ring.Add({sequence, *at, blocks, Ticket(sequence), false});
    }
  }
}

TEST(Ring, KnowsWhichFrameHoldsARecord) {
  Ring ring = RingOf(16, {{0, 4}, {4, 4}, {8, 4}});
  EXPECT_EQ(ring.NeededFrom(Ticket(1), 4), 1u);
  EXPECT_EQ(ring.NeededFrom(Ticket(10), 4), 1u);
  EXPECT_EQ(ring.NeededFrom(Ticket(11), 4), 2u);
  EXPECT_EQ(ring.NeededFrom(Ticket(31), 4), 4u);
  EXPECT_EQ(ring.NeededFrom(std::nullopt, 4), 4u);
  EXPECT_EQ(ring.LastBefore(4), Ticket(20));
  EXPECT_EQ(ring.LastBefore(5), Ticket(10));
  EXPECT_EQ(ring.LastBefore(12), Ticket(0));
  EXPECT_EQ(ring.held_blocks(), 12u);
  EXPECT_EQ(ring.frame_blocks(), 12u);
}

TEST(Ring, TakesNothingForFramesThatItGrewWhileWrapped) {
  Ring ring = RingOf(16, {{0, 4}, {4, 4}, {8, 6}});
  ring.Free(3);
  ring.Add({4, 0, 2, Ticket(40), false});
  EXPECT_EQ(ring.held_blocks(), 10u);
  ring.Grow(64);
  EXPECT_EQ(ring.held_blocks(), 58u);
  EXPECT_EQ(ring.frame_blocks(), 8u);
}

TEST(Unsynced, NeedsTheOldestOfAllPartitions) {
  Unsynced unsynced;
  EXPECT_FALSE(unsynced.oldest());
  unsynced.Told(kFirst, Ticket(1));
  unsynced.Told(kSecond, Ticket(2));
  unsynced.Told(kFirst, Ticket(3));
  EXPECT_EQ(unsynced.oldest(), Ticket(1));
  EXPECT_EQ(unsynced.OldestUpTo(Ticket(1), 9), std::vector{kFirst});
  EXPECT_EQ(unsynced.OldestUpTo(Ticket(2), 9), (std::vector{kFirst, kSecond}));
  unsynced.Synced(kFirst, Ticket(2));
  EXPECT_EQ(unsynced.oldest(), Ticket(2));
  unsynced.Synced(kSecond, Ticket(2));
  EXPECT_EQ(unsynced.oldest(), Ticket(3));
  unsynced.Synced(kFirst, Ticket(3));
  EXPECT_FALSE(unsynced.oldest());
  unsynced.Synced(kFirst, Ticket(9));
}

class Fold {
 public:
  std::string Append(int64_t base, int64_t end) {
    return Apply({kFirst, RecordKind::kAppend, Offset(base), Offset(end), LeaderEpoch(1), 1});
  }
  void Forget() { Apply({.partition = kFirst}); }
  Tail TailOf() {
    auto found = fold_.Take();
    return found.empty() ? Tail() : found.begin()->second.tail;
  }

 private:
  std::string Apply(const RecordHead& head) {
    ++ticket_;
    return fold_.Apply(head, ticket_.value(), ticket_);
  }
  TailFold fold_;
  Ticket ticket_;
};

Extent ExtentOf(uint64_t position, int64_t base, int64_t end) {
  return {position, 1, Offset(base), Offset(end), LeaderEpoch(1)};
}

TEST(Tail, HoldsWhatWasAppended) {
  Fold fold;
  EXPECT_EQ(fold.Append(5, 7), "");
  EXPECT_EQ(fold.Append(7, 9), "");
  EXPECT_EQ(fold.TailOf(), (Tail{ExtentOf(1, 5, 7), ExtentOf(2, 7, 9)}));
}

TEST(Tail, BeginsAnewAboveAGap) {
  Fold fold;
  fold.Append(5, 7);
  EXPECT_EQ(fold.Append(8, 9), "");
  EXPECT_EQ(fold.TailOf(), Tail{ExtentOf(2, 8, 9)});
}

TEST(Tail, GivesOffsetsAnewOnceAllIsForgotten) {
  Fold fold;
  fold.Append(5, 7);
  fold.Forget();
  EXPECT_EQ(fold.Append(2, 3), "");
  EXPECT_EQ(fold.TailOf(), Tail{ExtentOf(3, 2, 3)});
  fold.Append(2, 3);
  fold.Forget();
  EXPECT_TRUE(fold.TailOf().empty());
}

TEST(Tail, RefusesToAppendBelowTheEnd) {
  Fold fold;
  fold.Append(5, 7);
  EXPECT_NE(fold.Append(6, 8), "");
}

}  // namespace
}  // namespace weir::journal
