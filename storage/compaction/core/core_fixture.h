// SPDX-License-Identifier: Apache-2.0
// A log as a vector of batches, as the tests of this folder clean it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/records/batch_builder.h"
#include "common/records/record_reader.h"
#include "storage/compaction/core/batch_filter.h"
#include "storage/compaction/core/dirty_scan.h"
#include "storage/compaction/core/offset_map.h"
#include "storage/compaction/core/record_runs.h"

namespace weir::compaction {

// A record as it goes in; no value: a tombstone.
struct KeyValue {
  std::optional<std::string> key;
  std::optional<std::string> value;
  int64_t timestamp = 1000;
};

inline KeyValue Tombstone(std::string key, int64_t timestamp = 1000) {
  return {std::move(key), std::nullopt, timestamp};
}

// The same records in that compression.
inline Bytes Compressed(const Bytes& batch, records::Compression compression) {
  auto header = records::ParseBatch(batch.view());
  EXPECT_TRUE(header) << header.error().message;
  if (!header || compression == records::Compression::kNone) return batch;
  header->attributes = static_cast<int16_t>(header->attributes | static_cast<int16_t>(compression));
  return records::AssembleBatch(
      *header, SealRecords(compression, std::string(batch.view().substr(records::kHeaderBytes))));
}

// The batch as the leader of `epoch` stamps it.
inline Bytes BatchAt(Offset base, const std::vector<KeyValue>& records, int epoch = 1,
                     int64_t producer = -1, int32_t sequence = -1) {
  records::BatchBuilder builder;
  for (const KeyValue& record : records) {
    records::Header header{"header", "of it"};
    builder.Add({record.timestamp}, record.key, record.value, {&header, 1});
  }
  if (producer >= 0) {
    builder.SetProducer(ProducerId(producer), ProducerEpoch(0), sequence);
  }
  std::string bytes = builder.Build().ToString();
  records::Stamp(bytes.data(), base, LeaderEpoch(epoch));
  return Bytes::FromString(std::move(bytes));
}

// What a consumer reads of a batch.
struct SeenRecord {
  Offset offset;
  int64_t timestamp = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  bool operator==(const SeenRecord&) const = default;
};

inline std::vector<SeenRecord> RecordsOf(const Bytes& batch) {
  std::vector<SeenRecord> seen;
  auto header = records::ParseBatch(batch.view());
  EXPECT_TRUE(header) << header.error().message;
  if (!header) return seen;
  EXPECT_EQ(header->size(), batch.size());
  std::string room;
  auto contents = OpenRecords(*header, batch.view(), &room);
  EXPECT_TRUE(contents) << contents.error().message;
  if (!contents) return seen;
  header->attributes = static_cast<int16_t>(header->attributes & ~0x07);
  Bytes plain = records::AssembleBatch(*header, *contents);
  records::RecordReader reader(*records::ParseBatch(plain.view()), plain.view());
  auto record = reader.Next();
  for (; record && *record; record = reader.Next()) {
    const records::Record& r = **record;
    EXPECT_EQ(r.headers.size(), 1u);
    seen.push_back({r.offset, r.timestamp.ms,
                    r.key ? std::optional(std::string(*r.key)) : std::nullopt,
                    r.value ? std::optional(std::string(*r.value)) : std::nullopt});
  }
  EXPECT_TRUE(record) << record.error().message;
  return seen;
}

// The batches that lie one behind the other, from offset 0 on.
struct BatchLog {
  std::vector<Bytes> batches;
  Offset end;

  records::BatchHeader HeaderOf(size_t i) const {
    auto header = records::ParseBatch(batches[i].view());
    EXPECT_TRUE(header) << header.error().message;
    return *header;
  }
  void Append(const std::vector<KeyValue>& records, int epoch = 1, int64_t producer = -1,
              int32_t sequence = -1) {
    batches.push_back(BatchAt(end, records, epoch, producer, sequence));
    end = end + static_cast<int64_t>(records.size());
  }
  std::vector<SeenRecord> Records() const {
    std::vector<SeenRecord> seen;
    for (const Bytes& batch : batches) {
      for (SeenRecord& record : RecordsOf(batch)) seen.push_back(std::move(record));
    }
    return seen;
  }
  std::vector<std::pair<std::string, std::string>> Values() const {
    std::vector<std::pair<std::string, std::string>> values;
    for (const SeenRecord& record : Records()) {
      values.emplace_back(record.key.value_or("-"), record.value.value_or("-"));
    }
    return values;
  }
};

struct CleanOptions {
  int64_t now = 0;
  int64_t delete_retention_ms = 100;
  size_t map_bytes = 1 << 20;
  uint64_t room = 1 << 30;
  ProducerBatches producers;
};

// Cleans all of `log` below `end`, a batch's end, as one segment; returns where it got to.
inline Offset Clean(BatchLog& log, Offset first_dirty, Offset end, const CleanOptions& options) {
  OffsetMap map(options.map_bytes, KeyHasher(3, 5));
  DirtyScan scan(first_dirty, &map);
  bool goes_on = true;
  for (size_t i = 0; goes_on && i < log.batches.size(); ++i) {
    records::BatchHeader header = log.HeaderOf(i);
    if (header.base_offset >= end) break;
    goes_on = scan.Take(header, log.batches[i].view());
  }
  if (goes_on) scan.ReachedEnd(end);
  BatchFilter filter({.map = &map,
                      .mapped_end = scan.mapped_end(),
                      .now = {options.now},
                      .delete_retention_ms = options.delete_retention_ms,
                      .producers = options.producers,
                      .last_of_producers = scan.last_of_producers()});
  std::vector<Bytes> cleaned;
  for (size_t i = 0; i < log.batches.size(); ++i) {
    records::BatchHeader header = log.HeaderOf(i);
    if (header.base_offset >= end) {
      cleaned.push_back(log.batches[i]);
      continue;
    }
    auto verdict = filter.Judge(header, log.batches[i], header.end_offset() == end, options.room);
    if (verdict.fate != BatchFilter::Fate::kDropped) cleaned.push_back(verdict.batch);
  }
  log.batches = std::move(cleaned);
  return scan.mapped_end();
}

}  // namespace weir::compaction
