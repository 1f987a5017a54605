// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/rocksdb_quorum_log.h"

#include <glog/logging.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <condition_variable>
#include <cstdarg>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "controller/quorum/rocksdb/entry_codec.h"
#include "controller/quorum/voters_entry.h"

namespace weir::quorum {
namespace {

// RocksDB's own log would be a second one beside ours, with little that a person can use.
class Silence final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Options OptionsForALog() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.info_log = std::make_shared<Silence>();
  // A torn last write is what a crash leaves. Anything else is corruption, and must not be skipped.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.paranoid_checks = true;
  // Entries are small, and read again only after a restart or for a peer far behind.
  options.write_buffer_size = size_t{4} << 20;
  options.max_write_buffer_number = 2;
  options.max_total_wal_size = uint64_t{16} << 20;
  options.max_background_jobs = 2;
  options.max_open_files = 64;
  options.recycle_log_file_num = 0;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.compression = rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(size_t{1} << 20, 0);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Error FromStatus(const rocksdb::Status& status, const std::string& doing) {
  Error::Kind kind = Error::Kind::kIo;
  std::string text = status.ToString();
  if (status.IsCorruption()) kind = Error::Kind::kCorrupt;
  if (status.IsNoSpace() || text.find("No space left") != std::string::npos) {
    kind = Error::Kind::kFull;
  }
  if (text.find("Read-only file system") != std::string::npos ||
      text.find("Permission denied") != std::string::npos) {
    kind = Error::Kind::kReadOnly;
  }
  return Error{kind, doing + ": " + text};
}

}  // namespace

// Owns the database and the thread; the database is touched by that thread alone.
class RocksdbQuorumLog::Worker {
 public:
  Worker(std::string folder, host::Strand& strand)
      : folder_(std::move(folder)), strand_(strand), thread_([this] { Work(); }) {}

  // What was asked is still done; nobody hears of it.
  ~Worker() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_one();
    thread_.join();
  }

  template <class T, class Job>
  void Run(Callback<void(T)> done, Job job) {
    auto whole = [this, done = lifetime_.Bind(std::move(done)), job = std::move(job)]() mutable {
      T result = job();
      strand_.Post([done = std::move(done), result = std::move(result)]() mutable {
        done(std::move(result));
      });
    };
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(whole));
    }
    ready_.notify_one();
  }

  Result<Remembered> Load();
  Result<void> Save(const LogWrite& write);
  Result<std::vector<LogEntry>> ReadEntries(LogIndex from, LogIndex to, size_t max_bytes);
  Result<void> SaveSnapshot(const StoredSnapshot& snapshot, LogIndex begin);
  Result<std::optional<StoredSnapshot>> ReadSnapshot();

 private:
  void Work();
  Result<void> Open();
  Result<void> Write(rocksdb::WriteBatch& batch);
  Result<std::optional<std::string>> Get(const char* key);

  const std::string folder_;
  host::Strand& strand_;
  std::unique_ptr<rocksdb::DB> db_;
  LogIndex last_;
  raft::LogPosition begin_;
  LogIndex snapshot_;

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Callback<void()>> jobs_;
  bool stopping_ = false;
  // Locked by the strand alone: the thread only carries what is bound to it.
  Lifetime lifetime_;
  std::thread thread_;
};

void RocksdbQuorumLog::Worker::Work() {
  while (true) {
    Callback<void()> job;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) break;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
  if (db_) db_->Close();
  db_.reset();
}

Result<void> RocksdbQuorumLog::Worker::Open() {
  rocksdb::DB* db = nullptr;
  rocksdb::Env::Default()->CreateDirIfMissing(folder_);
  rocksdb::Status status = rocksdb::DB::Open(OptionsForALog(), folder_, &db);
  if (!status.ok()) {
    std::string text = status.ToString();
    if (status.IsIOError() && text.find("lock ") != std::string::npos) {
      return Fail(Error::Kind::kInUse, "another process uses the quorum's log in " + folder_ +
                                           ": stop it, or give this one a folder of its own");
    }
    return std::unexpected(FromStatus(status, "opening the quorum's log in " + folder_));
  }
  db_.reset(db);
  return {};
}

Result<Remembered> RocksdbQuorumLog::Worker::Load() {
  if (auto opened = Open(); !opened) return std::unexpected(opened.error());
  Remembered remembered;
  auto hard_state = Get(kHardStateKey);
  if (!hard_state) return std::unexpected(hard_state.error());
  if (*hard_state) {
    auto read = ReadHardState(**hard_state);
    if (!read) return std::unexpected(read.error().While("reading the vote"));
    remembered.hard_state = *read;
  }
  auto snapshot = ReadSnapshot();
  if (!snapshot) return std::unexpected(snapshot.error());
  if (*snapshot) remembered.snapshot = remembered.begin = (*snapshot)->last;
  auto begin = Get(kBeginKey);
  if (!begin) return std::unexpected(begin.error());
  if (*begin) {
    auto read = ReadBegin(**begin);
    if (!read) return std::unexpected(read.error().While("reading where the log begins"));
    remembered.begin = *read;
  }
  remembered.terms.Assign(remembered.begin.term, remembered.begin.index);
  LogIndex last = remembered.begin.index;
  std::unique_ptr<rocksdb::Iterator> entries(db_->NewIterator(rocksdb::ReadOptions()));
  std::string end = EntryKeysEnd();
  for (entries->Seek(EntryKey(LogIndex(0))); entries->Valid(); entries->Next()) {
    if (entries->key().compare(end) >= 0) break;
    auto entry = ReadEntry(entries->key().ToStringView(), entries->value().ToStringView());
    std::string place = "reading the entry after " + std::to_string(last.value());
    if (!entry) return std::unexpected(entry.error().While(place));
    auto term = remembered.terms.latest();
    bool follows = entry->index == last + 1 && term && entry->term >= *term;
    if (!follows) {
      return Fail(Error::Kind::kCorrupt,
                  place + ": found entry " + std::to_string(entry->index.value()) + " of term " +
                      std::to_string(entry->term.value()) + ", which does not follow upon it");
    }
    remembered.terms.Assign(entry->term, entry->index);
    last = entry->index;
    if (BringsVoters(entry->payload.view())) remembered.voters.push_back(std::move(*entry));
  }
  if (!entries->status().ok()) {
    return std::unexpected(FromStatus(entries->status(), "reading the quorum's log"));
  }
  if (last < remembered.snapshot.index) {
    return Fail(Error::Kind::kCorrupt,
                "the quorum's log ends at entry " + std::to_string(last.value()) +
                    ", before its snapshot, which ends at " +
                    std::to_string(remembered.snapshot.index.value()));
  }
  remembered.last = last_ = last;
  begin_ = remembered.begin;
  snapshot_ = remembered.snapshot.index;
  return remembered;
}

Result<void> RocksdbQuorumLog::Worker::Write(rocksdb::WriteBatch& batch) {
  if (!db_) return Fail(Error::Kind::kUnavailable, "the quorum's log is not open");
  rocksdb::WriteOptions options;
  options.sync = true;
  rocksdb::Status status = db_->Write(options, &batch);
  if (!status.ok()) return std::unexpected(FromStatus(status, "writing the quorum's log"));
  return {};
}

Result<void> RocksdbQuorumLog::Worker::Save(const LogWrite& write) {
  rocksdb::WriteBatch batch;
  LogIndex last = last_;
  if (write.hard_state) batch.Put(kHardStateKey, HardStateValue(*write.hard_state));
  if (write.truncate_from) {
    CHECK_GT(*write.truncate_from, snapshot_) << "what the snapshot covers cannot be cut";
    // One by one: the tail that is cut is short, and a range tombstone would burden every read.
    for (LogIndex index = *write.truncate_from; index <= last_; ++index) {
      batch.Delete(EntryKey(index));
    }
    last = std::min(last, *write.truncate_from - 1);
  }
  if (write.install) {
    batch.Put(kSnapshotKey, SnapshotValue(*write.install));
    batch.Put(kBeginKey, BeginValue(write.install->last));
    batch.DeleteRange(EntryKey(LogIndex(0)), EntryKeysEnd());
    last = write.install->last.index;
  }
  for (const LogEntry& entry : write.append) {
    CHECK_EQ(entry.index, last + 1) << "a gap in the quorum's log";
    batch.Put(EntryKey(entry.index), EntryValue(entry));
    last = entry.index;
  }
  auto written = Write(batch);
  if (!written) return written;
  last_ = last;
  if (!write.install) return {};
  begin_ = write.install->last;
  snapshot_ = begin_.index;
  return {};
}

Result<std::vector<LogEntry>> RocksdbQuorumLog::Worker::ReadEntries(LogIndex from, LogIndex to,
                                                                    size_t max_bytes) {
  if (!db_) return Fail(Error::Kind::kUnavailable, "the quorum's log is not open");
  std::vector<LogEntry> read;
  size_t bytes = 0;
  std::unique_ptr<rocksdb::Iterator> entries(db_->NewIterator(rocksdb::ReadOptions()));
  LogIndex next = from;
  for (entries->Seek(EntryKey(from)); entries->Valid() && next <= to; entries->Next(), ++next) {
    if (entries->key().compare(EntryKey(next)) != 0) break;
    auto entry = ReadEntry(entries->key().ToStringView(), entries->value().ToStringView());
    if (!entry) {
      return std::unexpected(entry.error().While("reading entry " + std::to_string(next.value())));
    }
    bytes += entry->payload.size();
    if (!read.empty() && bytes > max_bytes) break;
    read.push_back(std::move(*entry));
  }
  if (!entries->status().ok()) {
    return std::unexpected(FromStatus(entries->status(), "reading the quorum's log"));
  }
  if (read.empty()) {
    return Fail(Error::Kind::kNotFound,
                "no entry " + std::to_string(from.value()) + " in the quorum's log");
  }
  return read;
}

Result<void> RocksdbQuorumLog::Worker::SaveSnapshot(const StoredSnapshot& snapshot,
                                                   LogIndex begin) {
  CHECK_LE(begin, snapshot.last.index);
  if (snapshot.last.index <= snapshot_ || snapshot.last.index > last_) return {};
  auto held = ReadEntries(snapshot.last.index, snapshot.last.index, 0);
  if (!held) return std::unexpected(held.error());
  if (held->front().term != snapshot.last.term) return {};
  rocksdb::WriteBatch batch;
  batch.Put(kSnapshotKey, SnapshotValue(snapshot));
  raft::LogPosition follows_upon = begin_;
  if (begin > begin_.index) {
    auto last_dropped = ReadEntries(begin, begin, 0);
    if (!last_dropped) return std::unexpected(last_dropped.error());
    follows_upon = {begin, last_dropped->front().term};
    batch.DeleteRange(EntryKey(LogIndex(0)), EntryKey(begin + 1));
  }
  batch.Put(kBeginKey, BeginValue(follows_upon));
  auto written = Write(batch);
  if (!written) return written;
  snapshot_ = snapshot.last.index;
  begin_ = follows_upon;
  return {};
}

Result<std::optional<std::string>> RocksdbQuorumLog::Worker::Get(const char* key) {
  if (!db_) return Fail(Error::Kind::kUnavailable, "the quorum's log is not open");
  std::string value;
  rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return std::unexpected(FromStatus(status, "reading the quorum's log"));
  return std::optional(std::move(value));
}

Result<std::optional<StoredSnapshot>> RocksdbQuorumLog::Worker::ReadSnapshot() {
  auto value = Get(kSnapshotKey);
  if (!value) return std::unexpected(value.error());
  if (!*value) return std::optional<StoredSnapshot>();
  auto snapshot = ReadSnapshotValue(**value);
  if (!snapshot) return std::unexpected(snapshot.error().While("reading the snapshot"));
  return std::optional(std::move(*snapshot));
}

RocksdbQuorumLog::RocksdbQuorumLog(std::string folder, host::Strand& strand)
    : worker_(std::make_unique<Worker>(std::move(folder), strand)) {}

RocksdbQuorumLog::~RocksdbQuorumLog() = default;

void RocksdbQuorumLog::Load(Callback<void(Result<Remembered>)> done) {
  worker_->Run<Result<Remembered>>(std::move(done),
                                   [worker = worker_.get()] { return worker->Load(); });
}

void RocksdbQuorumLog::Save(LogWrite write, Callback<void(Result<void>)> done) {
  worker_->Run<Result<void>>(std::move(done), [worker = worker_.get(), write = std::move(write)] {
    return worker->Save(write);
  });
}

void RocksdbQuorumLog::ReadEntries(LogIndex from, LogIndex to, size_t max_bytes,
                                   Callback<void(Result<std::vector<LogEntry>>)> done) {
  worker_->Run<Result<std::vector<LogEntry>>>(std::move(done),
                                              [worker = worker_.get(), from, to, max_bytes] {
                                                return worker->ReadEntries(from, to, max_bytes);
                                              });
}

void RocksdbQuorumLog::SaveSnapshot(StoredSnapshot snapshot, LogIndex begin,
                                    Callback<void(Result<void>)> done) {
  worker_->Run<Result<void>>(std::move(done),
                             [worker = worker_.get(), snapshot = std::move(snapshot), begin] {
                               return worker->SaveSnapshot(snapshot, begin);
                             });
}

void RocksdbQuorumLog::ReadSnapshot(Callback<void(Result<std::optional<StoredSnapshot>>)> done) {
  worker_->Run<Result<std::optional<StoredSnapshot>>>(
      std::move(done), [worker = worker_.get()] { return worker->ReadSnapshot(); });
}

}  // namespace weir::quorum
