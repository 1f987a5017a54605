// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/core/batch_filter.h"

#include <glog/logging.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/planted_bug.h"
#include "common/codec/varint.h"
#include "common/records/batch_builder.h"

namespace weir::compaction {
namespace {

using records::BatchHeader;

constexpr int16_t kDeleteHorizonBit = 0x40;
constexpr int16_t kCompressionBits = 0x07;
constexpr WallTime kNoTimestamp{-1};

WallTime After(WallTime now, int64_t ms) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t from = std::max<int64_t>(now.ms, 0);
  return {from + std::clamp<int64_t>(ms, 0, kMax - from)};
}

// The record with the distance of its timestamp from another base.
void AppendMoved(const RecordRun& record, WallTime base, std::string* out) {
  auto delta = static_cast<int64_t>(static_cast<uint64_t>(record.timestamp.ms) -
                                    static_cast<uint64_t>(base.ms));
  size_t length =
      record.attributes.size() + codec::VarlongSize(delta) + record.after_timestamp.size();
  codec::AppendVarint(static_cast<int32_t>(length), out);
  out->append(record.attributes);
  codec::AppendVarlong(delta, out);
  out->append(record.after_timestamp);
}

Bytes Rebuilt(BatchHeader header, const std::vector<RecordRun>& runs) {
  std::string records;
  for (const RecordRun& record : runs) records.append(record.whole);
  header.count = static_cast<int32_t>(runs.size());
  return records::AssembleBatch(header, SealRecords(header.compression(), std::move(records)));
}

Bytes RebuiltWithHorizon(BatchHeader header, const std::vector<RecordRun>& runs, WallTime horizon) {
  header.attributes = static_cast<int16_t>(header.attributes | kDeleteHorizonBit);
  header.base_timestamp = horizon;
  std::string records;
  for (const RecordRun& record : runs) AppendMoved(record, horizon, &records);
  header.count = static_cast<int32_t>(runs.size());
  return records::AssembleBatch(header, SealRecords(header.compression(), std::move(records)));
}

Bytes Emptied(BatchHeader header) {
  header.attributes =
      static_cast<int16_t>(header.attributes & ~(kDeleteHorizonBit | kCompressionBits));
  header.base_timestamp = kNoTimestamp;
  header.count = 0;
  return records::AssembleBatch(header, "");
}

// Of the records that stay; that of a batch stamped by the log is the log's.
WallTime MaxTimestamp(const BatchHeader& header, const std::vector<RecordRun>& runs) {
  if (header.has_append_time()) return header.max_timestamp;
  return std::ranges::max(runs, {}, &RecordRun::timestamp).timestamp;
}

}  // namespace

BatchFilter::Verdict BatchFilter::Judge(const BatchHeader& header, const Bytes& batch,
                                        bool closes_segment, uint64_t room) {
  bool begins_epoch = header.leader_epoch != std::exchange(epoch_, header.leader_epoch);
  ++tally_.batches;
  tally_.records += header.count;
  // Nothing is known of what was not mapped. What transactions wrote is never mapped, and whoever
  // reads it needs their markers.
  bool is_judged =
      header.base_offset < scope_.mapped_end && !header.is_control() && !header.is_transactional();
  if (!is_judged) return Keep(header, batch);
  if (!ReadRecords(header, batch.view(), &room_, &runs_)) {
    ++tally_.unreadable;
    return Keep(header, batch);
  }
  std::erase_if(runs_, [&](const RecordRun& record) { return !Stays(header, record); });
  auto count = static_cast<int32_t>(runs_.size());
  if (count == 0) {
    if (!StaysEmpty(header, closes_segment, begins_epoch)) return Verdict{Fate::kDropped, {}};
    if (header.count == 0) return Keep(header, batch);
    return Verdict{Fate::kEmptied, Emptied(header)};
  }
  BatchHeader changed = header;
  changed.max_timestamp = MaxTimestamp(header, runs_);
  if (!header.has_delete_horizon() && HasTombstonesThatAreMapped()) {
    WallTime horizon = After(scope_.now, scope_.delete_retention_ms);
    Bytes stamped = RebuiltWithHorizon(changed, runs_, horizon);
    // Timestamps lie further from their base than before. Where a segment has no room for that, the
    // tombstones wait for a later run.
    if (stamped.size() <= batch.size() + room) {
      tally_.records_kept += count;
      return Verdict{Fate::kChanged, std::move(stamped)};
    }
  }
  if (count == header.count) return Keep(header, batch);
  tally_.records_kept += count;
  return Verdict{Fate::kChanged, Rebuilt(changed, runs_)};
}

BatchFilter::Verdict BatchFilter::Keep(const BatchHeader& header, const Bytes& batch) {
  tally_.records_kept += header.count;
  return Verdict{Fate::kKept, batch};
}

// Kafka begins to count before the run that takes away what a tombstone deletes: here, a batch that
// was mapped only in part waits for the run that maps the rest.
bool BatchFilter::HasTombstonesThatAreMapped() const {
  bool has_tombstones = false;
  for (const RecordRun& record : runs_) {
    if (!record.is_tombstone) continue;
    bool is_mapped =
        record.offset < scope_.mapped_end || PLANTED_BUG("compaction: a horizon before its time");
    if (!is_mapped) return false;
    has_tombstones = true;
  }
  return has_tombstones;
}

bool BatchFilter::Stays(const BatchHeader& header, const RecordRun& record) const {
  if (record.offset >= scope_.mapped_end) return true;
  // The topic was none of keys when it came; nobody could ever tell that it is superseded.
  if (!record.key) return false;
  auto latest = scope_.map->Latest(*record.key);
  if (latest && *latest > record.offset) return false;
  if (!record.is_tombstone) return true;
  if (PLANTED_BUG("compaction: a tombstone goes at once")) return false;
  return !header.has_delete_horizon() || scope_.now < header.base_timestamp;
}

// What folds over the headers of a log must come to the same after compaction: where it ends, which
// epoch began where, and what each producer wrote last.
bool BatchFilter::StaysEmpty(const BatchHeader& header, bool closes_segment,
                             bool begins_epoch) const {
  if (PLANTED_BUG("compaction: an epoch's first batch goes")) begins_epoch = false;
  return closes_segment || begins_epoch || IsOfActiveProducer(header);
}

bool BatchFilter::IsOfActiveProducer(const BatchHeader& header) const {
  if (!header.is_idempotent()) return false;
  if (PLANTED_BUG("compaction: an active producer's last batch goes")) return false;
  auto active = scope_.producers.find(header.producer_id);
  if (active == scope_.producers.end() || active->second.empty()) return false;
  if (std::ranges::count(active->second, header.last_offset()) > 0) return true;
  // The log may be cut, though not below what is cleaned: then its last batch before the cut is the
  // one by which the producer is known.
  auto dirty = scope_.last_of_producers.find(header.producer_id);
  if (dirty != scope_.last_of_producers.end()) return header.last_offset() == dirty->second;
  return active->second.back() >= scope_.mapped_end;
}

}  // namespace weir::compaction
