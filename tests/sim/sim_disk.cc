// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim_disk.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::sim {

namespace {

constexpr std::string_view NameOf(DiskOperation operation) {
  switch (operation) {
    case DiskOperation::kOpen:
      return "open";
    case DiskOperation::kRead:
      return "read";
    case DiskOperation::kWrite:
      return "write";
    case DiskOperation::kSync:
      return "sync";
    case DiskOperation::kTruncate:
      return "truncate";
    case DiskOperation::kSize:
      return "size";
    case DiskOperation::kFolder:
      return "folder";
  }
  return "disk";
}

// What tells a process how its operation ended.
template <class T>
Task0 Tell(Callback<void(Result<T>)> done, Result<T> result) {
  return
      [done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); };
}

}  // namespace

// A file that one life has open.
class SimFile final : public host::File {
 public:
  SimFile(SimDisk& disk, Life* life, std::shared_ptr<Node> node, std::string path, bool writable)
      : disk_(disk),
        life_(life),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable) {}

  void Read(uint64_t offset, size_t length, Callback<void(Result<Bytes>)> done) override {
    auto happen = [node = node_, &disk = disk_, path = path_, offset, length,
                   done = std::move(done)]() mutable {
      if (auto failure = disk.DrawFailure(DiskOperation::kRead, path, false)) {
        return Tell<Bytes>(std::move(done), std::unexpected(*failure));
      }
      std::string_view now = node->content.now();
      std::string_view read = offset < now.size() ? now.substr(offset, length) : "";
      return Tell<Bytes>(std::move(done), Bytes::FromString(std::string(read)));
    };
    Begin(DiskOperation::kRead, offset, offset + length, std::move(happen));
  }

  void Write(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
    CHECK(writable_) << path_ << " was opened for reading only";
    uint64_t end = offset + SizeOf(data);
    auto happen = [node = node_, &disk = disk_, path = path_, offset, data = std::move(data),
                   done = std::move(done)]() mutable {
      return Tell<void>(std::move(done), disk.WriteNow(*node, path, offset, data));
    };
    Begin(DiskOperation::kWrite, offset, end, std::move(happen));
  }

  // Two operations, so that a crash may come between them.
  void WriteSynced(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
    uint64_t end = offset + SizeOf(data);
    Write(offset, std::move(data),
          [node = node_, &disk = disk_, life = life_, path = path_, offset, end,
           done = std::move(done)](Result<void> wrote) mutable {
            if (!wrote) return done(std::move(wrote));
            auto happen = [node, &disk, path, offset, end, mark = node->content.mark(),
                           done = std::move(done)]() mutable {
              if (auto failure = disk.DrawFailure(DiskOperation::kSync, path, false)) {
                node->content.Forget(mark, disk.timeline_.chance());
                return Tell<void>(std::move(done), std::unexpected(*failure));
              }
              node->content.SyncRange(offset, end, mark);
              return Tell<void>(std::move(done), {});
            };
            disk.Begin(life, DiskOperation::kSync, {node.get(), offset, end}, std::move(happen));
          });
  }

  void Sync(Callback<void(Result<void>)> done) override {
    CHECK(writable_) << path_ << " was opened for reading only";
    auto happen = [node = node_, &disk = disk_, path = path_, mark = node_->content.mark(),
                   done = std::move(done)]() mutable {
      if (auto failure = disk.DrawFailure(DiskOperation::kSync, path, false)) {
        node->content.Forget(mark, disk.timeline_.chance());
        return Tell<void>(std::move(done), std::unexpected(*failure));
      }
      node->content.Sync(mark);
      return Tell<void>(std::move(done), {});
    };
    Begin(DiskOperation::kSync, 0, 0, std::move(happen));
  }

  void Truncate(uint64_t size, Callback<void(Result<void>)> done) override {
    CHECK(writable_) << path_ << " was opened for reading only";
    auto happen = [node = node_, &disk = disk_, path = path_, size,
                   done = std::move(done)]() mutable {
      if (auto failure = disk.DrawFailure(DiskOperation::kTruncate, path, true)) {
        return Tell<void>(std::move(done), std::unexpected(*failure));
      }
      node->content.Truncate(size);
      return Tell<void>(std::move(done), {});
    };
    Begin(DiskOperation::kTruncate, 0, UINT64_MAX, std::move(happen));
  }

  void Size(Callback<void(Result<uint64_t>)> done) override {
    auto happen = [node = node_, done = std::move(done)]() mutable {
      return Tell<uint64_t>(std::move(done), node->content.now().size());
    };
    Begin(DiskOperation::kSize, 0, UINT64_MAX, std::move(happen));
  }

 private:
  void Begin(DiskOperation kind, uint64_t from, uint64_t to, Callback<Task0()> happen) {
    disk_.Begin(life_, kind, {node_.get(), from, to}, std::move(happen));
  }

  SimDisk& disk_;
  Life* life_;
  std::shared_ptr<Node> node_;
  std::string path_;
  bool writable_;
};

// The disk as one life sees it.
class DiskPort final : public host::Disk {
 public:
  DiskPort(SimDisk& disk, Life* life) : disk_(disk), life_(life) {}

  void Open(std::string path, host::OpenMode mode,
            Callback<void(Result<std::shared_ptr<host::File>>)> done) override {
    auto happen = [this, path = std::move(path), mode, done = std::move(done)]() mutable {
      using Opened = std::shared_ptr<host::File>;
      auto node = disk_.OpenNow(path, mode);
      if (!node) return Tell<Opened>(std::move(done), std::unexpected(node.error()));
      bool writable = mode != host::OpenMode::kRead;
      Opened file = std::make_shared<SimFile>(disk_, life_, *node, std::move(path), writable);
      return Tell<Opened>(std::move(done), std::move(file));
    };
    disk_.Begin(life_, DiskOperation::kOpen, {}, std::move(happen));
  }

  void MakeFolder(std::string path, Callback<void(Result<void>)> done) override {
    Change(std::move(path), std::move(done),
           [this](const std::string& folder) { return disk_.tree_.MakeFolder(folder); });
  }

  void List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) override {
    auto happen = [this, path = std::move(path), done = std::move(done)]() mutable {
      using Names = std::vector<std::string>;
      if (auto failure = disk_.DrawFailure(DiskOperation::kRead, path, false)) {
        return Tell<Names>(std::move(done), std::unexpected(*failure));
      }
      return Tell<Names>(std::move(done), disk_.tree_.List(path));
    };
    disk_.Begin(life_, DiskOperation::kFolder, {}, std::move(happen));
  }

  void Rename(std::string from, std::string to, Callback<void(Result<void>)> done) override {
    Change(std::move(from), std::move(done), [this, to = std::move(to)](const std::string& source) {
      return disk_.tree_.Rename(source, to);
    });
  }

  void Remove(std::string path, Callback<void(Result<void>)> done) override {
    Change(std::move(path), std::move(done),
           [this](const std::string& gone) { return disk_.tree_.Remove(gone); });
  }

  void SyncFolder(std::string path, Callback<void(Result<void>)> done) override {
    auto happen = [this, path = std::move(path), mark = disk_.tree_.mark(),
                   done = std::move(done)]() mutable {
      if (auto failure = disk_.DrawFailure(DiskOperation::kSync, path, false)) {
        return Tell<void>(std::move(done), std::unexpected(*failure));
      }
      std::shared_ptr<Node> folder = disk_.tree_.Find(path);
      if (folder == nullptr || !folder->is_folder) {
        return Tell<void>(std::move(done),
                          Fail(Error::Kind::kNotFound, "no folder \"" + path + '"'));
      }
      disk_.tree_.SyncFolder(*folder, mark);
      return Tell<void>(std::move(done), {});
    };
    disk_.Begin(life_, DiskOperation::kSync, {}, std::move(happen));
  }

  void Measure(Callback<void(Result<host::Space>)> done) override {
    auto happen = [this, done = std::move(done)]() mutable {
      return Tell<host::Space>(std::move(done), disk_.space());
    };
    disk_.Begin(life_, DiskOperation::kSize, {}, std::move(happen));
  }

 private:
  template <class F>
  void Change(std::string path, Callback<void(Result<void>)> done, F change) {
    auto happen = [this, path = std::move(path), done = std::move(done),
                   change = std::move(change)]() mutable {
      if (auto failure = disk_.DrawFailure(DiskOperation::kFolder, path, true)) {
        return Tell<void>(std::move(done), std::unexpected(*failure));
      }
      return Tell<void>(std::move(done), change(path));
    };
    disk_.Begin(life_, DiskOperation::kFolder, {}, std::move(happen));
  }

  SimDisk& disk_;
  Life* life_;
};

void SimDisk::FailNext(DiskOperation operation, Error::Kind kind, int count) {
  failures_ahead_.push_back({operation, kind, count});
}

void SimDisk::CallAfter(uint64_t operation, std::function<void()> crash) {
  call_after_ = operation;
  crash_ = std::move(crash);
}

std::string SimDisk::Contents(const std::string& path) const {
  std::shared_ptr<Node> node = tree_.Find(path);
  CHECK(node != nullptr) << "no file " << path;
  return std::string(node->content.now());
}

void SimDisk::CorruptByte(const std::string& path, uint64_t offset) {
  std::shared_ptr<Node> node = tree_.Find(path);
  CHECK(node != nullptr) << "no file " << path;
  node->content.Flip(offset);
}

host::Space SimDisk::space() const {
  constexpr uint64_t kEndless = 1ull << 50;
  if (!faults_.capacity) return {kEndless, kEndless};
  uint64_t used = tree_.TotalSize();
  return {*faults_.capacity, *faults_.capacity - std::min(used, *faults_.capacity)};
}

std::unique_ptr<host::Disk> SimDisk::Attach(Life* life) {
  return std::make_unique<DiskPort>(*this, life);
}

Duration SimDisk::DrawLatency(DiskOperation kind) {
  Chance& chance = timeline_.chance();
  Duration drawn{};
  switch (kind) {
    case DiskOperation::kRead:
      drawn = chance.Between(speed_.read_min, speed_.read_max);
      break;
    case DiskOperation::kWrite:
      drawn = chance.Between(speed_.write_min, speed_.write_max);
      break;
    case DiskOperation::kSync:
      drawn = chance.Between(speed_.sync_min, speed_.sync_max);
      break;
    default:
      drawn = chance.Between(speed_.name_min, speed_.name_max);
  }
  return drawn * faults_.slowness;
}

void SimDisk::Begin(Life* life, DiskOperation kind, Range range, Callback<Task0()> happen) {
  if (!life->alive) {
    timeline_.Discard([happen = std::move(happen)] {});
    return;
  }
  Instant due = timeline_.now() + DrawLatency(kind);
  for (const Operation& earlier : pending_) {
    bool overlaps = range.node != nullptr && earlier.range.node == range.node &&
                    range.from < earlier.range.to && earlier.range.from < range.to;
    if (overlaps && earlier.due >= due) due = earlier.due + Duration(1);
  }
  pending_.push_back({life, kind, range, due, std::move(happen)});
  if (!stalled_) Schedule(std::prev(pending_.end()));
}

void SimDisk::Schedule(Operations::iterator operation) {
  operation->scheduled = true;
  operation->event = timeline_.At(operation->due, nullptr, NameOf(operation->kind),
                                  [this, operation] { Complete(operation); });
}

void SimDisk::Unstall() {
  stalled_ = false;
  for (auto operation = pending_.begin(); operation != pending_.end(); ++operation) {
    if (!operation->scheduled) Schedule(operation);
  }
}

void SimDisk::Complete(Operations::iterator operation) {
  if (stalled_) {
    operation->scheduled = false;
    return;
  }
  Life* life = operation->life;
  std::string_view kind = NameOf(operation->kind);
  Task0 tell = operation->happen();
  timeline_.Discard([happened = std::move(operation->happen)] {});
  pending_.erase(operation);
  ++operations_;
  if (operations_ == call_after_ && crash_) std::exchange(crash_, {})();
  timeline_.RunIn(*life, kind, std::move(tell));
}

void SimDisk::LifeEnded() {
  Operations under_way = std::exchange(pending_, {});
  for (Operation& operation : under_way) {
    timeline_.Cancel(operation.event);
    if (timeline_.chance().Coin()) timeline_.Discard(operation.happen());
    timeline_.Discard([happen = std::move(operation.happen)] {});
  }
}

void SimDisk::PowerLost() { tree_.Crash(timeline_.chance()); }

std::optional<Error> SimDisk::DrawFailure(DiskOperation operation, const std::string& path,
                                          bool changes) {
  auto fails = [&](Error::Kind kind, std::string_view why) {
    return Error{kind, "cannot " + std::string(NameOf(operation)) + " \"" + path +
                           "\": " + std::string(why)};
  };
  for (auto ahead = failures_ahead_.begin(); ahead != failures_ahead_.end(); ++ahead) {
    if (ahead->operation != operation) continue;
    Error::Kind kind = ahead->kind;
    if (--ahead->count == 0) failures_ahead_.erase(ahead);
    return fails(kind, "it was told to fail");
  }
  if (changes && faults_.read_only) return fails(Error::Kind::kReadOnly, "read-only file system");
  double failures = 0;
  if (operation == DiskOperation::kRead) failures = faults_.read_failures;
  if (operation == DiskOperation::kWrite) failures = faults_.write_failures;
  if (operation == DiskOperation::kSync) failures = faults_.sync_failures;
  if (timeline_.chance().Happens(failures)) return fails(Error::Kind::kIo, "input/output error");
  return std::nullopt;
}

Result<void> SimDisk::WriteNow(Node& node, const std::string& path, uint64_t offset,
                               const Pieces& pieces) {
  Bytes all = Join(pieces);
  timeline_.trace().Add(HashOf(all.view()));
  std::optional<Error> failure = DrawFailure(DiskOperation::kWrite, path, true);
  uint64_t size = node.content.now().size();
  uint64_t end = offset + all.size();
  if (!failure && faults_.capacity && end > size &&
      tree_.TotalSize() + (end - size) > *faults_.capacity) {
    failure = Error{Error::Kind::kFull, "cannot write \"" + path + "\": no space left on device"};
  }
  if (!failure) {
    node.content.Write(offset, all.view());
    return {};
  }
  if (failure->kind != Error::Kind::kReadOnly) {
    size_t part = timeline_.chance().Below(all.size() + 1);
    // A full disk takes no more than fits.
    if (failure->kind == Error::Kind::kFull && end > size) {
      part = std::min<size_t>(part, size > offset ? size - offset : 0);
    }
    node.content.Write(offset, all.view().substr(0, part));
  }
  return std::unexpected(*failure);
}

Result<std::shared_ptr<Node>> SimDisk::OpenNow(const std::string& path, host::OpenMode mode) {
  bool writes = mode != host::OpenMode::kRead;
  if (auto failure = DrawFailure(DiskOperation::kOpen, path, writes)) {
    return std::unexpected(*failure);
  }
  std::shared_ptr<Node> node = tree_.Find(path);
  if (node != nullptr && node->is_folder) {
    return Fail(Error::Kind::kInvalid, '"' + path + "\" is a folder, not a file");
  }
  if (node != nullptr) return node;
  if (mode == host::OpenMode::kCreate) return tree_.Create(path);
  return Fail(Error::Kind::kNotFound, "no file \"" + path + '"');
}

}  // namespace weir::sim
