// SPDX-License-Identifier: Apache-2.0
// A batch on its way to a partition, and what a producer core wants done and reports: its effects.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/core/record.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::client {

struct ProducerConfig {
  // -1, 1 or 0, as AppendRequest.acks.
  int32_t acks = -1;
  size_t batch_bytes = 64 * 1024;
  // How long a batch waits for company while its leader owes answers. To one that owes none it goes
  // at once.
  Duration linger = std::chrono::milliseconds(5);
  // Per partition. A leader remembers five batches of a producer, so never more.
  int max_in_flight = 5;
  // Of records that are not yet settled; above it there is no room.
  size_t buffer_bytes = 32 * 1024 * 1024;
  // From Send until a record is given up.
  Duration delivery_timeout = std::chrono::seconds(120);
  // How long a leader may take for one append.
  Duration request_timeout = std::chrono::seconds(10);
  // An append unanswered for this long makes us ask whether the leader is still the leader.
  Duration doubt_after = std::chrono::seconds(1);
  // How long a topic may be unknown: its creation may not have reached every node.
  Duration unknown_topic_patience = std::chrono::seconds(5);
  // While records are sent: what is older than this is asked again, for partitions may be added.
  Duration route_age = std::chrono::seconds(30);
};

// Who writes, so that a leader recognises what it has already.
struct ProducerIdentity {
  ProducerId id = kNoProducer;
  ProducerEpoch epoch{-1};

  bool operator==(const ProducerIdentity&) const = default;
};

// Records that travel, succeed and fail together.
struct Batch {
  std::vector<Record> records;
  size_t bytes = 0;
  Instant opened;
  // Set once it takes no more records.
  bool closed = false;
  // Set when first sent, and again only when it is known that no leader has the batch.
  ProducerIdentity identity;
  int32_t sequence = -1;
};

// The leader's answer: where the batch lies (-1: written before, and where is not known), or why
// not.
using AppendAnswer = Answer<Offset>;

namespace effect {

// Ask where these topics are led; answered by Located or LocateFailed.
struct Locate {
  std::vector<std::string> topics;
};

// Answered by Identified or IdentifyFailed.
struct InitProducer {};

// Answered by Appended with the same request, once. Appends to one node go out in this order. The
// batch does not change while the request is unanswered.
struct Append {
  uint64_t request = 0;
  NodeId leader;
  LeaderEpoch leader_epoch;
  PartitionId partition;
  int32_t acks = -1;
  Duration timeout{};
  std::shared_ptr<const Batch> batch;
};

// The answer is no longer waited for: the leader is another, or it was silent for too long.
struct Abandon {
  uint64_t request = 0;
  NodeId leader;
};

// What became of a batch: the offset of its first record, or why it was given up.
struct Settled {
  std::string topic;
  PartitionIndex partition;
  std::shared_ptr<const Batch> batch;
  AppendAnswer answer;
};

}  // namespace effect

using ProducerEffect = std::variant<effect::Locate, effect::InitProducer, effect::Append,
                                    effect::Abandon, effect::Settled>;
using ProducerEffects = std::vector<ProducerEffect>;

}  // namespace weir::client
