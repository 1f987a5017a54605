// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/testing/crash_file_system.h"

#include <algorithm>
#include <utility>

namespace weir::quorum {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

constexpr size_t kPage = 4096;

std::string Clean(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string FolderOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

IOStatus Absent(const std::string& path) {
  return IOStatus::PathNotFound(path, "No such file or directory");
}

size_t CopyOut(const std::string& bytes, uint64_t at, size_t count, Slice* result, char* scratch) {
  size_t have = at < bytes.size() ? std::min<size_t>(count, bytes.size() - at) : 0;
  std::copy_n(bytes.data() + std::min<size_t>(at, bytes.size()), have, scratch);
  *result = Slice(scratch, have);
  return have;
}

struct Lock : rocksdb::FileLock {
  std::string path;
};

}  // namespace

class CrashFileSystem::Sequential final : public rocksdb::FSSequentialFile {
 public:
  Sequential(CrashFileSystem* files, FilePointer file) : files_(files), file_(std::move(file)) {}
  IOStatus Read(size_t count, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    std::lock_guard lock(files_->mutex_);
    if (auto alive = files_->Alive(); !alive.ok()) return alive;
    at_ += CopyOut(file_->now, at_, count, result, scratch);
    return IOStatus::OK();
  }
  IOStatus Skip(uint64_t count) override {
    at_ += count;
    return IOStatus::OK();
  }

 private:
  CrashFileSystem* const files_;
  const FilePointer file_;
  uint64_t at_ = 0;
};

class CrashFileSystem::RandomAccess final : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccess(CrashFileSystem* files, FilePointer file) : files_(files), file_(std::move(file)) {}
  IOStatus Read(uint64_t at, size_t count, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    std::lock_guard lock(files_->mutex_);
    if (auto alive = files_->Alive(); !alive.ok()) return alive;
    CopyOut(file_->now, at, count, result, scratch);
    return IOStatus::OK();
  }

 private:
  CrashFileSystem* const files_;
  const FilePointer file_;
};

class CrashFileSystem::Writable final : public rocksdb::FSWritableFile {
 public:
  Writable(CrashFileSystem* files, FilePointer file) : files_(files), file_(std::move(file)) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& bytes, const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(files_->mutex_);
    return files_->Write(*file_, {file_->now.size(), bytes.ToString()});
  }
  using rocksdb::FSWritableFile::PositionedAppend;
  IOStatus PositionedAppend(const Slice& bytes, uint64_t at, const IOOptions&,
                            IODebugContext*) override {
    std::lock_guard lock(files_->mutex_);
    return files_->Write(*file_, {at, bytes.ToString()});
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(files_->mutex_);
    if (size >= file_->now.size()) return IOStatus::OK();
    return files_->Write(*file_, {size, "", true});
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(files_->mutex_);
    return files_->Sync(*file_);
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(files_->mutex_);
    return file_->now.size();
  }

 private:
  CrashFileSystem* const files_;
  const FilePointer file_;
};

class CrashFileSystem::RandomRw final : public rocksdb::FSRandomRWFile {
 public:
  RandomRw(CrashFileSystem* files, FilePointer file) : files_(files), file_(std::move(file)) {}
  IOStatus Write(uint64_t at, const Slice& bytes, const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(files_->mutex_);
    return files_->Write(*file_, {at, bytes.ToString()});
  }
  IOStatus Read(uint64_t at, size_t count, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    std::lock_guard lock(files_->mutex_);
    if (auto alive = files_->Alive(); !alive.ok()) return alive;
    CopyOut(file_->now, at, count, result, scratch);
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(files_->mutex_);
    return files_->Sync(*file_);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  CrashFileSystem* const files_;
  const FilePointer file_;
};

class CrashFileSystem::Folder final : public rocksdb::FSDirectory {
 public:
  Folder(CrashFileSystem* files, std::string path) : files_(files), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(files_->mutex_);
    if (auto begun = files_->Begin(); !begun.ok()) return begun;
    auto& changes = files_->unsynced_names_;
    for (NameChange& change : changes) {
      if (change.folder == path_) change.change(files_->synced_);
    }
    std::erase_if(changes, [&](const NameChange& change) { return change.folder == path_; });
    return IOStatus::OK();
  }

 private:
  CrashFileSystem* const files_;
  const std::string path_;
};

CrashFileSystem::CrashFileSystem() {
  auto root = std::make_shared<File>();
  root->is_folder = true;
  now_["/"] = synced_["/"] = root;
}

CrashFileSystem::~CrashFileSystem() = default;

int CrashFileSystem::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

void CrashFileSystem::CrashAt(int operation) {
  std::lock_guard lock(mutex_);
  crash_at_ = operation;
}

bool CrashFileSystem::has_crashed() const {
  std::lock_guard lock(mutex_);
  return has_crashed_;
}

void CrashFileSystem::FailAt(int operation) {
  std::lock_guard lock(mutex_);
  fail_at_ = operation;
}

void CrashFileSystem::FillAt(int operation) {
  std::lock_guard lock(mutex_);
  fill_at_ = operation;
}

void CrashFileSystem::MakeRoom() {
  std::lock_guard lock(mutex_);
  fill_at_.reset();
}

void CrashFileSystem::Apply(const Change& change, std::string& bytes) {
  if (change.is_cut) {
    bytes.resize(std::min<size_t>(change.at, bytes.size()));
    return;
  }
  if (bytes.size() < change.at + change.bytes.size()) bytes.resize(change.at + change.bytes.size());
  bytes.replace(change.at, change.bytes.size(), change.bytes);
}

void CrashFileSystem::Reboot(Unsynced unsynced, uint64_t seed) {
  std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  auto below = [&](size_t bound) { return static_cast<size_t>(random() % bound); };
  if (unsynced != Unsynced::kLost) {
    size_t kept =
        unsynced == Unsynced::kKept ? unsynced_names_.size() : below(unsynced_names_.size() + 1);
    for (size_t i = 0; i < kept; ++i) unsynced_names_[i].change(synced_);
  }
  unsynced_names_.clear();
  for (auto& [path, file] : synced_) {
    auto& changes = file->unsynced;
    size_t kept = 0;
    if (unsynced == Unsynced::kKept || unsynced == Unsynced::kScattered) kept = changes.size();
    if (unsynced == Unsynced::kTorn) kept = below(changes.size() + 1);
    for (size_t i = 0; i < kept; ++i) {
      if (unsynced == Unsynced::kScattered && below(2) == 0) continue;
      Apply(changes[i], file->synced);
    }
    if (unsynced == Unsynced::kTorn && kept < changes.size()) {
      Change part = changes[kept];
      part.bytes.resize(below(part.bytes.size() + 1));
      Apply(part, file->synced);
    }
    changes.clear();
    file->now = file->synced;
  }
  now_ = synced_;
  locks_.clear();
  crash_at_.reset();
  fail_at_.reset();
  fill_at_.reset();
  has_crashed_ = false;
}

CrashFileSystem::Tree CrashFileSystem::Copy() const {
  std::lock_guard lock(mutex_);
  Tree tree;
  for (const auto& [path, file] : now_) {
    if (!file->is_folder) tree[path] = file->now;
  }
  return tree;
}

void CrashFileSystem::Restore(const Tree& tree) {
  std::lock_guard lock(mutex_);
  std::erase_if(now_, [](const auto& named) { return !named.second->is_folder; });
  for (const auto& [path, bytes] : tree) {
    auto file = std::make_shared<File>();
    file->now = file->synced = bytes;
    now_[path] = file;
  }
  synced_ = now_;
  unsynced_names_.clear();
}

IOStatus CrashFileSystem::Alive() const {
  return has_crashed_ ? IOStatus::IOError("the machine has crashed") : IOStatus::OK();
}

IOStatus CrashFileSystem::Begin() {
  if (has_crashed_) return Alive();
  int operation = operations_++;
  if (crash_at_ && operation >= *crash_at_) has_crashed_ = true;
  if (fail_at_ == operation) return IOStatus::IOError("Input/output error");
  return Alive();
}

IOStatus CrashFileSystem::Write(File& file, Change change) {
  bool is_full = fill_at_ && operations_ >= *fill_at_ && !change.is_cut &&
                 change.at + change.bytes.size() > file.now.size();
  if (auto begun = Begin(); !begun.ok()) return begun;
  if (is_full) change.bytes.resize(change.bytes.size() / 2);
  Apply(change, file.now);
  // What is written in place goes to the disk page by page; what makes the file longer, before its
  // new length.
  while (change.at + change.bytes.size() <= file.synced.size() && change.bytes.size() > kPage) {
    const size_t first = kPage - change.at % kPage;
    file.unsynced.push_back({change.at, change.bytes.substr(0, first)});
    change.at += first;
    change.bytes.erase(0, first);
  }
  file.unsynced.push_back(std::move(change));
  return is_full ? IOStatus::NoSpace("No space left on device") : IOStatus::OK();
}

IOStatus CrashFileSystem::Sync(File& file) {
  if (auto begun = Begin(); !begun.ok()) return begun;
  file.synced = file.now;
  file.unsynced.clear();
  return IOStatus::OK();
}

CrashFileSystem::FilePointer CrashFileSystem::Find(const std::string& path) const {
  auto found = now_.find(Clean(path));
  return found == now_.end() ? nullptr : found->second;
}

void CrashFileSystem::ChangeNames(const std::string& path, std::function<void(Names&)> change) {
  change(now_);
  unsynced_names_.push_back({FolderOf(path), std::move(change)});
}

IOStatus CrashFileSystem::Make(const std::string& given, bool is_folder, FilePointer* made) {
  std::string path = Clean(given);
  if (!Find(FolderOf(path))) return Absent(FolderOf(path));
  bool is_full = fill_at_ && operations_ >= *fill_at_;
  if (auto begun = Begin(); !begun.ok()) return begun;
  if (is_full) return IOStatus::NoSpace("No space left on device");
  auto file = std::make_shared<File>();
  file->is_folder = is_folder;
  ChangeNames(path, [path, file](Names& names) { names[path] = file; });
  if (made != nullptr) *made = file;
  return IOStatus::OK();
}

IOStatus CrashFileSystem::NewSequentialFile(const std::string& path, const rocksdb::FileOptions&,
                                            std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                            IODebugContext*) {
  std::lock_guard lock(mutex_);
  FilePointer found = Find(path);
  if (!found) return Absent(path);
  *file = std::make_unique<Sequential>(this, found);
  return Alive();
}

IOStatus CrashFileSystem::NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions&,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                              IODebugContext*) {
  std::lock_guard lock(mutex_);
  FilePointer found = Find(path);
  if (!found) return Absent(path);
  *file = std::make_unique<RandomAccess>(this, found);
  return Alive();
}

IOStatus CrashFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext*) {
  std::lock_guard lock(mutex_);
  FilePointer made;
  auto done = Make(path, /*is_folder=*/false, &made);
  if (done.ok()) *file = std::make_unique<Writable>(this, made);
  return done;
}

IOStatus CrashFileSystem::ReopenWritableFile(const std::string& path,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                                             IODebugContext* debug) {
  {
    std::lock_guard lock(mutex_);
    if (FilePointer found = Find(path)) {
      *file = std::make_unique<Writable>(this, found);
      return Alive();
    }
  }
  return NewWritableFile(path, options, file, debug);
}

IOStatus CrashFileSystem::NewRandomRWFile(const std::string& path, const rocksdb::FileOptions&,
                                          std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                          IODebugContext*) {
  std::lock_guard lock(mutex_);
  FilePointer found = Find(path);
  if (!found) return Absent(path);
  *file = std::make_unique<RandomRw>(this, found);
  return Alive();
}

IOStatus CrashFileSystem::NewDirectory(const std::string& path, const IOOptions&,
                                       std::unique_ptr<rocksdb::FSDirectory>* folder,
                                       IODebugContext*) {
  std::lock_guard lock(mutex_);
  if (!Find(path)) return Absent(path);
  *folder = std::make_unique<Folder>(this, Clean(path));
  return Alive();
}

IOStatus CrashFileSystem::FileExists(const std::string& path, const IOOptions&, IODebugContext*) {
  std::lock_guard lock(mutex_);
  if (auto alive = Alive(); !alive.ok()) return alive;
  return Find(path) ? IOStatus::OK() : IOStatus::NotFound();
}

IOStatus CrashFileSystem::GetChildren(const std::string& given, const IOOptions&,
                                      std::vector<std::string>* names, IODebugContext*) {
  std::lock_guard lock(mutex_);
  std::string path = Clean(given);
  names->clear();
  if (!Find(path)) return Absent(path);
  for (const auto& [name, file] : now_) {
    if (name != "/" && FolderOf(name) == path) names->push_back(name.substr(name.rfind('/') + 1));
  }
  return Alive();
}

IOStatus CrashFileSystem::DeleteFile(const std::string& given, const IOOptions&, IODebugContext*) {
  std::lock_guard lock(mutex_);
  std::string path = Clean(given);
  if (!Find(path)) return Absent(path);
  if (auto begun = Begin(); !begun.ok()) return begun;
  ChangeNames(path, [path](Names& names) { names.erase(path); });
  return IOStatus::OK();
}

IOStatus CrashFileSystem::CreateDir(const std::string& path, const IOOptions&, IODebugContext*) {
  std::lock_guard lock(mutex_);
  return Make(path, /*is_folder=*/true, nullptr);
}

IOStatus CrashFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions&,
                                             IODebugContext*) {
  std::lock_guard lock(mutex_);
  return Find(path) ? Alive() : Make(path, /*is_folder=*/true, nullptr);
}

IOStatus CrashFileSystem::DeleteDir(const std::string& path, const IOOptions& options,
                                    IODebugContext* debug) {
  return DeleteFile(path, options, debug);
}

IOStatus CrashFileSystem::GetFileSize(const std::string& path, const IOOptions&, uint64_t* size,
                                      IODebugContext*) {
  std::lock_guard lock(mutex_);
  FilePointer found = Find(path);
  if (!found) return Absent(path);
  *size = found->now.size();
  return Alive();
}

IOStatus CrashFileSystem::GetFileModificationTime(const std::string&, const IOOptions&,
                                                  uint64_t* time, IODebugContext*) {
  *time = 0;
  return IOStatus::OK();
}

IOStatus CrashFileSystem::RenameFile(const std::string& given_from, const std::string& given_to,
                                     const IOOptions&, IODebugContext*) {
  std::lock_guard lock(mutex_);
  std::string from = Clean(given_from);
  std::string to = Clean(given_to);
  FilePointer found = Find(from);
  if (!found) return Absent(from);
  if (auto begun = Begin(); !begun.ok()) return begun;
  ChangeNames(to, [from, to, found](Names& names) {
    names.erase(from);
    names[to] = found;
  });
  return IOStatus::OK();
}

IOStatus CrashFileSystem::LockFile(const std::string& path, const IOOptions&,
                                   rocksdb::FileLock** lock, IODebugContext*) {
  std::lock_guard held(mutex_);
  if (auto alive = Alive(); !alive.ok()) return alive;
  if (!locks_.insert(path).second) return IOStatus::IOError("lock " + path, "held already");
  if (!Find(path)) {
    auto made = Make(path, /*is_folder=*/false, nullptr);
    if (!made.ok()) {
      locks_.erase(path);
      return made;
    }
  }
  auto taken = std::make_unique<Lock>();
  taken->path = path;
  *lock = taken.release();
  return IOStatus::OK();
}

IOStatus CrashFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) {
  std::unique_ptr<Lock> given(static_cast<Lock*>(lock));
  std::lock_guard held(mutex_);
  locks_.erase(given->path);
  return IOStatus::OK();
}

IOStatus CrashFileSystem::GetTestDirectory(const IOOptions&, std::string* path, IODebugContext*) {
  *path = "/";
  return IOStatus::OK();
}

IOStatus CrashFileSystem::NewLogger(const std::string&, const IOOptions&,
                                    std::shared_ptr<rocksdb::Logger>*, IODebugContext*) {
  return IOStatus::NotSupported("the log of a log");
}

IOStatus CrashFileSystem::GetAbsolutePath(const std::string& path, const IOOptions&,
                                          std::string* absolute, IODebugContext*) {
  *absolute = path;
  return IOStatus::OK();
}

IOStatus CrashFileSystem::IsDirectory(const std::string& path, const IOOptions&, bool* is,
                                      IODebugContext*) {
  std::lock_guard lock(mutex_);
  FilePointer found = Find(path);
  if (!found) return Absent(path);
  *is = found->is_folder;
  return Alive();
}

}  // namespace weir::quorum
