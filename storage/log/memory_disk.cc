// SPDX-License-Identifier: Apache-2.0
#include "storage/log/memory_disk.h"

#include <algorithm>
#include <utility>

namespace weir::log {
namespace {

std::string FolderOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

void WriteInto(std::string& file, uint64_t offset, std::string_view text) {
  if (file.size() < offset + text.size()) file.resize(offset + text.size());
  file.replace(offset, text.size(), text);
}

}  // namespace

class MemoryFile : public host::File {
 public:
  MemoryFile(MemoryWorld& world, std::string path, std::shared_ptr<MemoryWorld::Node> node)
      : world_(world), path_(std::move(path)), node_(std::move(node)) {}

  void Read(uint64_t offset, size_t length, Callback<void(Result<Bytes>)> done) override {
    world_.Post([node = node_, offset, length, done = std::move(done)]() mutable {
      uint64_t from = std::min<uint64_t>(offset, node->now.size());
      done(Bytes::FromString(node->now.substr(from, length)));
    });
  }
  void Write(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
    world_.Post([&world = world_, node = node_, path = path_, offset, text = Join(data).ToString(),
                 done = std::move(done)]() mutable {
      ++world.writes;
      if (auto fault = world.Fault("write", path); !fault) return done(fault);
      WriteInto(node->now, offset, text);
      node->unsynced.push_back([offset, text](std::string& file, std::mt19937_64& random) {
        // Whole, in part or not at all.
        size_t kept = random() % 3 == 0 ? text.size() : random() % (text.size() + 1);
        if (random() % 3 != 0) WriteInto(file, offset, text.substr(0, kept));
      });
      done({});
    });
  }
  // Two steps, so that a crash may come between them.
  void WriteSynced(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
    Write(offset, std::move(data),
          [file = MemoryFile(*this), done = std::move(done)](Result<void> wrote) mutable {
            if (!wrote) return done(std::move(wrote));
            file.Sync(std::move(done));
          });
  }
  void Sync(Callback<void(Result<void>)> done) override {
    world_.Post([&world = world_, node = node_, path = path_, done = std::move(done)]() mutable {
      ++world.syncs;
      if (auto fault = world.Fault("sync", path); !fault) return done(fault);
      node->synced = node->now;
      node->unsynced.clear();
      done({});
    });
  }
  void Truncate(uint64_t size, Callback<void(Result<void>)> done) override {
    world_.Post(
        [&world = world_, node = node_, path = path_, size, done = std::move(done)]() mutable {
          if (auto fault = world.Fault("truncate", path); !fault) return done(fault);
          node->now.resize(size);
          node->unsynced.push_back([size](std::string& file, std::mt19937_64& random) {
            if (random() % 2 == 0) file.resize(size);
          });
          done({});
        });
  }
  void Size(Callback<void(Result<uint64_t>)> done) override {
    world_.Post([node = node_, done = std::move(done)]() mutable { done(node->now.size()); });
  }

 private:
  MemoryWorld& world_;
  const std::string path_;
  std::shared_ptr<MemoryWorld::Node> node_;
};

bool MemoryWorld::RunOne() {
  if (tasks_.empty()) return false;
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  task();
  return true;
}

void MemoryWorld::RunAll() {
  while (RunOne()) {
  }
}

void MemoryWorld::Crash() {
  while (!tasks_.empty()) {
    auto dropped = std::exchange(tasks_, {});
  }
  for (const NameChange& change : std::exchange(unsynced_names_, {})) {
    if (random_() % 2 == 0) change.change(synced_names_);
  }
  names_ = synced_names_;
  for (auto& [path, node] : names_) {
    for (const auto& change : std::exchange(node->unsynced, {})) change(node->synced, random_);
    node->now = node->synced;
  }
  std::erase_if(names_, [this](const auto& entry) {
    std::string folder = FolderOf(entry.first);
    return !folder.empty() && !names_.contains(folder);
  });
  synced_names_ = names_;
}

void MemoryWorld::FailFrom(std::string kind, std::string path, Error error) {
  failures_.push_back({std::move(kind), std::move(path), std::move(error)});
}

std::string* MemoryWorld::Find(const std::string& path) {
  auto found = names_.find(path);
  return found == names_.end() ? nullptr : &found->second->now;
}

std::vector<std::string> MemoryWorld::Paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, node] : names_) paths.push_back(path);
  return paths;
}

Result<void> MemoryWorld::Fault(const std::string& kind, const std::string& path) const {
  for (const Failure& failure : failures_) {
    if (failure.kind == kind && path.find(failure.path) != std::string::npos) {
      return std::unexpected(failure.error);
    }
  }
  return {};
}

void MemoryWorld::ChangeName(const std::string& path, std::function<void(Names&)> change) {
  change(names_);
  unsynced_names_.push_back({FolderOf(path), std::move(change)});
}

void MemoryWorld::Open(std::string path, host::OpenMode mode,
                       Callback<void(Result<std::shared_ptr<host::File>>)> done) {
  Post([this, path, mode, done = std::move(done)]() mutable {
    auto found = names_.find(path);
    if (found == names_.end()) {
      if (mode != host::OpenMode::kCreate || !names_.contains(FolderOf(path))) {
        return done(Fail(Error::Kind::kNotFound, "no such file"));
      }
      auto node = std::make_shared<Node>();
      ChangeName(path, [path, node](Names& names) { names[path] = node; });
      found = names_.find(path);
    }
    done(std::make_shared<MemoryFile>(*this, path, found->second));
  });
}

void MemoryWorld::MakeFolder(std::string path, Callback<void(Result<void>)> done) {
  Post([this, path, done = std::move(done)]() mutable {
    for (size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
      std::string folder = path.substr(0, slash);
      if (!names_.contains(folder)) {
        auto node = std::make_shared<Node>();
        node->is_folder = true;
        ChangeName(folder, [folder, node](Names& names) { names[folder] = node; });
      }
      if (slash == std::string::npos) break;
    }
    done({});
  });
}

void MemoryWorld::List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) {
  Post([this, path, done = std::move(done)]() mutable {
    if (!names_.contains(path)) return done(Fail(Error::Kind::kNotFound, "no such folder"));
    std::vector<std::string> found;
    for (const auto& [name, node] : names_) {
      if (FolderOf(name) == path) found.push_back(name.substr(path.size() + 1));
    }
    done(std::move(found));
  });
}

void MemoryWorld::Rename(std::string from, std::string to, Callback<void(Result<void>)> done) {
  Post([this, from, to, done = std::move(done)]() mutable {
    if (!names_.contains(from)) return done(Fail(Error::Kind::kNotFound, "no such file"));
    ChangeName(from, [from, to, node = names_[from]](Names& names) {
      names.erase(from);
      names[to] = node;
    });
    done({});
  });
}

void MemoryWorld::Remove(std::string path, Callback<void(Result<void>)> done) {
  Post([this, path, done = std::move(done)]() mutable {
    if (names_.contains(path)) ChangeName(path, [path](Names& names) { names.erase(path); });
    done({});
  });
}

void MemoryWorld::SyncFolder(std::string path, Callback<void(Result<void>)> done) {
  Post([this, path, done = std::move(done)]() mutable {
    std::vector<NameChange> kept;
    for (NameChange& change : unsynced_names_) {
      if (change.folder == path) {
        change.change(synced_names_);
      } else {
        kept.push_back(std::move(change));
      }
    }
    unsynced_names_ = std::move(kept);
    done({});
  });
}

void MemoryWorld::Measure(Callback<void(Result<host::Space>)> done) {
  constexpr uint64_t kEndless = 1ull << 50;
  Post([done = std::move(done)]() mutable { done(host::Space{kEndless, kEndless}); });
}

}  // namespace weir::log
