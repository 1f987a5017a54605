// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/store.h"

#include <glog/logging.h>
#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "controller/quorum/rocksdb/status.h"
#include "controller/quorum/voters_entry.h"

namespace weir::quorum {
namespace {

// How often a journal is made longer before another one takes its place.
constexpr uint64_t kJournalSteps = 4;

rocksdb::Options OptionsForALog(const RocksdbQuorumLog::Options& ours) {
  rocksdb::Options options;
  options.env = ours.env;
  // A torn last write is what a crash leaves. RocksDB sees one in some damage, too: see Check.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.paranoid_checks = true;
  // Entries are small, and read again only after a restart or for a peer far behind.
  options.write_buffer_size = ours.write_buffer_bytes;
  options.max_write_buffer_number = 2;
  options.max_total_wal_size = 4 * ours.write_buffer_bytes;
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

rocksdb::Env* EnvOf(const RocksdbQuorumLog::Options& options) {
  return options.env == nullptr ? rocksdb::Env::Default() : options.env;
}

std::string Number(int64_t number) { return std::to_string(number); }

std::string Words(const raft::LogPosition& position) {
  return Number(position.index.value()) + " of term " + Number(position.term.value());
}

std::unexpected<Error> Corrupt(std::string message) {
  return Fail(Error::Kind::kCorrupt, std::move(message));
}

std::unexpected<Error> NotOpen() {
  return Fail(Error::Kind::kUnavailable, "the quorum's log is not open");
}

}  // namespace

Store::Store(std::string folder, RocksdbQuorumLog::Options options)
    : folder_(std::move(folder)),
      env_(EnvOf(options), options.write_buffer_bytes / kJournalSteps),
      options_{&env_, options.write_buffer_bytes},
      complaints_(std::make_shared<Complaints>()),
      mark_(options_.env->GetFileSystem(), folder_ + ".mark") {}

Store::~Store() {
  if (db_) Rest();
  Close();
}

void Store::Close() {
  if (db_) db_->Close();
  db_.reset();
}

void Store::Rest() {
  auto synced = mark_.Sync();
  if (!synced) LOG(WARNING) << synced.error();
}

// Whoever reads this at night needs to know what to do.
Error Store::Explained(Error error) const {
  if (error.kind != Error::Kind::kCorrupt) return error;
  std::string complaint = complaints_->last();
  if (!complaint.empty()) error.message += " (" + complaint + ")";
  error.message += ". The quorum's log in " + folder_ +
                   " is damaged, and what it lost may have been acknowledged: this controller must "
                   "not vote with it. Keep the folder if you want to know why. To replace this "
                   "member: on another controller 'weir quorum remove' it, empty its data folder, "
                   "start it again, and 'weir quorum add' it";
  return error;
}

Result<void> Store::Open() {
  options_.env->CreateDirIfMissing(folder_);
  // RocksDB syncs the names in its folder, and never that of the folder.
  if (auto synced = SyncFolder(*options_.env->GetFileSystem(), FolderOf(folder_)); !synced) {
    return synced;
  }
  auto mark = mark_.Open();
  if (!mark) return std::unexpected(mark.error());
  if (auto opened = OpenDatabase(*mark); !opened) return opened;
  auto account = ReadAccount();
  if (!account) return std::unexpected(account.error());
  return Check(*account, *mark);
}

Result<void> Store::OpenDatabase(uint64_t mark) {
  rocksdb::Options options = OptionsForALog(options_);
  options.info_log = complaints_;
  // A folder that was written to, and is empty, is no new one.
  options.create_if_missing = mark == 0;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(options, folder_, &db);
  if (status.ok()) {
    db_.reset(db);
    return {};
  }
  std::string text = status.ToString();
  if (status.IsIOError() && text.find("lock ") != std::string::npos) {
    return Fail(Error::Kind::kInUse, "another process uses the quorum's log in " + folder_ +
                                         ": stop it, or give this one a folder of its own");
  }
  Error error = FromStatus(status, "opening the quorum's log in " + folder_);
  bool is_gone = status.IsInvalidArgument() || status.IsNotFound() || status.IsPathNotFound() ||
                 text.find("No such file") != std::string::npos;
  if (is_gone) error.kind = Error::Kind::kCorrupt;
  if (is_gone && mark > 0) {
    error.message += "; there were " + std::to_string(mark) + " writes to it";
  }
  return std::unexpected(error);
}

Result<std::optional<Account>> Store::ReadAccount() {
  auto value = Get(kAccountKey);
  if (!value) return std::unexpected(value.error());
  if (!*value) return std::optional<Account>();
  auto account = quorum::ReadAccount(**value);
  if (!account) {
    return std::unexpected(account.error().While("reading the account and the vote"));
  }
  return std::optional(*account);
}

Result<void> Store::Check(const std::optional<Account>& account, uint64_t mark) {
  now_.account = account.value_or(Account());
  const uint64_t writes = now_.account.writes;
  if (writes < mark) {
    return Corrupt("the last " + std::to_string(mark - writes) + " writes of " +
                   std::to_string(mark) + " that were synced are not there");
  }
  if (writes == mark) return {};
  if (mark_.was_lost()) {
    LOG(WARNING) << folder_ << ".mark was missing or spoiled, and is made anew";
  }
  return mark_.Raise(writes);
}

Result<Remembered> Store::Load() {
  auto opened = Open();
  auto remembered = opened ? ReadAll() : std::unexpected(opened.error());
  if (!remembered) {
    Close();
    return std::unexpected(Explained(remembered.error()));
  }
  return remembered;
}

Result<Remembered> Store::ReadAll() {
  Remembered remembered{.hard_state = now_.account.hard_state};
  auto snapshot = FindSnapshot();
  if (!snapshot) return std::unexpected(snapshot.error());
  if (*snapshot) remembered.snapshot = (*snapshot)->last;
  if (remembered.snapshot != now_.account.snapshot) {
    return Corrupt("the snapshot ends with entry " + Words(remembered.snapshot) +
                   "; it must end with entry " + Words(now_.account.snapshot));
  }
  raft::LogPosition last = remembered.begin = now_.account.begin;
  remembered.terms.Assign(last.term, last.index);
  std::unique_ptr<rocksdb::Iterator> entries(db_->NewIterator(rocksdb::ReadOptions()));
  std::string end = EntryKeysEnd();
  for (entries->Seek(EntryKey(LogIndex(0))); entries->Valid(); entries->Next()) {
    if (entries->key().compare(end) >= 0) break;
    auto stored = ReadEntry(entries->key().ToStringView(), entries->value().ToStringView());
    std::string place = "reading the entry after " + Words(last);
    if (!stored) return std::unexpected(stored.error().While(place));
    const LogEntry& entry = stored->entry;
    bool follows =
        entry.index == last.index + 1 && stored->previous == last.term && entry.term >= last.term;
    if (!follows) {
      return Corrupt(place + ": found entry " + Words({entry.index, entry.term}) +
                     ", which was written upon one of term " + Number(stored->previous.value()));
    }
    last = {entry.index, entry.term};
    remembered.terms.Assign(last.term, last.index);
    if (BringsVoters(entry.payload.view())) remembered.voters.push_back(entry);
  }
  if (!entries->status().ok()) {
    return std::unexpected(FromStatus(entries->status(), "reading the entry after " + Words(last)));
  }
  if (last != now_.account.last) {
    return Corrupt("the last entry is " + Words(last) + "; it must be " + Words(now_.account.last));
  }
  remembered.last = last.index;
  now_.terms = remembered.terms;
  return remembered;
}

bool Store::IsSame(const LogWrite& a, const LogWrite& b) {
  return a.hard_state == b.hard_state && a.truncate_from == b.truncate_from &&
         a.install == b.install && a.append == b.append;
}

bool Store::IsSame(const Shortening& a, const Shortening& b) {
  return a.snapshot == b.snapshot && a.begin == b.begin;
}

std::optional<Store::Outcome> Store::Plan(const LogWrite& write, rocksdb::WriteBatch& batch) const {
  Outcome after = now_;
  Account& account = after.account;
  if (write.hard_state) account.hard_state = *write.hard_state;
  if (write.truncate_from && *write.truncate_from <= account.last.index) {
    LogIndex from = *write.truncate_from;
    CHECK_GT(from, account.snapshot.index) << "what the snapshot covers cannot be cut";
    // One by one: the tail that is cut is short, and a range tombstone would burden every read.
    for (LogIndex index = from; index <= account.last.index; ++index) batch.Delete(EntryKey(index));
    after.terms.TruncateTo(from);
    account.last = {from - 1, *after.terms.latest()};
  }
  if (write.install) {
    batch.Put(kSnapshotKey, SnapshotValue(*write.install));
    batch.DeleteRange(EntryKey(LogIndex(0)), EntryKeysEnd());
    account.begin = account.last = account.snapshot = write.install->last;
    after.terms = {};
    after.terms.Assign(account.begin.term, account.begin.index);
  }
  for (const LogEntry& entry : write.append) {
    CHECK_EQ(entry.index, account.last.index + 1) << "a gap in the quorum's log";
    batch.Put(EntryKey(entry.index), EntryValue(entry, account.last.term));
    after.terms.Assign(entry.term, entry.index);
    account.last = {entry.index, entry.term};
  }
  return after;
}

std::optional<Store::Outcome> Store::Plan(const Shortening& shortening,
                                          rocksdb::WriteBatch& batch) const {
  const raft::LogPosition last = shortening.snapshot.last;
  CHECK_LE(shortening.begin, last.index);
  Outcome after = now_;
  Account& account = after.account;
  bool is_held = last.index > account.snapshot.index && last.index <= account.last.index &&
                 after.terms.EpochAt(last.index) == last.term;
  if (!is_held) return std::nullopt;
  batch.Put(kSnapshotKey, SnapshotValue(shortening.snapshot));
  account.snapshot = last;
  if (shortening.begin > account.begin.index) {
    batch.DeleteRange(EntryKey(LogIndex(0)), EntryKey(shortening.begin + 1));
    account.begin = {shortening.begin, *after.terms.EpochAt(shortening.begin)};
    after.terms.DropBefore(shortening.begin);
  }
  return after;
}

Result<void> Store::Write(rocksdb::WriteBatch& batch) {
  if (!db_) return NotOpen();
  rocksdb::WriteOptions options;
  options.sync = true;
  rocksdb::Status status = db_->Write(options, &batch);
  if (status.ok()) return {};
  return std::unexpected(FromStatus(status, "writing the quorum's log in " + folder_));
}

// RocksDB does not go on with a journal that could not grow: the log is opened anew, which brings
// all it holds to other files. True if the refused write is there after all, whole.
Result<bool> Store::ReopenAfter(const Account& refused) {
  const Outcome before = now_;
  Close();
  auto opened = Open();
  if (opened && now_.account == refused) return true;
  if (opened && now_.account != before.account) {
    opened = Corrupt("the log holds another write than the last or the refused one");
  }
  now_ = before;
  if (opened) return false;
  if (!db_ && opened.error().kind == Error::Kind::kFull) {
    // Reading needs no room.
    rocksdb::Options options = OptionsForALog(options_);
    options.info_log = complaints_;
    rocksdb::DB* db = nullptr;
    if (rocksdb::DB::OpenForReadOnly(options, folder_, &db).ok()) db_.reset(db);
  }
  return std::unexpected(opened.error());
}

template <class Deed>
Result<void> Store::Do(const Deed& deed) {
  if (failure_) return std::unexpected(*failure_);
  const bool is_again = !std::holds_alternative<std::monostate>(refused_);
  const Deed* refused = std::get_if<Deed>(&refused_);
  if (is_again && (refused == nullptr || !IsSame(*refused, deed))) {
    return Fail(Error::Kind::kFull, "a write to the quorum's log in " + folder_ +
                                        " that found no room comes first, and again");
  }
  rocksdb::WriteBatch batch;
  std::optional<Outcome> after = Plan(deed, batch);
  if (!after) return {};
  ++after->account.writes;
  batch.Put(kAccountKey, AccountValue(after->account));
  Result<bool> is_there = is_again ? ReopenAfter(after->account) : Result<bool>(false);
  Result<void> written;
  if (!is_there) {
    written = std::unexpected(is_there.error());
  } else if (!*is_there) {
    written = Write(batch);
  }
  if (!written) {
    if (written.error().kind == Error::Kind::kFull) {
      refused_ = deed;
    } else if (written.error().kind != Error::Kind::kUnavailable) {
      failure_ = Explained(written.error());
    }
    return std::unexpected(Explained(written.error()));
  }
  if (is_again) LOG(INFO) << "there is room for the quorum's log in " << folder_ << " again";
  refused_ = std::monostate();
  now_ = std::move(*after);
  auto raised = mark_.Raise(now_.account.writes);
  // The write is there; a mark that lags does no harm, and this disk will say so again.
  if (!raised) LOG(WARNING) << raised.error();
  return {};
}

Result<void> Store::Save(const LogWrite& write) { return Do(write); }

Result<void> Store::SaveSnapshot(StoredSnapshot snapshot, LogIndex begin) {
  return Do(Shortening{std::move(snapshot), begin});
}

Result<std::vector<LogEntry>> Store::ReadEntries(LogIndex from, LogIndex to, size_t max_bytes) {
  if (!db_) return NotOpen();
  std::vector<LogEntry> read;
  size_t bytes = 0;
  std::unique_ptr<rocksdb::Iterator> entries(db_->NewIterator(rocksdb::ReadOptions()));
  LogIndex next = from;
  for (entries->Seek(EntryKey(from)); entries->Valid() && next <= to; entries->Next(), ++next) {
    if (entries->key().compare(EntryKey(next)) != 0) break;
    auto stored = ReadEntry(entries->key().ToStringView(), entries->value().ToStringView());
    if (!stored) {
      return std::unexpected(
          Explained(stored.error().While("reading entry " + Number(next.value()))));
    }
    bytes += stored->entry.payload.size();
    if (!read.empty() && bytes > max_bytes) break;
    read.push_back(std::move(stored->entry));
  }
  if (!entries->status().ok()) {
    return std::unexpected(
        Explained(FromStatus(entries->status(), "reading entry " + Number(next.value()))));
  }
  if (read.empty()) {
    return Fail(Error::Kind::kNotFound,
                "no entry " + Number(from.value()) + " in the quorum's log");
  }
  return read;
}

Result<std::optional<std::string>> Store::Get(const char* key) {
  if (!db_) return NotOpen();
  std::string value;
  rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) {
    return std::unexpected(FromStatus(status, "reading the quorum's log in " + folder_));
  }
  return std::optional(std::move(value));
}

Result<std::optional<StoredSnapshot>> Store::FindSnapshot() {
  auto value = Get(kSnapshotKey);
  if (!value) return std::unexpected(value.error());
  if (!*value) return std::optional<StoredSnapshot>();
  auto snapshot = ReadSnapshotValue(**value);
  if (!snapshot) return std::unexpected(snapshot.error().While("reading the snapshot"));
  return std::optional(std::move(*snapshot));
}

Result<std::optional<StoredSnapshot>> Store::ReadSnapshot() {
  auto snapshot = FindSnapshot();
  if (!snapshot) return std::unexpected(Explained(snapshot.error()));
  return snapshot;
}

}  // namespace weir::quorum
