// SPDX-License-Identifier: Apache-2.0
// Any bytes as a snapshot of producers, with its checksum made right: what is taken is a fold that
// goes on, and says the same again.
#include <glog/logging.h>

#include "common/codec/big_endian.h"
#include "common/codec/crc32c.h"
#include "storage/log/producer_snapshot.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

constexpr Offset kEnd(1000);

records::BatchHeader From(int64_t producer, int32_t sequence, int64_t offset) {
  records::BatchHeader header;
  header.base_offset = Offset(offset);
  header.producer_id = ProducerId(producer);
  header.producer_epoch = ProducerEpoch(1);
  header.base_sequence = sequence;
  header.count = 1;
  return header;
}

void Feed(std::string_view bytes) {
  constexpr size_t kCoversFrom = 6;
  std::string sealed(bytes);
  if (sealed.size() >= kCoversFrom) {
    codec::StoreBigEndian<uint32_t>(codec::Crc32c(std::string_view(sealed).substr(kCoversFrom)),
                                    sealed.data() + 2);
  }
  auto producers = log::DecodeProducerSnapshot(sealed, kEnd);
  if (!producers) return;
  CHECK(log::DecodeProducerSnapshot(log::EncodeProducerSnapshot(*producers), kEnd) == producers);
  for (int64_t id : {1, 2, 77}) {
    auto judged = producers->Judge(From(id, 5, 0));
    if (judged && !*judged) producers->Apply(From(id, 5, kEnd.value() + id));
  }
}

}  // namespace

Target MakeTarget() {
  log::Producers producers;
  for (int i = 0; i < 20; ++i) producers.Apply(From(1 + i % 3, i / 3, i * 10));
  std::string ours = log::EncodeProducerSnapshot(producers);
  return {.seeds = {ours, ours.substr(0, 6 + 4 + 3 * 46), log::EncodeProducerSnapshot({})},
          .feed = Feed};
}

}  // namespace weir::fuzz
