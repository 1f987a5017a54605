// SPDX-License-Identifier: Apache-2.0
// Files in memory for RocksDB, with a disk's treachery: at a crash only what was synced is sure to
// stay, names as well as bytes; a write can find no room, or fail; bits can rot.
//
// The strict reading of POSIX: a file's bytes are safe after its own sync, its name after its
// folder's. Safe from any thread.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace weir::quorum {

// What is left at a crash of what was not synced.
enum class Unsynced {
  kLost,       // Nothing.
  kKept,       // All of it, as when the process ends and the machine goes on.
  kTorn,       // A beginning of each file's writes, the last one in part; a beginning of the names.
  kScattered,  // Any of the writes, and of those in place any pages: in no order.
};

class CrashFileSystem final : public rocksdb::FileSystem {
 public:
  CrashFileSystem();
  ~CrashFileSystem() override;

  // Operations that change something, since the beginning.
  int operations() const;
  // The machine stops just before this operation: from then on everything fails.
  void CrashAt(int operation);
  bool has_crashed() const;
  // After CrashAt, or at any time: what is left is all there is, and the machine runs again.
  // Whoever had it open has closed it.
  void Reboot(Unsynced unsynced, uint64_t seed);

  // This operation alone fails, with EIO.
  void FailAt(int operation);
  // From this operation on nothing grows: a write takes half of what it has, and fails.
  void FillAt(int operation);
  void MakeRoom();

  // The tree as it is, and back: what a test damages it can have anew. Everything counts as synced.
  using Tree = std::map<std::string, std::string>;
  Tree Copy() const;
  void Restore(const Tree& tree);

  const char* Name() const override { return "CrashFileSystem"; }
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions&,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions&,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions&,
                                 std::unique_ptr<rocksdb::FSDirectory>* folder,
                                 rocksdb::IODebugContext*) override;
  rocksdb::IOStatus FileExists(const std::string& path, const rocksdb::IOOptions&,
                               rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetChildren(const std::string& path, const rocksdb::IOOptions&,
                                std::vector<std::string>* names, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions&,
                               rocksdb::IODebugContext*) override;
  rocksdb::IOStatus CreateDir(const std::string& path, const rocksdb::IOOptions&,
                              rocksdb::IODebugContext*) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const rocksdb::IOOptions&,
                                       rocksdb::IODebugContext*) override;
  rocksdb::IOStatus DeleteDir(const std::string& path, const rocksdb::IOOptions&,
                              rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetFileSize(const std::string& path, const rocksdb::IOOptions&, uint64_t* size,
                                rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetFileModificationTime(const std::string& path, const rocksdb::IOOptions&,
                                            uint64_t* time, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus LockFile(const std::string& path, const rocksdb::IOOptions&,
                             rocksdb::FileLock** lock, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const rocksdb::IOOptions&,
                               rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetTestDirectory(const rocksdb::IOOptions&, std::string* path,
                                     rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewLogger(const std::string&, const rocksdb::IOOptions&,
                              std::shared_ptr<rocksdb::Logger>*, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetAbsolutePath(const std::string& path, const rocksdb::IOOptions&,
                                    std::string* absolute, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus IsDirectory(const std::string& path, const rocksdb::IOOptions&, bool* is,
                                rocksdb::IODebugContext*) override;

 private:
  class Sequential;
  class RandomAccess;
  class Writable;
  class RandomRw;
  class Folder;

  struct Change {
    uint64_t at = 0;
    std::string bytes;
    // Cuts to `at` instead.
    bool is_cut = false;
  };
  struct File {
    bool is_folder = false;
    std::string now;
    std::string synced;
    std::vector<Change> unsynced;
  };
  using FilePointer = std::shared_ptr<File>;
  using Names = std::map<std::string, FilePointer>;
  struct NameChange {
    std::string folder;
    std::function<void(Names&)> change;
  };

  static void Apply(const Change& change, std::string& bytes);
  // Begins every change: counts it, and says why it fails, if it does.
  rocksdb::IOStatus Begin();
  rocksdb::IOStatus Alive() const;
  rocksdb::IOStatus Write(File& file, Change change);
  rocksdb::IOStatus Sync(File& file);
  FilePointer Find(const std::string& path) const;
  void ChangeNames(const std::string& path, std::function<void(Names&)> change);
  rocksdb::IOStatus Make(const std::string& path, bool is_folder, FilePointer* made);

  mutable std::mutex mutex_;
  Names now_;
  Names synced_;
  std::vector<NameChange> unsynced_names_;
  std::set<std::string> locks_;
  int operations_ = 0;
  std::optional<int> crash_at_;
  std::optional<int> fail_at_;
  std::optional<int> fill_at_;
  bool has_crashed_ = false;
};

}  // namespace weir::quorum
