// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/compacted_log.h"

#include <algorithm>
#include <utility>

#include "storage/compaction/driver/log_view.h"
#include "storage/log/format/names.h"

namespace weir::broker {
namespace {

std::unexpected<Error> NotOpen() {
  return Fail(Error::Kind::kUnavailable, "the log is being opened, cut or closed");
}

}  // namespace

Offset CompactedLog::start() const {
  const log::Log* log = partition_->settled_log();
  return log ? log->start() : Offset(0);
}

Offset CompactedLog::end() const {
  const log::Log* log = partition_->settled_log();
  return log ? log->end() : Offset(0);
}

Offset CompactedLog::stable_end() const {
  const log::Log* log = partition_->settled_log();
  return log ? std::min(partition_->high_watermark(), log->written()) : Offset(0);
}

std::vector<compaction::ClosedSegment> CompactedLog::Closed() const {
  log::Log* log = partition_->settled_log();
  if (!log) return {};
  return compaction::LogView(log, nullptr).Closed();
}

compaction::ProducerBatches CompactedLog::Producers() const {
  const log::Log* log = partition_->settled_log();
  return log ? log->ProducerBatches() : compaction::ProducerBatches();
}

void CompactedLog::Read(Offset from, Offset limit, size_t max_bytes,
                        Callback<void(Result<Bytes>)> done) {
  log::Log* log = partition_->settled_log();
  if (log && log->start() <= from && limit <= log->written()) {
    return log->Read(from, limit, max_bytes, std::move(done));
  }
  strand_.Post([done = std::move(done)]() mutable { done(NotOpen()); });
}

std::string CompactedLog::CleanedPath(Offset base) const {
  // As the log names it, whether it is open or not: what a run leaves is removed under this name.
  return partition_->folder() + "/" + log::CleanedName(base);
}

void CompactedLog::Replace(std::vector<Offset> bases, Callback<void(Result<void>)> done) {
  if (log::Log* log = partition_->settled_log()) {
    return log->Replace(std::move(bases), std::move(done));
  }
  strand_.Post([done = std::move(done)]() mutable { done(NotOpen()); });
}

}  // namespace weir::broker
