// SPDX-License-Identifier: Apache-2.0
// A disk whose flushes take longer, as a network volume's do: so many at a time as the machine's
// own disk has threads for them, the others wait. And no network. One strand.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/host/host.h"
#include "common/host/posix/disk.h"

namespace weir::bench {

class SlowDisk final : public host::Disk {
 public:
  SlowDisk(host::Disk& disk, host::Strand& strand, host::Clock& clock, Duration flush)
      : disk_(disk), strand_(strand), clock_(clock), flush_(flush) {}

  uint64_t flushes() const { return flushes_; }

  void Open(std::string path, host::OpenMode mode,
            Callback<void(Result<std::shared_ptr<host::File>>)> done) override {
    disk_.Open(std::move(path), mode, [this, done = std::move(done)](auto opened) mutable {
      if (opened) opened = std::make_shared<SlowFile>(*this, std::move(*opened));
      done(std::move(opened));
    });
  }
  void MakeFolder(std::string path, Callback<void(Result<void>)> done) override {
    disk_.MakeFolder(std::move(path), std::move(done));
  }
  void List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) override {
    disk_.List(std::move(path), std::move(done));
  }
  void Rename(std::string from, std::string to, Callback<void(Result<void>)> done) override {
    disk_.Rename(std::move(from), std::move(to), std::move(done));
  }
  void Remove(std::string path, Callback<void(Result<void>)> done) override {
    disk_.Remove(std::move(path), std::move(done));
  }
  void SyncFolder(std::string path, Callback<void(Result<void>)> done) override {
    disk_.SyncFolder(std::move(path), std::move(done));
  }
  void Measure(Callback<void(Result<host::Space>)> done) override {
    disk_.Measure(std::move(done));
  }

 private:
  using Start = Callback<void(Callback<void(Result<void>)>)>;

  // Some flushes that go on side by side.
  struct Lane {
    size_t most;
    size_t under_way = 0;
    std::deque<Callback<void()>> waiting = {};
  };

  class SlowFile final : public host::File {
   public:
    SlowFile(SlowDisk& disk, std::shared_ptr<host::File> file)
        : disk_(disk), file_(std::move(file)) {}
    void Read(uint64_t offset, size_t length, Callback<void(Result<Bytes>)> done) override {
      file_->Read(offset, length, std::move(done));
    }
    void Write(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
      file_->Write(offset, std::move(data), std::move(done));
    }
    void WriteSynced(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
      disk_.Flush(
          disk_.synced_writes_,
          [file = file_, offset, data = std::move(data)](auto told) mutable {
            file->WriteSynced(offset, std::move(data), std::move(told));
          },
          std::move(done));
    }
    void Sync(Callback<void(Result<void>)> done) override {
      disk_.Flush(
          disk_.syncs_, [file = file_](auto told) { file->Sync(std::move(told)); },
          std::move(done));
    }
    void Truncate(uint64_t size, Callback<void(Result<void>)> done) override {
      file_->Truncate(size, std::move(done));
    }
    void Size(Callback<void(Result<uint64_t>)> done) override { file_->Size(std::move(done)); }

   private:
    SlowDisk& disk_;
    std::shared_ptr<host::File> file_;
  };

  void Flush(Lane& lane, Start start, Callback<void(Result<void>)> done) {
    ++flushes_;
    if (flush_ == Duration(0)) return start(std::move(done));
    auto begin = [this, &lane, start = std::move(start), done = std::move(done)]() mutable {
      const Instant begun = clock_.Now();
      start([this, &lane, begun, done = std::move(done)](Result<void> result) mutable {
        auto end = [&lane, done = std::move(done), result = std::move(result)]() mutable {
          --lane.under_way;
          if (!lane.waiting.empty()) Next(lane);
          done(std::move(result));
        };
        strand_.RunAt(std::max(begun + flush_, clock_.Now()), std::move(end));
      });
    };
    lane.waiting.push_back(std::move(begin));
    if (lane.under_way < lane.most) Next(lane);
  }
  static void Next(Lane& lane) {
    auto begin = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    ++lane.under_way;
    begin();
  }

  host::Disk& disk_;
  host::Strand& strand_;
  host::Clock& clock_;
  const Duration flush_;
  Lane syncs_{host::PosixDisk::kThreadsMax};
  Lane synced_writes_{host::PosixDisk::kSyncedThreadsMax};
  uint64_t flushes_ = 0;
};

class NoNetwork final : public host::Network {
 public:
  void Call(const host::Endpoint&, const std::string&, Pieces, Duration,
            Callback<void(host::CallStatus, Bytes)>) override {}
  std::shared_ptr<host::Stream> Open(const host::Endpoint&, const std::string&,
                                     std::shared_ptr<host::StreamEvents>) override {
    return nullptr;
  }
  Result<host::Endpoint> Listen(const host::Endpoint& at, host::Methods) override { return at; }
  void SetServing(bool) override {}
};

}  // namespace weir::bench
