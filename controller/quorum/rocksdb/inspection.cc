// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/inspection.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <utility>

#include "controller/quorum/rocksdb/complaints.h"
#include "controller/quorum/rocksdb/journal_files.h"
#include "controller/quorum/rocksdb/status.h"

namespace weir::quorum {
namespace {

// A controller that runs may take away a file between its name being read and it being opened.
constexpr int kTries = 5;

class FolderInspection final : public Inspection {
 public:
  FolderInspection(std::unique_ptr<JournalEnv> env, std::unique_ptr<rocksdb::DB> db)
      : env_(std::move(env)), db_(std::move(db)) {}

  Result<std::optional<Account>> ReadAccount() override {
    return Read<Account>(kAccountKey, quorum::ReadAccount, "reading the account and the vote");
  }
  Result<std::optional<StoredSnapshot>> ReadSnapshot() override {
    return Read<StoredSnapshot>(kSnapshotKey, ReadSnapshotValue, "reading the snapshot");
  }

  Result<void> ForEachEntry(LogIndex from, LogIndex to,
                            std::function<void(const StoredEntry&)> visit) override {
    std::unique_ptr<rocksdb::Iterator> entries(db_->NewIterator(rocksdb::ReadOptions()));
    const std::string end = EntryKeysEnd();
    std::string place = "reading the first entry";
    for (entries->Seek(EntryKey(from)); entries->Valid(); entries->Next()) {
      if (entries->key().compare(end) >= 0) return {};
      auto stored = ReadEntry(entries->key().ToStringView(), entries->value().ToStringView());
      if (!stored) return std::unexpected(stored.error().While(place));
      if (stored->entry.index > to) return {};
      visit(*stored);
      place = "reading the entry after " + std::to_string(stored->entry.index.value());
    }
    if (!entries->status().ok()) return std::unexpected(FromStatus(entries->status(), place));
    return {};
  }

 private:
  template <class T, class Parse>
  Result<std::optional<T>> Read(const char* key, Parse parse, const char* doing) {
    std::string value;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), key, &value);
    if (status.IsNotFound()) return std::optional<T>();
    if (!status.ok()) return std::unexpected(FromStatus(status, doing));
    auto parsed = parse(value);
    if (!parsed) return std::unexpected(parsed.error().While(doing));
    return std::optional<T>(std::move(*parsed));
  }

  const std::unique_ptr<JournalEnv> env_;
  const std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

Result<std::unique_ptr<Inspection>> Inspection::Open(const std::string& folder) {
  // It only reads, and makes no journal longer.
  auto env = std::make_unique<JournalEnv>(rocksdb::Env::Default(), 1);
  if (!env->FileExists(folder + "/CURRENT").ok()) {
    return Fail(Error::Kind::kNotFound, "there is no quorum's log in " + folder +
                                            " (it has no file CURRENT); name the " +
                                            "folder 'quorum' in a controller's data folder");
  }
  auto complaints = std::make_shared<Complaints>();
  rocksdb::Options options;
  options.env = env.get();
  options.info_log = complaints;
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocksdb::Status status;
  for (int i = 0; i < kTries; ++i) {
    rocksdb::DB* db = nullptr;
    status = rocksdb::DB::OpenForReadOnly(options, folder, &db);
    if (!status.ok()) continue;
    return std::make_unique<FolderInspection>(std::move(env), std::unique_ptr<rocksdb::DB>(db));
  }
  Error error = FromStatus(status, "reading the quorum's log in " + folder);
  if (!complaints->last().empty()) error.message += " (" + complaints->last() + ")";
  return std::unexpected(std::move(error));
}

}  // namespace weir::quorum
