// SPDX-License-Identifier: Apache-2.0
#include "storage/log/open_files.h"

#include <glog/logging.h>

#include <utility>

namespace weir::log {

using FilePointer = std::shared_ptr<host::File>;

// All files that were handed out and are still held.
class OpenFiles::Table : public std::enable_shared_from_this<OpenFiles::Table> {
 public:
  struct Entry {
    std::string path;
    host::OpenMode mode = host::OpenMode::kRead;
    // Null while it is closed.
    FilePointer file;
    int under_way = 0;
    // Its name is another file's, or nobody's: it cannot be opened again.
    bool is_gone = false;
    bool is_opening = false;
    // Nobody holds it any more.
    bool is_dropped = false;
    std::vector<Callback<void(Result<FilePointer>)>> waiting;
    // Its place in by_use_, while it is open.
    std::list<Entry*>::iterator place;
  };

  Table(host::Disk& disk, host::Strand& strand, size_t files_max)
      : disk_(disk), strand_(strand), files_max_(files_max) {}

  size_t size() const { return by_use_.size(); }

  std::shared_ptr<Entry> Add(std::string path, host::OpenMode mode, FilePointer file) {
    auto entry = std::make_shared<Entry>();
    entry->path = std::move(path);
    // It is there now, and is not to be made again.
    entry->mode = mode == host::OpenMode::kCreate ? host::OpenMode::kWrite : mode;
    by_path_.emplace(entry->path, entry.get());
    Opened(*entry, std::move(file));
    return entry;
  }

  void Drop(Entry& entry) {
    entry.is_dropped = true;
    Close(entry);
    auto [at, end] = by_path_.equal_range(entry.path);
    while (at != end && at->second != &entry) ++at;
    if (at != end) by_path_.erase(at);
  }

  // Calls `use` with the file, open.
  void Use(std::shared_ptr<Entry> entry, Callback<void(Result<FilePointer>)> use) {
    if (entry->file) {
      by_use_.splice(by_use_.end(), by_use_, entry->place);
      return use(entry->file);
    }
    if (entry->is_gone) {
      auto gone = Fail(Error::Kind::kNotFound, entry->path + " was removed");
      return strand_.Post([use = std::move(use), gone]() mutable { use(gone); });
    }
    entry->waiting.push_back(std::move(use));
    if (std::exchange(entry->is_opening, true)) return;
    disk_.Open(entry->path, entry->mode,
               [table = shared_from_this(), entry](Result<FilePointer> opened) {
                 entry->is_opening = false;
                 if (opened && !entry->is_dropped) table->Opened(*entry, *opened);
                 for (auto& waiting : std::exchange(entry->waiting, {})) waiting(opened);
               });
  }

  void Renamed(const std::string& from, const std::string& to) {
    Gone(to);
    auto [at, end] = by_path_.equal_range(from);
    std::vector<Entry*> moved;
    for (auto it = at; it != end; ++it) moved.push_back(it->second);
    by_path_.erase(at, end);
    for (Entry* entry : moved) {
      entry->path = to;
      by_path_.emplace(to, entry);
    }
  }

  // The file, or what is in the folder.
  void Gone(const std::string& path) {
    auto [first, last] = by_path_.equal_range(path);
    for (auto at = first; at != last; ++at) at->second->is_gone = true;
    const std::string within = path + "/";
    for (auto at = by_path_.lower_bound(within);
         at != by_path_.end() && at->first.starts_with(within); ++at) {
      at->second->is_gone = true;
    }
  }

 private:
  void Opened(Entry& entry, FilePointer file) {
    entry.file = std::move(file);
    entry.place = by_use_.insert(by_use_.end(), &entry);
    for (auto at = by_use_.begin(); by_use_.size() > files_max_ && at != by_use_.end();) {
      Entry& oldest = **at++;
      if (&oldest != &entry && oldest.under_way == 0 && !oldest.is_gone) Close(oldest);
    }
  }

  void Close(Entry& entry) {
    if (!entry.file) return;
    by_use_.erase(entry.place);
    entry.file = nullptr;
  }

  host::Disk& disk_;
  host::Strand& strand_;
  const size_t files_max_;
  std::multimap<std::string, Entry*> by_path_;
  // Open files, the one that was used longest ago first.
  std::list<Entry*> by_use_;
};

class OpenFiles::Named : public host::File {
 public:
  Named(std::shared_ptr<Table> table, std::shared_ptr<Table::Entry> entry)
      : table_(std::move(table)), entry_(std::move(entry)) {}
  ~Named() override { table_->Drop(*entry_); }
  Named(const Named&) = delete;
  Named& operator=(const Named&) = delete;

  void Read(uint64_t offset, size_t length, Callback<void(Result<Bytes>)> done) override {
    Use<Bytes>(std::move(done), [offset, length](host::File& file, auto told) {
      file.Read(offset, length, std::move(told));
    });
  }
  void Write(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
    Use<void>(std::move(done),
              [offset, data = std::move(data)](host::File& file, auto told) mutable {
                file.Write(offset, std::move(data), std::move(told));
              });
  }
  void WriteSynced(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
    Use<void>(std::move(done),
              [offset, data = std::move(data)](host::File& file, auto told) mutable {
                file.WriteSynced(offset, std::move(data), std::move(told));
              });
  }
  void Sync(Callback<void(Result<void>)> done) override {
    Use<void>(std::move(done), [](host::File& file, auto told) { file.Sync(std::move(told)); });
  }
  void Truncate(uint64_t size, Callback<void(Result<void>)> done) override {
    Use<void>(std::move(done),
              [size](host::File& file, auto told) { file.Truncate(size, std::move(told)); });
  }
  void Size(Callback<void(Result<uint64_t>)> done) override {
    Use<uint64_t>(std::move(done), [](host::File& file, auto told) { file.Size(std::move(told)); });
  }

 private:
  template <class T, class Operation>
  void Use(Callback<void(Result<T>)> done, Operation operation) {
    table_->Use(entry_, [entry = entry_, done = std::move(done),
                         operation = std::move(operation)](Result<FilePointer> file) mutable {
      if (!file) return done(std::unexpected(std::move(file.error())));
      ++entry->under_way;
      operation(**file, [entry, file = *file, done = std::move(done)](Result<T> result) mutable {
        --entry->under_way;
        done(std::move(result));
      });
    });
  }

  std::shared_ptr<Table> table_;
  std::shared_ptr<Table::Entry> entry_;
};

OpenFiles::OpenFiles(host::Disk& disk, host::Strand& strand, size_t files_max)
    : disk_(disk), table_(std::make_shared<Table>(disk, strand, files_max)) {
  CHECK_GT(files_max, 0u);
}

size_t OpenFiles::size() const { return table_->size(); }

void OpenFiles::Open(std::string path, host::OpenMode mode,
                     Callback<void(Result<std::shared_ptr<host::File>>)> done) {
  disk_.Open(
      path, mode,
      [table = table_, path, mode, done = std::move(done)](Result<FilePointer> file) mutable {
        if (!file) return done(std::move(file));
        auto entry = table->Add(std::move(path), mode, std::move(*file));
        done(std::make_shared<Named>(std::move(table), std::move(entry)));
      });
}

void OpenFiles::MakeFolder(std::string path, Callback<void(Result<void>)> done) {
  disk_.MakeFolder(std::move(path), std::move(done));
}

void OpenFiles::List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) {
  disk_.List(std::move(path), std::move(done));
}

void OpenFiles::Rename(std::string from, std::string to, Callback<void(Result<void>)> done) {
  disk_.Rename(from, to, [table = table_, from, to, done = std::move(done)](auto renamed) mutable {
    if (renamed) table->Renamed(from, to);
    done(std::move(renamed));
  });
}

void OpenFiles::Remove(std::string path, Callback<void(Result<void>)> done) {
  disk_.Remove(path, [table = table_, path, done = std::move(done)](auto removed) mutable {
    if (removed) table->Gone(path);
    done(std::move(removed));
  });
}

void OpenFiles::SyncFolder(std::string path, Callback<void(Result<void>)> done) {
  disk_.SyncFolder(std::move(path), std::move(done));
}

void OpenFiles::Measure(Callback<void(Result<host::Space>)> done) {
  disk_.Measure(std::move(done));
}

}  // namespace weir::log
