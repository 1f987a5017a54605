// SPDX-License-Identifier: Apache-2.0
// A strand and a disk in memory for the tests of this folder: one operation at a time, and crashes
// that keep what was synced and a random part of what was not.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "common/host/host.h"

namespace weir::log {

class MemoryWorld : public host::Strand,
                    public host::Disk,
                    public host::Clock,
                    public host::Network,
                    public host::Random {
 public:
  explicit MemoryWorld(uint64_t seed = 1) : random_(seed) {}

  host::Host host() { return {*this, *this, *this, *this, *this}; }

  // Runs the next task; false if there is none.
  bool RunOne();
  void RunAll();
  // The machine stops: what was under way is gone, and so is some of what was not synced.
  void Crash();
  // From now on, operations of this kind ("write", "sync") on paths that contain `path` fail.
  void FailFrom(std::string kind, std::string path, Error error);
  void FailNoMore() { failures_.clear(); }

  int writes = 0;
  int syncs = 0;
  // Time stands still unless a test moves it.
  Instant now;
  WallTime wall_now;
  void Pass(Duration time) {
    now = now + time;
    wall_now.ms += std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  }
  // All that is there, folders as well.
  std::vector<std::string> Paths() const;
  // The file as readers see it; nothing if it is not there.
  std::string* Find(const std::string& path);

  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  TimerId RunAt(Instant, Task) override { return 0; }
  void Cancel(TimerId) override {}
  Instant Now() const override { return now; }
  WallTime WallNow() const override { return wall_now; }
  uint64_t Next() override { return random_(); }
  void Call(const host::Endpoint&, const std::string&, Pieces, Duration,
            Callback<void(host::CallStatus, Bytes)>) override {}
  std::shared_ptr<host::Stream> Open(const host::Endpoint&, const std::string&,
                                     std::shared_ptr<host::StreamEvents>) override {
    return nullptr;
  }
  Result<host::Endpoint> Listen(const host::Endpoint& at, host::Methods) override { return at; }
  void SetServing(bool) override {}

  void Open(std::string path, host::OpenMode mode,
            Callback<void(Result<std::shared_ptr<host::File>>)> done) override;
  void MakeFolder(std::string path, Callback<void(Result<void>)> done) override;
  void List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) override;
  void Rename(std::string from, std::string to, Callback<void(Result<void>)> done) override;
  void Remove(std::string path, Callback<void(Result<void>)> done) override;
  void SyncFolder(std::string path, Callback<void(Result<void>)> done) override;
  void Measure(Callback<void(Result<host::Space>)> done) override;

 private:
  friend class MemoryFile;
  struct Node {
    bool is_folder = false;
    std::string now;
    std::string synced;
    // Each changes what was synced as it changed what is.
    std::vector<std::function<void(std::string&, std::mt19937_64&)>> unsynced;
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;
  struct NameChange {
    std::string folder;
    std::function<void(Names&)> change;
  };
  struct Failure {
    std::string kind;
    std::string path;
    Error error;
  };

  Result<void> Fault(const std::string& kind, const std::string& path) const;
  void ChangeName(const std::string& path, std::function<void(Names&)> change);

  std::mt19937_64 random_;
  std::deque<Task> tasks_;
  Names names_;
  Names synced_names_;
  std::vector<NameChange> unsynced_names_;
  std::vector<Failure> failures_;
};

}  // namespace weir::log
