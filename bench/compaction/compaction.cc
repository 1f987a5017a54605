// SPDX-License-Identifier: Apache-2.0
// What compaction costs without the disk: a million keys, each written twice, with each compression
// read into the map of keys and then judged batch by batch. Prints a table; asserts nothing. Build
// it with --config=opt.
#include <glog/logging.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "common/host/posix/system_clock.h"
#include "common/records/batch_builder.h"
#include "storage/compaction/core/batch_filter.h"
#include "storage/compaction/core/dirty_scan.h"

namespace weir::bench {
namespace {

using records::BatchHeader;
using records::Compression;

constexpr int kKeys = 1'000'000;
constexpr int kRecordsInBatch = 100;
constexpr size_t kValueBytes = 100;
constexpr int kRounds = 5;
constexpr size_t kMapBytes = size_t{32} << 20;

struct Batch {
  BatchHeader header;
  Bytes bytes;
};

struct Figures {
  double map_seconds = 0;
  double filter_seconds = 0;
};

double SecondsSince(Instant from) {
  return std::chrono::duration<double>(host::SystemClock().Now() - from).count();
}

// Words of a few letters, so that a codec finds something.
std::string Value(std::mt19937_64& random) {
  std::string value;
  while (value.size() < kValueBytes) value += "field" + std::to_string(random() % 1000) + ",";
  value.resize(kValueBytes);
  return value;
}

std::vector<Batch> Written(Compression compression) {
  std::mt19937_64 random(7);
  std::vector<int> keys(2 * kKeys);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<int>(i % kKeys);
  std::shuffle(keys.begin(), keys.end(), random);
  std::vector<Batch> batches;
  for (size_t at = 0; at < keys.size(); at += kRecordsInBatch) {
    records::BatchBuilder builder;
    for (size_t i = 0; i < kRecordsInBatch; ++i) {
      std::string key = "user-" + std::to_string(keys[at + i]);
      builder.Add({1'000'000 + static_cast<int64_t>(i)}, key, Value(random));
    }
    Bytes plain = builder.Build();
    auto header = records::ParseBatch(plain.view());
    CHECK(header) << header.error();
    header->base_offset = Offset(static_cast<int64_t>(at));
    header->leader_epoch = LeaderEpoch(1);
    header->attributes = static_cast<int16_t>(compression);
    Bytes bytes = records::AssembleBatch(
        *header, compaction::SealRecords(compression,
                                         std::string(plain.view().substr(records::kHeaderBytes))));
    batches.push_back({*records::ParseBatch(bytes.view()), bytes});
  }
  return batches;
}

// A run as its driver makes it, with the checksums that it compares.
Figures Clean(const std::vector<Batch>& batches, uint64_t* bytes_after, size_t* keys) {
  Figures figures;
  compaction::OffsetMap map(kMapBytes, compaction::KeyHasher(1, 2));
  compaction::DirtyScan scan(Offset(0), &map);
  Instant from = host::SystemClock().Now();
  for (const Batch& batch : batches) {
    CHECK(records::ParseBatch(batch.bytes.view()));
    CHECK(scan.Take(batch.header, batch.bytes.view())) << "the map is too small";
  }
  figures.map_seconds = SecondsSince(from);
  scan.ReachedEnd(batches.back().header.end_offset());
  compaction::BatchFilter filter({.map = &map, .mapped_end = scan.mapped_end(), .now = {1}});
  from = host::SystemClock().Now();
  *bytes_after = 0;
  for (const Batch& batch : batches) {
    CHECK(records::ParseBatch(batch.bytes.view()));
    auto verdict = filter.Judge(batch.header, batch.bytes, false, 1 << 30);
    *bytes_after += verdict.batch.size();
  }
  figures.filter_seconds = SecondsSince(from);
  *keys = map.size();
  CHECK_EQ(filter.tally().records_kept, kKeys);
  return figures;
}

void Measure(const char* name, Compression compression) {
  std::vector<Batch> batches = Written(compression);
  uint64_t bytes = 0;
  for (const Batch& batch : batches) bytes += batch.bytes.size();
  std::vector<double> mapped;
  std::vector<double> filtered;
  std::vector<double> all;
  uint64_t after = 0;
  size_t keys = 0;
  for (int round = 0; round < kRounds; ++round) {
    Figures figures = Clean(batches, &after, &keys);
    double megabytes = static_cast<double>(bytes) / 1e6;
    mapped.push_back(megabytes / figures.map_seconds);
    filtered.push_back(megabytes / figures.filter_seconds);
    all.push_back(megabytes / (figures.map_seconds + figures.filter_seconds));
  }
  auto median = [](std::vector<double>& of) {
    std::ranges::sort(of);
    return of[of.size() / 2];
  };
  std::printf("| %s | %.0f | %.0f | %.0f | %.0f | %.0f | %zu |\n", name,
              static_cast<double>(bytes) / 1e6, static_cast<double>(after) / 1e6, median(mapped),
              median(filtered), median(all), keys);
}

void Run() {
  std::printf(
      "%d keys of some 11 bytes, each written twice with %zu bytes; %d records a batch; a "
      "map of %zu MiB; medians of %d\n\n",
      kKeys, kValueBytes, kRecordsInBatch, kMapBytes >> 20, kRounds);
  std::printf("| codec | MB | MB after | MB/s mapped | MB/s judged | MB/s of both | keys |\n");
  std::printf("|---|--:|--:|--:|--:|--:|--:|\n");
  Measure("none", Compression::kNone);
  Measure("lz4", Compression::kLz4);
  Measure("zstd", Compression::kZstd);
  Measure("snappy", Compression::kSnappy);
  Measure("gzip", Compression::kGzip);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("\npeak memory, with the log itself: %ld MB\n", usage.ru_maxrss / 1000);
}

}  // namespace
}  // namespace weir::bench

int main(int, char** argv) {
  google::InitGoogleLogging(argv[0]);
  weir::bench::Run();
  return 0;
}
