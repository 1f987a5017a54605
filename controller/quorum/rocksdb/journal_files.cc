// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/journal_files.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "controller/quorum/rocksdb/journal_end.h"

namespace weir::quorum {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

bool IsJournal(const std::string& path) { return path.ends_with(".log"); }

// Its size is what was appended; behind that, zeros.
class Journal final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  Journal(std::unique_ptr<rocksdb::FSWritableFile> file, uint64_t ahead)
      : FSWritableFileOwnerWrapper(std::move(file)), ahead_(ahead) {}

  using FSWritableFileOwnerWrapper::Append;
  IOStatus Append(const Slice& bytes, const IOOptions& options, IODebugContext* debug) override {
    IOStatus done = target()->PositionedAppend(bytes, size_, options, debug);
    if (!done.ok()) return done;
    size_ += bytes.size();
    if (size_ <= zeros_to_) return done;
    zeros_to_ = size_;
    return ZeroAhead(options, debug);
  }
  IOStatus Append(const Slice& bytes, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(bytes, options, debug);
  }

  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    size_ = zeros_to_ = size;
    return target()->Truncate(size, options, debug);
  }
  // With or without the zeros it is the same journal, so that nothing depends on their going.
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    if (zeros_to_ > size_) target()->Truncate(size_, options, debug).PermitUncheckedError();
    return target()->Close(options, debug);
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

  // Room that is set aside and not written would be written down as such at each sync.
  void SetPreallocationBlockSize(size_t) override {}
  void PrepareWrite(size_t, size_t, const IOOptions&, IODebugContext*) override {}
  IOStatus Allocate(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  // Where there is no room for zeros there may still be some for records.
  IOStatus ZeroAhead(const IOOptions& options, IODebugContext* debug) {
    if (is_full_) return IOStatus::OK();
    const uint64_t to = (size_ / ahead_ + 1) * ahead_;
    const std::string zeros(to - size_, '\0');
    IOStatus done = target()->PositionedAppend(zeros, size_, options, debug);
    if (done.IsNoSpace()) {
      is_full_ = true;
      return IOStatus::OK();
    }
    if (done.ok()) zeros_to_ = to;
    return done;
  }

  const uint64_t ahead_;
  uint64_t size_ = 0;
  uint64_t zeros_to_ = 0;
  bool is_full_ = false;
};

// Up to `end`.
class JournalReader final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  JournalReader(std::unique_ptr<rocksdb::FSSequentialFile> file, uint64_t end)
      : FSSequentialFileOwnerWrapper(std::move(file)), left_(end) {}

  IOStatus Read(size_t count, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    count = std::min<uint64_t>(count, left_);
    if (count == 0) {
      *result = Slice(scratch, 0);
      return IOStatus::OK();
    }
    IOStatus done = target()->Read(count, options, result, scratch, debug);
    left_ -= result->size();
    return done;
  }
  IOStatus Skip(uint64_t count) override {
    count = std::min(count, left_);
    left_ -= count;
    return target()->Skip(count);
  }
  IOStatus PositionedRead(uint64_t, size_t, const IOOptions&, Slice*, char*,
                          IODebugContext*) override {
    return IOStatus::NotSupported("a journal is read in order");
  }

 private:
  uint64_t left_;
};

IOStatus FindEnd(rocksdb::FSSequentialFile& file, std::optional<uint64_t>* end) {
  JournalEnd found;
  std::string scratch(JournalEnd::kBlockBytes, '\0');
  Slice block;
  do {
    IOStatus done = file.Read(scratch.size(), IOOptions(), &block, scratch.data(), nullptr);
    if (!done.ok()) return done;
    found.Read(block.ToStringView());
  } while (block.size() == scratch.size());
  *end = found.end();
  return IOStatus::OK();
}

}  // namespace

IOStatus JournalFiles::NewWritableFile(const std::string& path, const FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       IODebugContext* debug) {
  IOStatus done = target()->NewWritableFile(path, options, file, debug);
  if (done.ok() && IsJournal(path)) *file = std::make_unique<Journal>(std::move(*file), ahead_);
  return done;
}

IOStatus JournalFiles::NewSequentialFile(const std::string& path, const FileOptions& options,
                                         std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                         IODebugContext* debug) {
  if (!IsJournal(path)) return target()->NewSequentialFile(path, options, file, debug);
  std::optional<uint64_t> end;
  std::unique_ptr<rocksdb::FSSequentialFile> whole;
  IOStatus done = target()->NewSequentialFile(path, options, &whole, debug);
  if (done.ok()) done = FindEnd(*whole, &end);
  if (done.ok()) done = target()->NewSequentialFile(path, options, file, debug);
  if (done.ok() && end) *file = std::make_unique<JournalReader>(std::move(*file), *end);
  return done;
}

}  // namespace weir::quorum
