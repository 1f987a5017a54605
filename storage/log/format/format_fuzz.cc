// SPDX-License-Identifier: Apache-2.0
// Any bytes as each of a partition's small files: what is taken is whole and says the same again.
#include <glog/logging.h>

#include "storage/log/format/epoch_checkpoint.h"
#include "storage/log/format/names.h"
#include "storage/log/format/offset_index.h"
#include "storage/log/format/partition_metadata.h"
#include "storage/log/format/time_index.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

void FeedIndexes(std::string_view bytes) {
  constexpr uint64_t kFileBytes = 1 << 20;
  if (auto index = log::OffsetIndex::Decode(Offset(7), bytes, kFileBytes)) {
    CHECK_EQ(index->Encode(index->size()), bytes);
    for (int64_t offset : {0, 7, 8, 1000, 1 << 20}) {
      CHECK_LT(index->Floor(Offset(offset)), kFileBytes);
    }
    index->TruncateTo(kFileBytes / 2);
    CHECK_LT(index->last_position().value_or(0), kFileBytes / 2);
  }
  if (auto index = log::TimeIndex::Decode(Offset(7), bytes, Offset(1 << 20))) {
    CHECK_EQ(index->Encode(index->size()), bytes);
    CHECK_LT(index->largest_at(), Offset(1 << 20));
    index->TruncateTo(Offset(1000));
    CHECK_LE(index->largest_at(), Offset(1000));
  }
}

void FeedTexts(std::string_view bytes) {
  if (auto epochs = log::DecodeEpochCheckpoint(bytes)) {
    CHECK(log::DecodeEpochCheckpoint(log::EncodeEpochCheckpoint(*epochs)) == epochs);
  }
  if (auto topic = log::DecodePartitionMetadata(bytes)) {
    CHECK(log::DecodePartitionMetadata(log::EncodePartitionMetadata(*topic)) == topic);
  }
  if (auto name = log::FileName::Parse(bytes)) CHECK_EQ(name->ToString(), bytes);
}

void Feed(std::string_view bytes) {
  FeedIndexes(bytes);
  FeedTexts(bytes);
}

}  // namespace

Target MakeTarget() {
  log::OffsetIndex offsets{Offset(7)};
  log::TimeIndex times{Offset(7)};
  log::LeaderEpochs epochs;
  for (int i = 1; i < 20; ++i) {
    offsets.Add(Offset(7 + i * 10), static_cast<uint64_t>(i) * 5000);
    times.MaybeAdd(WallTime{1000 + i}, Offset(7 + i * 10));
    epochs.Assign(LeaderEpoch(i * 2), Offset(i * 100));
  }
  return {.seeds = {offsets.Encode(19), times.Encode(19), log::EncodeEpochCheckpoint(epochs),
                    log::EncodePartitionMetadata(*TopicId::Parse("AAAAAAAAAAAAAAAAAAAAAQ")),
                    log::RecordsName(Offset(42)), "00000000000000000042.timeindex.deleted"},
          .feed = Feed};
}

}  // namespace weir::fuzz
