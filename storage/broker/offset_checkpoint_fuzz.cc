// SPDX-License-Identifier: Apache-2.0
// Any bytes as a checkpoint of offsets: understood whole, or refused; and what was understood says
// the same when it is written again.
#include "storage/broker/offset_checkpoint.h"

#include <glog/logging.h>

#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

void Feed(std::string_view bytes) {
  auto read = broker::CheckpointOf(bytes);
  if (!read) return;
  for (const auto& [partition, offset] : *read) {
    CHECK_GE(partition.index.value(), 0);
    CHECK_GE(offset.value(), 0);
  }
  auto again = broker::CheckpointOf(broker::TextOf(*read));
  CHECK(again && *again == *read);
}

}  // namespace

Target MakeTarget() {
  const TopicId topic(Uuid::FromRandom(1, 2));
  return {.seeds = {broker::TextOf({}),
                    broker::TextOf({{{topic, PartitionIndex(0)}, Offset(5)},
                                    {{topic, PartitionIndex(31)}, Offset(1ll << 50)}})},
          .feed = Feed};
}

}  // namespace weir::fuzz
