// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "storage/log/format/epoch_checkpoint.h"
#include "storage/log/format/names.h"
#include "storage/log/format/offset_index.h"
#include "storage/log/format/partition_metadata.h"
#include "storage/log/format/segment.h"
#include "storage/log/format/time_index.h"

namespace weir::log {
namespace {

using records::BatchHeader;

BatchHeader Batch(int64_t offset, int32_t count, int64_t timestamp_ms, int32_t size) {
  BatchHeader header;
  header.base_offset = Offset(offset);
  header.last_offset_delta = count - 1;
  header.count = count;
  header.max_timestamp = WallTime{timestamp_ms};
  header.length = size - 12;
  return header;
}

TEST(Names, AreKafkas) {
  EXPECT_EQ(RecordsName(Offset(42)), "00000000000000000042.log");
  EXPECT_EQ(TimeIndexName(Offset(42)), "00000000000000000042.timeindex");
  EXPECT_EQ((FileName{Offset(7), FileKind::kOffsetIndex, FileStage::kDeleted}.ToString()),
            "00000000000000000007.index.deleted");
  for (auto kind :
       {FileKind::kRecords, FileKind::kOffsetIndex, FileKind::kTimeIndex, FileKind::kProducers}) {
    for (auto stage :
         {FileStage::kPlain, FileStage::kCleaned, FileStage::kSwap, FileStage::kDeleted}) {
      FileName name{Offset::Max(), kind, stage};
      EXPECT_EQ(FileName::Parse(name.ToString()), name);
    }
  }
  for (std::string other :
       {"", "checkpoint", "00000000000000000042", "0000000000000000004.log",
        "000000000000000000421.log", "-0000000000000000001.log", "00000000000000000042.logs",
        "00000000000000000042.txnindex", "99999999999999999999.log", "partition.metadata"}) {
    EXPECT_FALSE(FileName::Parse(other)) << other;
  }
}

TEST(OffsetIndex, LeadsToABatchAtOrBeforeTheOffset) {
  OffsetIndex index(Offset(1000));
  for (int i = 1; i < 20; ++i)
    index.Add(Offset(1000 + i * 50 + 9), 5000u * static_cast<unsigned>(i));
  auto decoded = OffsetIndex::Decode(Offset(1000), index.Encode(index.size()), 100'000);
  ASSERT_EQ(decoded, index);
  // Batches of ten offsets and 1000 bytes.
  for (int64_t offset = 1000; offset < 2000; ++offset) {
    uint64_t at = static_cast<uint64_t>((offset - 1000) / 10) * 1000;
    EXPECT_LE(index.Floor(Offset(offset)), at);
    EXPECT_LE(at - index.Floor(Offset(offset)), 5000u);
  }
  std::string bytes = index.Encode(index.size());
  EXPECT_FALSE(OffsetIndex::Decode(Offset(1000), bytes.substr(1), 100'000));
  EXPECT_FALSE(OffsetIndex::Decode(Offset(1000), bytes + std::string(8, '\0'), 100'000));
  EXPECT_FALSE(OffsetIndex::Decode(Offset(1000), bytes, 50'000));
}

TEST(TimeIndex, TakesOnlyWhatIsLaterThanAllBefore) {
  TimeIndex index(Offset(10));
  EXPECT_EQ(index.largest(), WallTime{-1});
  EXPECT_TRUE(index.MaybeAdd(WallTime{100}, Offset(19)));
  EXPECT_FALSE(index.MaybeAdd(WallTime{100}, Offset(29)));
  EXPECT_FALSE(index.MaybeAdd(WallTime{90}, Offset(29)));
  EXPECT_TRUE(index.MaybeAdd(WallTime{300}, Offset(39)));
  EXPECT_EQ(index.LastBefore(WallTime{100}), std::nullopt);
  EXPECT_EQ(index.LastBefore(WallTime{101}), Offset(19));
  EXPECT_EQ(index.LastBefore(WallTime{300}), Offset(19));
  EXPECT_EQ(index.LastBefore(WallTime{9999}), Offset(39));
  std::string bytes = index.Encode(2);
  EXPECT_EQ(bytes.size(), 24u);
  EXPECT_EQ(TimeIndex::Decode(Offset(10), bytes, Offset(40)), index);
  EXPECT_FALSE(TimeIndex::Decode(Offset(10), bytes, Offset(39)));
  EXPECT_FALSE(TimeIndex::Decode(Offset(10), bytes.substr(1), Offset(40)));
  EXPECT_FALSE(TimeIndex::Decode(Offset(10), bytes + bytes, Offset(40)));
}

TEST(Segment, IndexesOneBatchInSomeBytesAndEndsWithTheLargestTimestamp) {
  SegmentFold fold(Offset(100));
  Indexes indexes(Offset(100));
  // Timestamps rise, fall, and rise again.
  const int64_t times[] = {10, 50, 40, 30, 60, 20, 70};
  for (int i = 0; i < 7; ++i) {
    fold.Add(Batch(100 + i * 10, 10, times[i], 300), 500, &indexes);
  }
  // An entry where more than 500 bytes have come since the last: before the third and the fifth.
  EXPECT_EQ(fold.offset_entries, 3u);
  EXPECT_EQ(indexes.offsets.size(), 3u);
  EXPECT_EQ(indexes.offsets.Floor(Offset(129)), 600u);
  EXPECT_EQ(indexes.times.size(), 3u);
  EXPECT_EQ(indexes.times.LastBefore(WallTime{51}), Offset(119));
  EXPECT_EQ(indexes.times.LastBefore(WallTime{61}), Offset(149));
  EXPECT_EQ(indexes.times.largest(), WallTime{70});
  EXPECT_EQ(fold.first_timestamp, WallTime{10});
  EXPECT_EQ(fold.largest, WallTime{70});
  EXPECT_EQ(fold.bytes, 2100u);
  EXPECT_EQ(fold.end, Offset(170));
  fold.Finish(indexes);
  EXPECT_EQ(indexes.times.size(), 3u) << "it has the largest already";
  fold.Add(Batch(170, 1, 80, 300), 500, &indexes);
  EXPECT_EQ(indexes.times.largest(), WallTime{70});
  fold.Finish(indexes);
  EXPECT_EQ(indexes.times.largest(), WallTime{80});
  EXPECT_EQ(indexes.times.largest_at(), Offset(170));
}

// Cut anywhere, and what is left told again, it is as if nothing else had ever been there.
TEST(Segment, RewindsToWhatItWas) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<BatchHeader> batches;
    int64_t offset = 5;
    for (int i = 0; i < 30; ++i) {
      auto count = static_cast<int32_t>(1 + random() % 5);
      batches.push_back(Batch(offset, count, static_cast<int64_t>(random() % 100),
                              static_cast<int32_t>(61 + random() % 400)));
      offset += count + static_cast<int64_t>(random() % 2);
    }
    SegmentFold whole(Offset(5));
    Indexes indexes(Offset(5));
    const size_t finished = random() % 30;
    for (size_t i = 0; i < batches.size(); ++i) {
      whole.Add(batches[i], 600, &indexes);
      if (i == finished) whole.Finish(indexes);
    }
    const size_t kept = random() % 30;
    SegmentFold expected(Offset(5));
    Indexes expected_indexes(Offset(5));
    std::vector<uint64_t> positions;
    for (size_t i = 0; i < kept; ++i) {
      positions.push_back(expected.bytes);
      expected.Add(batches[i], 600, &expected_indexes);
    }
    const uint64_t cut = expected.bytes;
    const uint64_t from = whole.Rewind(cut, indexes);
    ASSERT_LE(from, cut);
    for (size_t i = 0; i < kept; ++i) {
      if (positions[i] >= from) whole.Add(batches[i], 600, &indexes);
    }
    EXPECT_EQ(indexes.offsets, expected_indexes.offsets);
    EXPECT_EQ(whole.largest, expected.largest);
    EXPECT_EQ(whole.largest_at, expected.largest_at);
    EXPECT_EQ(whole.bytes, expected.bytes);
    EXPECT_EQ(whole.end, expected.end);
    EXPECT_EQ(whole.bytes_since_entry, expected.bytes_since_entry);
    EXPECT_EQ(whole.time_entries, indexes.times.size());
  }
}

TEST(EpochCheckpoint, IsKafkasText) {
  LeaderEpochs epochs;
  EXPECT_EQ(EncodeEpochCheckpoint(epochs), "0\n0\n");
  epochs.Assign(LeaderEpoch(1), Offset(0));
  epochs.Assign(LeaderEpoch(4), Offset(30));
  EXPECT_EQ(EncodeEpochCheckpoint(epochs), "0\n2\n1 0\n4 30\n");
  EXPECT_EQ(DecodeEpochCheckpoint("0\n2\n1 0\n4 30\n"), epochs);
  for (std::string other :
       {"", "1\n0\n", "0\n", "0\n1\n", "0\n1\n1\n", "0\n1\n1 0\n4 30\n", "0\n2\n4 0\n1 30\n",
        "0\n2\n1 30\n4 30\n", "0\n1\n-1 0\n", "0\n1\n1 -5\n", "0\n1\n1 0 \n", "0\n-1\n"}) {
    EXPECT_FALSE(DecodeEpochCheckpoint(other)) << other;
  }
}

TEST(PartitionMetadata, IsKafkasText) {
  TopicId topic = *TopicId::Parse("AAAAAAAAAAAAAAAAAAAAAQ");
  EXPECT_EQ(EncodePartitionMetadata(topic), "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ");
  EXPECT_EQ(DecodePartitionMetadata(EncodePartitionMetadata(topic)), topic);
  EXPECT_EQ(DecodePartitionMetadata(EncodePartitionMetadata(topic) + "\n"), topic);
  for (std::string other :
       {"", "version: 0", "version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ",
        "version: 0\ntopic_id: AAA", "version: 0\nid: AAAAAAAAAAAAAAAAAAAAAQ"}) {
    EXPECT_FALSE(DecodePartitionMetadata(other)) << other;
  }
}

}  // namespace
}  // namespace weir::log
