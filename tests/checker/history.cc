// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/history.h"

#include <charconv>
#include <sstream>

namespace weir::checker {
namespace {

template <class... Parts>
std::string Words(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// Long enough that batches span blocks of the disk, and different for each record.
std::string PaddingOf(const Written& record) {
  return std::string(static_cast<size_t>(20 + record.number % 180), 'a' + record.number % 26);
}

}  // namespace

std::string ValueOf(const Written& record) {
  return record.key + "#" + std::to_string(record.number) + "#" + PaddingOf(record);
}

std::optional<Written> ParseValue(const std::string& key, const std::string& value) {
  Written record{key, 0};
  if (!value.starts_with(key + "#")) return std::nullopt;
  const char* from = value.data() + key.size() + 1;
  auto [end, error] = std::from_chars(from, value.data() + value.size(), record.number);
  if (error != std::errc() || value != ValueOf(record)) return std::nullopt;
  return record;
}

void History::Sent(const Written& record) {
  if (!records_.emplace(record, Fate{}).second) {
    wrong_.push_back(Words("the workload sent ", record.key, "#", record.number, " twice"));
  }
}

void History::Acknowledged(const Written& record, PartitionIndex partition, Offset offset) {
  auto known = records_.find(record);
  if (known == records_.end()) {
    wrong_.push_back(Words(record.key, "#", record.number, " was acknowledged and never sent"));
    return;
  }
  if (known->second.acknowledged) {
    wrong_.push_back(Words(record.key, "#", record.number, " was acknowledged twice"));
    return;
  }
  known->second.acknowledged = Place{partition, offset};
  ++acknowledged_;
}

void History::Found(PartitionIndex partition, Offset offset, const std::string& key,
                    const std::string& value) {
  Offset& next = next_offset_[partition];
  if (offset < next) {
    wrong_.push_back(Words("partition ", partition, " went back to offset ", offset));
  }
  next = offset + 1;
  auto record = ParseValue(key, value);
  auto known = record ? records_.find(*record) : records_.end();
  if (known == records_.end()) {
    wrong_.push_back(Words("partition ", partition, " offset ", offset,
                           " holds what nobody wrote: ", key, " = ", value.substr(0, 60)));
    return;
  }
  known->second.found.push_back(Place{partition, offset});
  auto last = last_found_.find(key);
  if (last != last_found_.end() && last->second >= record->number) {
    wrong_.push_back(Words("key ", key, ": number ", record->number, " stands after ", last->second,
                           " (partition ", partition, " offset ", offset, ")"));
  }
  last_found_[key] = record->number;
}

std::vector<std::string> History::Judge() const {
  std::vector<std::string> wrong = wrong_;
  for (const auto& [record, fate] : records_) {
    if (fate.found.size() > 1) {
      wrong.push_back(Words(record.key, "#", record.number, " is there ", fate.found.size(),
                            " times: at ", fate.found[0].offset, " and ", fate.found[1].offset));
    }
    if (!fate.acknowledged) continue;
    if (fate.found.empty()) {
      if (may_be_lost_) continue;
      wrong.push_back(Words(record.key, "#", record.number, " was acknowledged at partition ",
                            fate.acknowledged->partition, " offset ", fate.acknowledged->offset,
                            " and is lost"));
      continue;
    }
    const Place& found = fate.found.front();
    if (fate.acknowledged->offset >= Offset(0) &&
        (found.offset != fate.acknowledged->offset ||
         found.partition != fate.acknowledged->partition)) {
      wrong.push_back(Words(record.key, "#", record.number, " was acknowledged at ",
                            fate.acknowledged->offset, " and lies at ", found.offset));
    }
  }
  return wrong;
}

}  // namespace weir::checker
