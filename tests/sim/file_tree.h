// SPDX-License-Identifier: Apache-2.0
// Files and folders in memory, each as it is now (the page cache) and as it is on stable storage,
// with what was done in between: so that a crash can forget it, by the rule of common/host/disk.h.
// Knows no time: what is done, is done at once. Paths as in common/host/disk.h.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "tests/sim/chance.h"

namespace weir::sim {

// A file's content.
class Content {
 public:
  std::string_view now() const { return now_; }

  void Write(uint64_t offset, std::string_view text);
  void Truncate(uint64_t size);
  // Names what was done so far, for Sync.
  uint64_t mark() const { return last_change_; }
  // What was done up to `mark` is on stable storage.
  void Sync(uint64_t mark);
  // The same of what touches [from, to) alone; of everything, where the file was cut meanwhile.
  void SyncRange(uint64_t from, uint64_t to, uint64_t mark);
  // What was done up to `mark` stays in the page cache, but no later sync will store it: it is on
  // stable storage by now, or never will be. A cut is the file system's own, and is not forgotten.
  void Forget(uint64_t mark, Chance& chance);
  // Stable storage, and by chance some of what was not synced; the last of it perhaps in part.
  void Crash(Chance& chance);
  // Damages what is stored.
  void Flip(uint64_t offset);

 private:
  struct Change {
    uint64_t number;
    bool truncates;
    uint64_t offset;
    std::string text;
  };

  void Note(Change change);
  static void Apply(std::string& content, const Change& change, std::string_view text);

  std::string now_;
  std::string stable_;
  // In order. Bounded: the oldest are stored, as a kernel does after a while.
  std::deque<Change> changes_;
  uint64_t last_change_ = 0;
};

// A file or a folder.
struct Node {
  bool is_folder = false;
  Content content;
  std::map<std::string, std::shared_ptr<Node>> names;
  std::map<std::string, std::shared_ptr<Node>> stable_names;
};

class FileTree {
 public:
  FileTree();

  // Null if there is none.
  std::shared_ptr<Node> Find(std::string_view path) const;
  Result<std::shared_ptr<Node>> Create(const std::string& path);
  Result<void> MakeFolder(const std::string& path);
  Result<std::vector<std::string>> List(const std::string& path) const;
  Result<void> Rename(const std::string& from, const std::string& to);
  Result<void> Remove(const std::string& path);

  // Names what was done to names so far, for SyncFolder.
  uint64_t mark() const { return last_change_; }
  void SyncFolder(const Node& folder, uint64_t mark);
  void Crash(Chance& chance);

  // Paths of all files, sorted.
  std::vector<std::string> Files() const;
  uint64_t TotalSize() const;

 private:
  struct NameChange {
    std::shared_ptr<Node> folder;
    std::string name;
    // Null: the name is gone.
    std::shared_ptr<Node> node;
  };
  // Atomic: all of it survives, or none.
  struct Change {
    uint64_t number;
    std::vector<NameChange> names;
  };
  struct Place {
    std::shared_ptr<Node> folder;
    std::string name;
  };

  Result<Place> PlaceOf(const std::string& path) const;
  void Do(std::vector<NameChange> names);
  static void Store(const Change& change);

  std::shared_ptr<Node> root_;
  std::deque<Change> changes_;
  uint64_t last_change_ = 0;
};

}  // namespace weir::sim
