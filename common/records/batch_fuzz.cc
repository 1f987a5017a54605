// SPDX-License-Identifier: Apache-2.0
// Any bytes as record batches: from a producer, from a leader, from a disk.
#include <glog/logging.h>

#include "common/codec/big_endian.h"
#include "common/codec/crc32c.h"
#include "common/records/batch.h"
#include "common/records/batch_builder.h"
#include "common/records/contents.h"
#include "common/records/record_reader.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

std::string Batch(int records, bool idempotent) {
  records::BatchBuilder builder;
  for (int i = 0; i < records; ++i) {
    records::Header headers[] = {{"header", "value"}};
    builder.Add({1000 + i}, i % 2 == 0 ? std::nullopt : std::optional<std::string_view>("key"),
                std::string(static_cast<size_t>(i) * 3, 'v'),
                std::span<const records::Header>(headers, static_cast<size_t>(i % 2)));
  }
  if (idempotent) builder.SetProducer(ProducerId(7), ProducerEpoch(0), 5);
  return builder.Build().ToString();
}

std::string Packed(records::Compression compression) {
  std::string plain = Batch(6, true);
  auto header = records::ParseHeader(plain);
  return records::Repacked(*header, std::string_view(plain).substr(records::kHeaderBytes),
                           compression, codec::kUsualLevel)
      .ToString();
}

// What could be read, compressed or not, can be packed otherwise and reads the same.
void Repack(const records::BatchHeader& header, std::string_view batch) {
  constexpr size_t kContentsMax = size_t{64} << 10;
  auto contents =
      records::Contents::Of(header, Bytes::FromString(std::string(batch)), kContentsMax);
  if (!contents) return;
  records::RecordReader reader = contents->Records();
  while (true) {
    auto record = reader.Next();
    if (!record || !*record) break;
  }
  Bytes again = records::Repacked(header, contents->bytes().view(), records::Compression::kLz4,
                                  codec::kUsualLevel);
  auto repacked = records::ParseBatch(again.view());
  CHECK(repacked) << repacked.error();
  auto same = records::Contents::Of(*repacked, again, kContentsMax);
  CHECK(same) << same.error();
  CHECK(same->bytes() == contents->bytes());
}

void ReadAll(std::string_view bytes) {
  auto header = records::ParseHeader(bytes);
  if (!header || header->size() > bytes.size()) return;
  std::string_view batch = bytes.substr(0, header->size());
  Repack(*header, batch);
  bool is_right = records::CheckRecords(*header, batch).has_value();
  records::RecordReader reader(*header, batch);
  int count = 0;
  auto record = reader.Next();
  for (; record && *record; record = reader.Next()) ++count;
  // What was found right is read to its end.
  if (is_right && header->compression() == records::Compression::kNone) {
    CHECK(record) << record.error();
    CHECK_EQ(count, header->count);
  }
}

void Feed(std::string_view bytes) {
  for (auto check : {records::BatchRun::Check::kHeaders, records::BatchRun::Check::kChecksums}) {
    records::BatchRun run(Bytes::FromString(std::string(bytes)), check);
    for (auto batch = run.Next(); batch && *batch; batch = run.Next()) {
      ReadAll((*batch)->bytes.view());
    }
  }
  ReadAll(bytes);
  // And as if whoever made it had also made the checksum.
  if (bytes.size() <= records::kChecksumCoversFrom) return;
  std::string sealed(bytes);
  codec::StoreBigEndian<uint32_t>(
      codec::Crc32c(std::string_view(sealed).substr(records::kChecksumCoversFrom)),
      sealed.data() + records::kChecksumCoversFrom - 4);
  if (records::ParseBatch(sealed)) ReadAll(sealed);
}

}  // namespace

Target MakeTarget() {
  return {.seeds = {Batch(1, false), Batch(5, true), Batch(3, false) + Batch(2, true),
                    Packed(records::Compression::kGzip), Packed(records::Compression::kSnappy),
                    Packed(records::Compression::kLz4), Packed(records::Compression::kZstd)},
          .feed = Feed};
}

}  // namespace weir::fuzz
