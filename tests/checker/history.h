// SPDX-License-Identifier: Apache-2.0
// What producers were told, held against what a reader finds: nothing acknowledged is lost, nothing
// is changed, duplicated by the system, or out of order within a key. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace weir::checker {

// A record as a workload writes it: its key, and the how-manieth of that key it is.
struct Written {
  std::string key;
  int64_t number = 0;
  auto operator<=>(const Written&) const = default;
};

// The value that carries it, and back; nothing if it is no such value.
std::string ValueOf(const Written& record);
std::optional<Written> ParseValue(const std::string& key, const std::string& value);

class History {
 public:
  void Sent(const Written& record);
  // `offset` below zero: acknowledged, and where is not known.
  void Acknowledged(const Written& record, PartitionIndex partition, Offset offset);
  // What was acknowledged may be gone: it was not promised to be kept.
  void AllowLoss() { may_be_lost_ = true; }
  // A reader, from the beginning to the end of a partition, found this next.
  void Found(PartitionIndex partition, Offset offset, const std::string& key,
             const std::string& value);

  size_t sent() const { return records_.size(); }
  size_t acknowledged() const { return acknowledged_; }

  // Everything that is wrong, in words; empty if nothing is.
  std::vector<std::string> Judge() const;

 private:
  struct Place {
    PartitionIndex partition;
    Offset offset;
  };
  struct Fate {
    std::optional<Place> acknowledged;
    std::vector<Place> found;
  };

  std::map<Written, Fate> records_;
  size_t acknowledged_ = 0;
  bool may_be_lost_ = false;
  // The last number found of each key, and the next offset a reader may find in each partition.
  std::map<std::string, int64_t> last_found_;
  std::map<PartitionIndex, Offset> next_offset_;
  std::vector<std::string> wrong_;
};

}  // namespace weir::checker
