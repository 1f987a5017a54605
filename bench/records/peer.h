// SPDX-License-Identifier: Apache-2.0
// Who is loaded: a cluster of Weir, or of Kafka, by a client of its own. Each has threads of its
// own; Send, Drain and Read come from one thread, acknowledgements from another.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace weir::bench {

struct PeerConfig {
  std::string bootstrap;
  std::string topic;
  // Of the producer: how long a batch waits for company, and how large it grows.
  double linger_ms = 5;
  size_t batch_bytes = 256 << 10;
  size_t buffer_bytes = 32 << 20;
};

class Peer {
 public:
  // The record with this tag is acknowledged by all in-sync replicas, or given up.
  using Settled = std::function<void(uint64_t tag, bool acknowledged)>;
  // So many records, of so many bytes in all, were read.
  using Arrived = std::function<void(uint64_t records, uint64_t bytes)>;

  virtual ~Peer() = default;

  // To a partition of the peer's choice; waits while its buffer is full.
  virtual void Send(uint64_t tag, std::string_view value) = 0;
  // Waits until all that was sent is settled.
  virtual void Drain() = 0;
  // All partitions from their start to the end that they have now.
  virtual void Read(const Arrived& arrived) = 0;
};

std::unique_ptr<Peer> MakeWeir(const PeerConfig& config, Peer::Settled settled);
std::unique_ptr<Peer> MakeKafka(const PeerConfig& config, Peer::Settled settled);

}  // namespace weir::bench
