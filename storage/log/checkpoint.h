// SPDX-License-Identifier: Apache-2.0
// A log's last clean point, as the file "checkpoint" in its folder holds it: all below `end` is
// synced, and this is what folding it gives. Recovery scans from there. Written after each roll
// and by a clean stop; removed before anything below its end is cut.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "storage/log/log.h"
#include "storage/log/producers.h"

namespace weir::log {

inline constexpr std::string_view kCheckpointName = "checkpoint";

struct Checkpoint {
  struct File {
    Offset base;
    uint64_t bytes = 0;
    uint32_t index_checksum = 0;
    bool operator==(const File&) const = default;
  };

  Offset start;
  Offset end;
  // Oldest first. The last one may have grown since.
  std::vector<File> files;
  LeaderEpochs epochs;
  Producers producers;

  std::string Encode() const;
  // Nothing where the bytes are not what Encode wrote.
  static std::optional<Checkpoint> Decode(std::string_view bytes);

  bool operator==(const Checkpoint&) const = default;
};

}  // namespace weir::log
