// SPDX-License-Identifier: Apache-2.0
// Reads what lies on the disks of this node again and again, at a bounded rate, and compares it
// with its checksums: one partition at a time in each directory, what is below its recovery point.
// What is found to be damaged is told by the log itself. How far it came is written down, so that a
// node that is often started comes round too. One strand.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/ids.h"
#include "common/host/deadline_timer.h"
#include "common/host/host.h"
#include "storage/log/log.h"

namespace weir::broker {

class Directory;
class Partitions;

struct ScrubConfig {
  // Of each directory; 0: nothing is read.
  int64_t bytes_per_second = 0;
  // At least so long from the beginning of a round to that of the next.
  Duration round_min = std::chrono::minutes(1);
  // How far it came is written so often.
  Duration noted_every = std::chrono::minutes(1);
};

class Scrubber {
 public:
  // All outlive it.
  Scrubber(host::Host host, const Partitions* partitions, std::vector<Directory*> directories,
           ScrubConfig config);
  ~Scrubber();
  Scrubber(const Scrubber&) = delete;
  Scrubber& operator=(const Scrubber&) = delete;

  // Goes on where it stopped. Called once, when the logs are there.
  void Start();

  // Rounds through all directories together that were ended, and bytes that were read.
  uint64_t rounds() const { return rounds_; }
  uint64_t bytes() const { return bytes_; }

 private:
  class Round;

  std::vector<std::unique_ptr<Round>> running_;
  uint64_t rounds_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace weir::broker
