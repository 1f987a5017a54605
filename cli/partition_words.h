// SPDX-License-Identifier: Apache-2.0
// Partitions, and where they are to lie, as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace weir::cli {

struct PartitionWord {
  std::string topic;
  int32_t partition = 0;
  // As the admin API names it.
  std::string name() const {
    return "topics/" + topic + "/partitions/" + std::to_string(partition);
  }
  bool operator==(const PartitionWord&) const = default;
};

// "orders/0".
Result<PartitionWord> ParsePartition(std::string_view text);

struct MoveWord {
  PartitionWord partition;
  std::vector<int32_t> nodes;
  bool operator==(const MoveWord&) const = default;
};

// "orders/0=1,2,3": the partition, and the nodes in order of preference.
Result<MoveWord> ParseMove(std::string_view text);

// "topics/orders/partitions/0" as "orders/0"; anything else as it is.
std::string ShortName(const std::string& name);

}  // namespace weir::cli
