// SPDX-License-Identifier: Apache-2.0
// A log's recovery point, as the file "weir-checkpoint" in its folder holds it: all below `end` is
// synced, in these files. Recovery scans from there. It may claim less than is there, and never
// more: before anything below its end is cut, it is written anew.
//
// Epochs and producers have files of their own, which are Kafka's: what they say of offsets up to
// `end` holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "storage/log/damage.h"
#include "storage/log/format/segment.h"

namespace weir::log {

inline constexpr std::string_view kCheckpointName = "weir-checkpoint";

struct Checkpoint {
  struct File {
    SegmentFold fold;
    WallTime written_at;
    // Of the first entries of its indexes, as many as `fold` says.
    uint32_t offsets_checksum = 0;
    uint32_t times_checksum = 0;
    // Its records lie in the file ".log.swap", if there is one.
    bool is_swap = false;
    bool operator==(const File&) const = default;
  };

  // May be beyond `end`, where deletion overtook the recovery point.
  Offset start;
  Offset end;
  // Oldest first. The last one may have grown since.
  std::vector<File> files;
  // Known, and not mended.
  std::vector<Damage> damages;

  std::string Encode() const;
  // Nothing where the bytes are not what Encode wrote.
  static std::optional<Checkpoint> Decode(std::string_view bytes);

  bool operator==(const Checkpoint&) const = default;
};

}  // namespace weir::log
