// SPDX-License-Identifier: Apache-2.0
// Whatever happens to a batch's bytes, reading it neither crashes nor believes it.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/codec/big_endian.h"
#include "common/codec/crc32c.h"
#include "common/records/batch.h"
#include "common/records/batch_builder.h"
#include "common/records/record_reader.h"

namespace weir::records {
namespace {

std::string SomeBatch(std::mt19937_64& random) {
  BatchBuilder builder;
  auto count = 1 + random() % 8;
  for (uint64_t i = 0; i < count; ++i) {
    std::string key(random() % 12, 'k');
    std::string value(random() % 80, 'v');
    Header headers[] = {{"header", value}};
    builder.Add({static_cast<int64_t>(random() % 100'000)},
                random() % 4 == 0 ? std::nullopt : std::optional<std::string_view>(key), value,
                std::span<const Header>(headers, random() % 2));
  }
  if (random() % 2 == 0) builder.SetProducer(ProducerId(1), ProducerEpoch(0), 0);
  return builder.Build().ToString();
}

// Reads all there is; returns how many records.
int ReadAll(const std::string& bytes) {
  auto header = ParseHeader(bytes);
  if (!header || header->size() > bytes.size()) return 0;
  RecordReader reader(*header, bytes);
  int count = 0;
  while (true) {
    auto record = reader.Next();
    if (!record || !*record) return count;
    ++count;
  }
}

TEST(Mutation, EveryFlippedBitUnderTheChecksumIsFound) {
  std::mt19937_64 random(1);
  std::string batch = SomeBatch(random);
  for (size_t bit = 17 * 8; bit < batch.size() * 8; ++bit) {
    std::string flipped = batch;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(ParseBatch(flipped)) << "bit " << bit;
  }
}

TEST(Mutation, EveryTruncationIsFound) {
  std::mt19937_64 random(2);
  std::string batch = SomeBatch(random);
  for (size_t size = 0; size < batch.size(); ++size) {
    EXPECT_FALSE(ParseBatch(batch.substr(0, size))) << size;
  }
}

TEST(Mutation, SpoiledRecordsUnderARightChecksumAreReadSafely) {
  std::mt19937_64 random(3);
  int unharmed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string batch = SomeBatch(random);
    ASSERT_GT(ReadAll(batch), 0);
    for (uint64_t n = 1 + random() % 4; n > 0; --n) {
      batch[random() % batch.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) batch.resize(random() % batch.size());
    if (batch.size() > kChecksumCoversFrom) {
      codec::StoreBigEndian<uint32_t>(
          codec::Crc32c(std::string_view(batch).substr(kChecksumCoversFrom)), batch.data() + 17);
    }
    ReadAll(batch);
    auto header = ParseBatch(batch);
    if (!header || header->size() != batch.size() || !CheckRecords(*header, batch)) continue;
    if (header->compression() != Compression::kNone) continue;
    // What passed every check is read whole.
    ++unharmed;
    EXPECT_EQ(ReadAll(batch), header->count);
  }
  EXPECT_GT(unharmed, 0);
}

}  // namespace
}  // namespace weir::records
