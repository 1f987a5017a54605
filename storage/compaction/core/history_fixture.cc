// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/history_fixture.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::compaction {
namespace {

constexpr int64_t kDeleteRetentionMs = 300;

std::string Number(int64_t value) { return std::to_string(value); }

// What a reader holds who read all of it from the start.
std::map<std::string, std::string> Folded(const std::vector<SeenRecord>& records) {
  std::map<std::string, std::string> map;
  for (const SeenRecord& record : records) {
    if (!record.key) continue;
    if (record.value) {
      map[*record.key] = *record.value;
    } else {
      map.erase(*record.key);
    }
  }
  return map;
}

// The folds over headers that a log, and a follower that copies it, comes to.
struct HeaderFolds {
  Offset end;
  std::map<int32_t, Offset> epochs;
  std::map<int64_t, int32_t> last_sequences;
  bool operator==(const HeaderFolds&) const = default;
};

HeaderFolds FoldsOf(const BatchLog& log) {
  HeaderFolds folds;
  for (size_t i = 0; i < log.batches.size(); ++i) {
    records::BatchHeader header = log.HeaderOf(i);
    folds.end = header.end_offset();
    folds.epochs.try_emplace(header.leader_epoch.value(), header.base_offset);
    if (header.is_idempotent()) {
      folds.last_sequences[header.producer_id.value()] = header.last_sequence();
    }
  }
  return folds;
}

}  // namespace

HistoryFixture::HistoryFixture(uint64_t seed) : random_(seed) {
  config_.dirty_ratio_min = 0;
  config_.delete_retention_ms = kDeleteRetentionMs;
  config_.segment_bytes = 300 + Draw(3000);
  config_.lag_ms_min = Draw(3) == 0 ? 100 : 0;
}

void HistoryFixture::Step() {
  now_ += static_cast<int64_t>(Draw(200));
  size_t what = Draw(10);
  if (what == 0 && !log_.batches.empty()) Cut();
  if (what == 1) Clean();
  if (what == 2) bases_.insert(log_.end);
  if (what >= 3) Append();
  // Sometimes it stands still for long.
  if (Draw(3) == 0 && !log_.batches.empty()) {
    Offset raised = log_.HeaderOf(Draw(log_.batches.size())).end_offset();
    high_watermark_ = std::max(high_watermark_, raised);
  }
}

void HistoryFixture::Expect(bool is_right, const std::string& what) {
  if (!is_right) wrong_.push_back(what);
}

void HistoryFixture::Append() {
  std::vector<KeyValue> records;
  for (size_t i = 1 + Draw(12); i > 0; --i) {
    KeyValue record{"key " + Number(static_cast<int64_t>(Draw(12))), "value " + Number(++values_),
                    now_ - static_cast<int64_t>(Draw(50))};
    // Beside these, as many keys as a small map has no room for.
    if (Draw(2) == 0) record.key = "rare " + Number(values_);
    if (Draw(4) == 0) record.value.reset();
    if (Draw(20) == 0) record.key.reset();
    records.push_back(std::move(record));
  }
  if (Draw(15) == 0) ++epoch_;
  int64_t producer = static_cast<int64_t>(Draw(4)) - 1;
  int32_t sequence = producer < 0 ? -1 : sequences_[producer];
  sequences_[producer] += static_cast<int32_t>(records.size());
  log_.Append(records, epoch_, producer, sequence);
  if (Draw(4) == 0) {
    auto compression = static_cast<records::Compression>(1 + Draw(4));
    log_.batches.back() = Compressed(log_.batches.back(), compression);
  }
  for (SeenRecord& record : RecordsOf(log_.batches.back())) all_.push_back(std::move(record));
  if (producer >= 0) producers_[ProducerId(producer)] = {log_.end - 1};
}

// Somewhere above the high watermark, at a batch's end: as when another leads from here on.
void HistoryFixture::Cut() {
  size_t kept = log_.batches.size();
  while (kept > 0 && log_.HeaderOf(kept - 1).base_offset >= high_watermark_ && Draw(3) != 0) --kept;
  if (kept == log_.batches.size()) return;
  ++cuts_;
  log_.end = log_.HeaderOf(kept).base_offset;
  log_.batches.resize(kept);
  std::erase_if(all_, [&](const SeenRecord& record) { return record.offset >= log_.end; });
  std::erase_if(bases_, [&](Offset base) { return base > log_.end; });
  bases_.insert(Offset(0));
  if (clean_end_ > log_.end) clean_end_ = log_.end;
  ++epoch_;
  producers_.clear();
  sequences_.clear();
  for (const auto& [producer, sequence] : FoldsOf(log_).last_sequences) {
    sequences_[producer] = sequence + 1;
  }
  for (size_t i = 0; i < kept; ++i) {
    records::BatchHeader header = log_.HeaderOf(i);
    if (header.is_idempotent()) producers_[header.producer_id] = {header.last_offset()};
  }
}

std::vector<ClosedSegment> HistoryFixture::Closed() const {
  std::vector<ClosedSegment> closed;
  for (size_t i = 0; i < log_.batches.size(); ++i) {
    records::BatchHeader header = log_.HeaderOf(i);
    Offset base = *std::prev(bases_.upper_bound(header.base_offset));
    if (base == *bases_.rbegin()) break;
    if (closed.empty() || closed.back().base != base) {
      closed.push_back({.base = base, .first_timestamp = header.max_timestamp});
    }
    ClosedSegment& segment = closed.back();
    segment.end = header.end_offset();
    segment.bytes += header.size();
    segment.max_timestamp = std::max(segment.max_timestamp, header.max_timestamp);
  }
  return closed;
}

void HistoryFixture::Clean() {
  LogExtent extent{.start = Offset(0),
                   .end = log_.end,
                   .stable_end = high_watermark_,
                   .clean_end = clean_end_,
                   .closed = Closed()};
  Cleanable cleanable = FindCleanable(extent, config_, {now_});
  if (!cleanable.is_due(config_)) return;
  ++runs_;
  BatchLog before = log_;
  OffsetMap map(Draw(2) == 0 ? 0 : 1 << 16, KeyHasher(3, 5));
  DirtyScan scan(cleanable.first_dirty, &map);
  bool goes_on = true;
  for (size_t i = 0; goes_on && i < log_.batches.size(); ++i) {
    records::BatchHeader header = log_.HeaderOf(i);
    if (header.base_offset >= cleanable.end) break;
    goes_on = scan.Take(header, log_.batches[i].view());
  }
  if (goes_on) scan.ReachedEnd(cleanable.end);
  if (!goes_on) ++full_maps_;
  Filter(cleanable, scan, map);
  Expect(scan.mapped_end() > clean_end_, "a run got nowhere");
  clean_end_ = scan.mapped_end();
  Compare(before, cleanable.end);
}

void HistoryFixture::Filter(const Cleanable& cleanable, const DirtyScan& scan,
                            const OffsetMap& map) {
  BatchFilter filter({.map = &map,
                      .mapped_end = scan.mapped_end(),
                      .now = {now_},
                      .delete_retention_ms = config_.delete_retention_ms,
                      .producers = producers_,
                      .last_of_producers = scan.last_of_producers()});
  std::vector<ClosedSegment> closed = Closed();
  std::erase_if(closed, [&](const auto& segment) { return segment.end > cleanable.end; });
  std::vector<Bytes> cleaned;
  size_t at = 0;
  for (const auto& group : GroupSegments(closed, scan.mapped_end(), config_)) {
    for (const ClosedSegment& segment : group.subspan(1)) bases_.erase(segment.base);
    for (; at < log_.batches.size(); ++at) {
      records::BatchHeader header = log_.HeaderOf(at);
      if (header.base_offset >= group.back().end) break;
      bool closes = header.end_offset() == group.back().end;
      auto verdict = filter.Judge(header, log_.batches[at], closes, 1 << 20);
      if (verdict.fate != BatchFilter::Fate::kDropped) cleaned.push_back(verdict.batch);
    }
  }
  for (; at < log_.batches.size(); ++at) cleaned.push_back(log_.batches[at]);
  log_.batches = std::move(cleaned);
}

void HistoryFixture::Compare(const BatchLog& before, Offset cleaned_end) {
  std::vector<SeenRecord> now = log_.Records();
  Expect(Folded(now) == Folded(all_), "a reader from the start comes to something else");
  Expect(FoldsOf(log_) == FoldsOf(before), "a fold over the headers comes to something else");
  Offset next;
  for (const SeenRecord& record : now) {
    Expect(record.offset >= next, "records are out of order at " + Number(record.offset.value()));
    next = record.offset + 1;
    auto was = std::ranges::lower_bound(all_, record.offset, {}, &SeenRecord::offset);
    Expect(was != all_.end() && *was == record,
           "the record at " + Number(record.offset.value()) + " is another than was written");
  }
  for (size_t i = 1; i < log_.batches.size(); ++i) {
    Expect(log_.HeaderOf(i).base_offset >= log_.HeaderOf(i - 1).end_offset(),
           "batches are out of order");
  }
  auto is_below = [&](const SeenRecord& record) { return record.offset < cleaned_end; };
  std::vector<SeenRecord> were = before.Records();
  std::erase_if(were, is_below);
  std::erase_if(now, is_below);
  Expect(now == were, "something above what was cleaned is not as it was");
  CompareTombstones(before);
}

// Whoever reads a value just before a run has delete.retention.ms to come to its tombstone.
void HistoryFixture::CompareTombstones(const BatchLog& before) {
  std::map<std::string, Offset> last;
  for (const SeenRecord& record : all_) {
    if (record.key) last[*record.key] = record.offset;
  }
  std::set<Offset> now;
  for (const SeenRecord& record : log_.Records()) now.insert(record.offset);
  for (const SeenRecord& record : before.Records()) {
    if (!record.key || record.value) continue;
    if (now.contains(record.offset)) {
      if (record.offset < clean_end_) tombstones_.try_emplace(record.offset, now_);
      continue;
    }
    if (last.at(*record.key) != record.offset) continue;
    auto first = tombstones_.find(record.offset);
    bool is_right = first != tombstones_.end() && now_ >= first->second + kDeleteRetentionMs;
    Expect(is_right, "the tombstone at " + Number(record.offset.value()) + " went too early");
    ++tombstones_gone_;
  }
}

}  // namespace weir::compaction
