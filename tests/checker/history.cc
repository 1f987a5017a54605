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

void History::Sent(const Written& record, Instant now) {
  if (!records_.emplace(record, Fate{.sent = now}).second) {
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

std::pair<const Written, History::Fate>* History::Recognise(const Place& place,
                                                            const std::string& key,
                                                            const std::string& value) {
  auto record = ParseValue(key, value);
  auto known = record ? records_.find(*record) : records_.end();
  if (known != records_.end()) return &*known;
  wrong_.push_back(Words("partition ", place.partition, " offset ", place.offset,
                         " holds what nobody wrote: ", key, " = ", value.substr(0, 60)));
  return nullptr;
}

void History::Read(const std::string& reader, PartitionIndex partition, Offset offset,
                   const std::string& key, const std::string& value) {
  ++read_;
  Progress& progress = readers_[{reader, partition}];
  bool is_gap = offset > progress.next && (is_compacted_ || forgotten_after_);
  if (offset != progress.next && !is_gap && !may_be_read_and_lost_) {
    wrong_.push_back(Words(reader, ", partition ", partition, ": offset ", offset,
                           offset < progress.next ? " came again, or late: " : " came too early: ",
                           progress.next, " was next"));
  }
  progress.next = offset + 1;
  if (progress.high_watermark && offset >= *progress.high_watermark) {
    wrong_.push_back(Words(reader, ", partition ", partition, ": offset ", offset,
                           " was handed out with a high watermark of ", *progress.high_watermark));
  }
  Place place{partition, offset};
  auto* known = Recognise(place, key, value);
  if (!known || may_be_read_and_lost_) return;
  auto [seen, is_first] = seen_.emplace(place, known->first);
  if (!is_first && seen->second != known->first) {
    wrong_.push_back(Words(reader, " read ", known->first.key, "#", known->first.number,
                           " at partition ", partition, " offset ", offset,
                           ", where another had read ", seen->second.key, "#",
                           seen->second.number));
  }
  auto& read = known->second.read;
  if (!read) read = place;
  if (*read != place) {
    wrong_.push_back(Words(reader, " read ", known->first.key, "#", known->first.number, " at ",
                           offset, ", and it had been read at ", read->offset));
  }
}

void History::Told(const std::string& reader, PartitionIndex partition, Offset high_watermark) {
  auto& before = readers_[{reader, partition}].high_watermark;
  if (before && high_watermark < *before && !may_be_read_and_lost_) {
    wrong_.push_back(Words(reader, ", partition ", partition, ": the high watermark fell from ",
                           *before, " to ", high_watermark));
  }
  before = high_watermark;
}

void History::Found(PartitionIndex partition, Offset offset, const std::string& key,
                    const std::string& value) {
  first_offset_.try_emplace(partition, offset);
  auto [next, is_first] = next_offset_.try_emplace(partition, offset);
  if (offset < next->second) {
    wrong_.push_back(Words("partition ", partition, " went back to offset ", offset));
  } else if (offset > next->second && !is_compacted_) {
    wrong_.push_back(
        Words("partition ", partition, " has nothing from offset ", next->second, " to ", offset));
  }
  next->second = offset + 1;
  auto* known = Recognise({partition, offset}, key, value);
  if (!known) return;
  const Written& record = known->first;
  known->second.found.push_back(Place{partition, offset});
  auto seen = seen_.find({partition, offset});
  if (seen != seen_.end() && seen->second != record) {
    wrong_.push_back(Words("partition ", partition, " offset ", offset, " holds ", record.key, "#",
                           record.number, ", where a reader had read ", seen->second.key, "#",
                           seen->second.number));
  }
  auto last = last_found_.find(key);
  if (last != last_found_.end() && last->second >= record.number) {
    wrong_.push_back(Words("key ", key, ": number ", record.number, " stands after ", last->second,
                           " (partition ", partition, " offset ", offset, ")"));
  }
  last_found_[key] = record.number;
}

// A later record of its key takes its place, or its time was over.
bool History::MayBeGone(const Written& record, const Fate& fate, Instant now) const {
  auto last = last_found_.find(record.key);
  if (is_compacted_ && last != last_found_.end() && last->second > record.number) return true;
  auto first = first_offset_.find(fate.acknowledged->partition);
  return forgotten_after_ && now - fate.sent >= *forgotten_after_ &&
         (first == first_offset_.end() || fate.acknowledged->offset < first->second);
}

void History::JudgeAcknowledged(const Written& record, const Fate& fate, Instant now,
                                std::vector<std::string>& wrong) const {
  if (fate.found.empty()) {
    if (may_be_lost_ || MayBeGone(record, fate, now)) return;
    wrong.push_back(Words(record.key, "#", record.number, " was acknowledged at partition ",
                          fate.acknowledged->partition, " offset ", fate.acknowledged->offset,
                          " and is lost"));
    return;
  }
  const Place& found = fate.found.front();
  if (fate.acknowledged->offset >= Offset(0) && found != *fate.acknowledged) {
    wrong.push_back(Words(record.key, "#", record.number, " was acknowledged at ",
                          fate.acknowledged->offset, " and lies at ", found.offset));
  }
}

// Only what was committed can be read: it is there for ever. A topic that nobody has read back in
// the end is not judged.
void History::JudgeReads(std::vector<std::string>& wrong) const {
  for (const auto& [place, record] : seen_) {
    auto end = next_offset_.find(place.partition);
    if (next_offset_.empty() || (end != next_offset_.end() && place.offset < end->second)) continue;
    wrong.push_back(Words(record.key, "#", record.number, " was read at partition ",
                          place.partition, " offset ", place.offset, " and is lost"));
  }
}

std::vector<std::string> History::Judge(Instant now) const {
  std::vector<std::string> wrong = wrong_;
  for (const auto& [record, fate] : records_) {
    if (fate.found.size() > 1) {
      wrong.push_back(Words(record.key, "#", record.number, " is there ", fate.found.size(),
                            " times: at ", fate.found[0].offset, " and ", fate.found[1].offset));
    }
    if (fate.acknowledged) JudgeAcknowledged(record, fate, now, wrong);
  }
  JudgeReads(wrong);
  return wrong;
}

}  // namespace weir::checker
