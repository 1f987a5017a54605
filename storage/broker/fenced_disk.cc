// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/fenced_disk.h"

#include <utility>

namespace weir::broker {
namespace {

using host::File;
using host::OpenMode;

// The device takes no change any more; whatever else there is concerns one file, or one moment.
bool IsOfTheDevice(const Error& error) {
  return error.kind == Error::Kind::kIo || error.kind == Error::Kind::kReadOnly;
}

}  // namespace

class FencedDisk::State : public std::enable_shared_from_this<State> {
 public:
  State(host::Strand& strand, Callback<void(const Error&)> failed)
      : strand_(strand), failed_(std::move(failed)) {}

  void Fence(const Error& why) {
    failed_ = nullptr;
    if (!why_) why_ = why;
  }
  void Orphan() { failed_ = nullptr; }
  const std::optional<Error>& why() const { return why_; }

  // A change: `begin` is handed what to call, unless nothing may be changed any more.
  template <class T, class Begin>
  void Change(Callback<void(Result<T>)> done, Begin begin) {
    if (why_) {
      strand_.Post([done = std::move(done), why = *why_]() mutable {
        done(std::unexpected(std::move(why)));
      });
      return;
    }
    begin([self = shared_from_this(), done = std::move(done)](Result<T> result) mutable {
      if (!result && IsOfTheDevice(result.error())) self->Failed(result.error());
      // What went well beside a failure may be lost with what did not.
      if (result && self->why_) result = std::unexpected(*self->why_);
      done(std::move(result));
    });
  }

 private:
  void Failed(const Error& error) {
    if (!why_) why_ = error;
    if (failed_) std::exchange(failed_, nullptr)(error);
  }

  host::Strand& strand_;
  Callback<void(const Error&)> failed_;
  std::optional<Error> why_;
};

class FencedDisk::GuardedFile final : public File {
 public:
  GuardedFile(std::shared_ptr<State> state, std::shared_ptr<File> file)
      : state_(std::move(state)), file_(std::move(file)) {}

  void Read(uint64_t offset, size_t length, Callback<void(Result<Bytes>)> done) override {
    file_->Read(offset, length, std::move(done));
  }
  void Write(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
    state_->Change<void>(std::move(done), [&](auto watched) {
      file_->Write(offset, std::move(data), std::move(watched));
    });
  }
  void WriteSynced(uint64_t offset, Pieces data, Callback<void(Result<void>)> done) override {
    state_->Change<void>(std::move(done), [&](auto watched) {
      file_->WriteSynced(offset, std::move(data), std::move(watched));
    });
  }
  void Sync(Callback<void(Result<void>)> done) override {
    state_->Change<void>(std::move(done), [&](auto watched) { file_->Sync(std::move(watched)); });
  }
  void Truncate(uint64_t size, Callback<void(Result<void>)> done) override {
    state_->Change<void>(std::move(done),
                         [&](auto watched) { file_->Truncate(size, std::move(watched)); });
  }
  void Size(Callback<void(Result<uint64_t>)> done) override { file_->Size(std::move(done)); }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<File> file_;
};

FencedDisk::FencedDisk(host::Disk& disk, host::Strand& strand, Callback<void(const Error&)> failed)
    : disk_(disk), state_(std::make_shared<State>(strand, std::move(failed))) {}

FencedDisk::~FencedDisk() { state_->Orphan(); }

void FencedDisk::Fence(const Error& why) { state_->Fence(why); }

const std::optional<Error>& FencedDisk::fence() const { return state_->why(); }

void FencedDisk::Open(std::string path, OpenMode mode,
                      Callback<void(Result<std::shared_ptr<File>>)> done) {
  if (mode == OpenMode::kRead) return disk_.Open(std::move(path), mode, std::move(done));
  state_->Change<std::shared_ptr<File>>(
      [state = state_, done = std::move(done)](Result<std::shared_ptr<File>> file) mutable {
        if (file) *file = std::make_shared<GuardedFile>(std::move(state), std::move(*file));
        done(std::move(file));
      },
      [&](auto watched) { disk_.Open(std::move(path), mode, std::move(watched)); });
}

void FencedDisk::MakeFolder(std::string path, Callback<void(Result<void>)> done) {
  state_->Change<void>(std::move(done), [&](auto watched) {
    disk_.MakeFolder(std::move(path), std::move(watched));
  });
}

void FencedDisk::List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) {
  disk_.List(std::move(path), std::move(done));
}

void FencedDisk::Rename(std::string from, std::string to, Callback<void(Result<void>)> done) {
  state_->Change<void>(std::move(done), [&](auto watched) {
    disk_.Rename(std::move(from), std::move(to), std::move(watched));
  });
}

void FencedDisk::Remove(std::string path, Callback<void(Result<void>)> done) {
  state_->Change<void>(std::move(done),
                       [&](auto watched) { disk_.Remove(std::move(path), std::move(watched)); });
}

void FencedDisk::SyncFolder(std::string path, Callback<void(Result<void>)> done) {
  state_->Change<void>(std::move(done), [&](auto watched) {
    disk_.SyncFolder(std::move(path), std::move(watched));
  });
}

void FencedDisk::Measure(Callback<void(Result<host::Space>)> done) {
  disk_.Measure(std::move(done));
}

}  // namespace weir::broker
