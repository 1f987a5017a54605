// SPDX-License-Identifier: Apache-2.0
// Any bytes as a closed segment: a run over it ends, with what it holds cleaned or with words on
// where it is damaged. In a second try every batch has the checksum of its bytes.
#include <glog/logging.h>

#include "common/codec/big_endian.h"
#include "common/codec/crc32c.h"
#include "storage/compaction/driver/clean_run.h"
#include "storage/compaction/driver/driver_fixture.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

using compaction::BatchAt;
using compaction::ClosedSegment;
using compaction::FakeLog;
using compaction::RunReport;

constexpr int64_t kOffsets = 15;

void Clean(std::string bytes) {
  compaction::TimedWorld world;
  FakeLog log(world);
  log.segments = {{Offset(0), std::move(bytes)}, {Offset(kOffsets), ""}};
  ClosedSegment segment{
      .base = Offset(0), .end = Offset(kOffsets), .bytes = log.segments[0].bytes.size()};
  compaction::Cleanable cleanable{.end = segment.end, .dirty_bytes = segment.bytes};
  std::optional<Result<RunReport>> report;
  host::Spawn(
      compaction::CleanLog(world.host(), &log, cleanable, {}, {.map_bytes = 0, .piece_bytes = 100},
                           std::make_shared<compaction::Throttle>(0),
                           std::make_shared<compaction::RunStop>()),
      Callback<void(Result<RunReport>)>([&](auto result) { report = result; }));
  world.RunAll();
  CHECK(report.has_value());
  if (*report) return;
  CHECK((*report).error().kind == Error::Kind::kCorrupt) << (*report).error();
  CHECK_EQ(log.replaced, 0);
}

void Feed(std::string_view input) {
  std::string bytes(input);
  Clean(bytes);
  for (size_t at = 0; at + records::kHeaderBytes <= bytes.size();) {
    auto header = records::ParseHeader(std::string_view(bytes).substr(at));
    if (!header || header->size() > bytes.size() - at) break;
    std::string_view covered = std::string_view(bytes).substr(
        at + records::kChecksumCoversFrom, header->size() - records::kChecksumCoversFrom);
    codec::StoreBigEndian<uint32_t>(codec::Crc32c(covered),
                                    bytes.data() + at + records::kChecksumCoversFrom - 4);
    at += header->size();
  }
  Clean(std::move(bytes));
}

std::string Segment(int64_t producer) {
  std::string bytes;
  for (int i = 0; i < 5; ++i) {
    Bytes batch =
        BatchAt(Offset(i * 3), {{"a", std::to_string(i)}, compaction::Tombstone("b"), {"c", "1"}},
                1, producer, producer < 0 ? -1 : i * 3);
    bytes += batch.view();
  }
  return bytes;
}

}  // namespace

Target MakeTarget() {
  return {.seeds = {Segment(-1), Segment(7)},
          .feed = Feed,
          .bytes_max = size_t{8} << 20,
          .inputs = 10'000};
}

}  // namespace weir::fuzz
