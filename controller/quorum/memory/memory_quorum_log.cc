// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/memory/memory_quorum_log.h"

#include <glog/logging.h>

#include <utility>

#include "controller/quorum/voters_entry.h"

namespace weir::quorum {
namespace {

LogIndex LastOf(const MemoryQuorumDisk& disk) {
  return disk.entries.empty() ? disk.begin.index : disk.entries.back().index;
}

void Carry(LogWrite write, MemoryQuorumDisk& disk) {
  if (write.hard_state) disk.hard_state = *write.hard_state;
  if (write.truncate_from) {
    while (!disk.entries.empty() && disk.entries.back().index >= *write.truncate_from) {
      disk.entries.pop_back();
    }
  }
  if (write.install) disk.Install(std::move(*write.install));
  for (LogEntry& entry : write.append) {
    CHECK_EQ(entry.index, LastOf(disk) + 1) << "a gap in the quorum's log";
    disk.entries.push_back(std::move(entry));
  }
}

void Compact(StoredSnapshot snapshot, LogIndex begin, MemoryQuorumDisk& disk) {
  CHECK_LE(begin, snapshot.last.index);
  if (disk.snapshot && disk.snapshot->last.index >= snapshot.last.index) return;
  bool is_held = false;
  for (const LogEntry& entry : disk.entries) {
    is_held |= entry.index == snapshot.last.index && entry.term == snapshot.last.term;
  }
  if (!is_held) return;
  while (!disk.entries.empty() && disk.entries.front().index <= begin) {
    disk.begin = {disk.entries.front().index, disk.entries.front().term};
    disk.entries.pop_front();
  }
  disk.snapshot = std::move(snapshot);
}

}  // namespace

void MemoryQuorumDisk::Install(StoredSnapshot installed) {
  entries.clear();
  begin = installed.last;
  snapshot = std::move(installed);
}

MemoryQuorumLog::MemoryQuorumLog(const host::Clock& clock, host::Strand& strand,
                                 MemoryQuorumDisk& disk)
    : clock_(clock), strand_(strand), disk_(disk) {}

MemoryQuorumLog::~MemoryQuorumLog() {
  if (holds_disk_) disk_.is_open = false;
}

// Operations run one after another: each waits out its latency, takes effect, and answers.
void MemoryQuorumLog::Queue(Duration latency, Callback<void()> operation) {
  queue_.emplace_back(latency, std::move(operation));
  if (!running_) RunNext();
}

void MemoryQuorumLog::RunNext() {
  running_ = !queue_.empty();
  if (!running_) return;
  auto run = lifetime_.Bind([this] {
    auto operation = std::move(queue_.front().second);
    queue_.pop_front();
    operation();
    RunNext();
  });
  Duration latency = queue_.front().first;
  if (latency <= Duration::zero()) {
    strand_.Post(std::move(run));
  } else {
    strand_.RunAt(clock_.Now() + latency, std::move(run));
  }
}

void MemoryQuorumLog::Load(Callback<void(Result<Remembered>)> done) {
  Queue(Duration::zero(), [this, done = std::move(done)]() mutable {
    if (disk_.is_open) {
      strand_.Post(lifetime_.Bind([done = std::move(done)]() mutable {
        done(Fail(Error::Kind::kInUse, "another process uses this quorum log"));
      }));
      return;
    }
    if (disk_.damage) {
      strand_.Post(lifetime_.Bind([done = std::move(done), why = *disk_.damage]() mutable {
        done(std::unexpected(std::move(why)));
      }));
      return;
    }
    disk_.is_open = holds_disk_ = true;
    Remembered remembered{
        .hard_state = disk_.hard_state, .begin = disk_.begin, .last = LastOf(disk_)};
    if (disk_.snapshot) remembered.snapshot = disk_.snapshot->last;
    remembered.terms.Assign(disk_.begin.term, disk_.begin.index);
    for (const LogEntry& entry : disk_.entries) {
      remembered.terms.Assign(entry.term, entry.index);
      if (BringsVoters(entry.payload.view())) remembered.voters.push_back(entry);
    }
    strand_.Post(lifetime_.Bind(
        [done = std::move(done), remembered]() mutable { done(std::move(remembered)); }));
  });
}

Result<void> MemoryQuorumLog::Judge(uint64_t write) {
  if (disk_.write_error) {
    if (disk_.write_error->kind == Error::Kind::kFull) refused_to_ = last_write_;
    return std::unexpected(*disk_.write_error);
  }
  if (write > refused_to_) return {};
  return Fail(Error::Kind::kFull, "a write that found no room comes first");
}

void MemoryQuorumLog::Save(LogWrite write, Callback<void(Result<void>)> done) {
  Queue(disk_.latency, [this, number = ++last_write_, write = std::move(write),
                        done = std::move(done)]() mutable {
    Result<void> saved = Judge(number);
    bool is_kept = disk_.keeps_failed_writes && !saved && saved.error().kind != Error::Kind::kFull;
    if (saved || is_kept) Carry(std::move(write), disk_);
    strand_.Post(lifetime_.Bind([done = std::move(done), saved]() mutable { done(saved); }));
  });
}

void MemoryQuorumLog::ReadEntries(LogIndex from, LogIndex to, size_t max_bytes,
                                  Callback<void(Result<std::vector<LogEntry>>)> done) {
  Queue(Duration::zero(), [this, from, to, max_bytes, done = std::move(done)]() mutable {
    Result<std::vector<LogEntry>> read;
    size_t bytes = 0;
    for (const LogEntry& entry : disk_.entries) {
      if (entry.index < from || entry.index > to) continue;
      bytes += entry.payload.size();
      if (!read->empty() && bytes > max_bytes) break;
      read->push_back(entry);
    }
    if (disk_.damage) {
      read = std::unexpected(*disk_.damage);
    } else if (read->empty() || read->front().index != from) {
      read = Fail(Error::Kind::kNotFound,
                  "no entry " + std::to_string(from.value()) + " in the quorum's log");
    }
    strand_.Post(lifetime_.Bind(
        [done = std::move(done), read = std::move(read)]() mutable { done(std::move(read)); }));
  });
}

void MemoryQuorumLog::SaveSnapshot(StoredSnapshot snapshot, LogIndex begin,
                                   Callback<void(Result<void>)> done) {
  Queue(disk_.latency, [this, number = ++last_write_, snapshot = std::move(snapshot), begin,
                        done = std::move(done)]() mutable {
    Result<void> saved = Judge(number);
    if (saved) Compact(std::move(snapshot), begin, disk_);
    strand_.Post(lifetime_.Bind([done = std::move(done), saved]() mutable { done(saved); }));
  });
}

void MemoryQuorumLog::ReadSnapshot(Callback<void(Result<std::optional<StoredSnapshot>>)> done) {
  Queue(Duration::zero(), [this, done = std::move(done)]() mutable {
    Result<std::optional<StoredSnapshot>> read = disk_.snapshot;
    if (disk_.damage) read = std::unexpected(*disk_.damage);
    strand_.Post(lifetime_.Bind(
        [done = std::move(done), read = std::move(read)]() mutable { done(std::move(read)); }));
  });
}

}  // namespace weir::quorum
