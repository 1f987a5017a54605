// SPDX-License-Identifier: Apache-2.0
#include "storage/journal/opening.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/base/planted_bug.h"
#include "common/codec/crc32c.h"

namespace weir::journal {
namespace {

constexpr uint64_t kReadBytes = 1 << 20;

std::unexpected<Error> Corrupt(std::string message) {
  return Fail(Error::Kind::kCorrupt, std::move(message));
}

uint64_t BytesAt(uint64_t position) { return (1 + position) * kBlockBytes; }

// One file's opening; lives in the frame of OpenFrames.
class Opening {
 public:
  Opening(host::Host host, std::string path, JournalOptions options)
      : host_(host), path_(std::move(path)), options_(options) {}

  host::Task<Result<Opened>> Run();

 private:
  host::Task<Result<void>> Make();
  host::Task<Result<void>> FillNew(log::FilePointer file);
  host::Task<Result<void>> ReadFileHead();
  host::Task<Result<void>> FindFrames();
  host::Task<Result<FoundFrame>> JudgeFrame(FrameHead head, uint64_t position);
  Result<void> TakeChain();
  host::Task<Result<void>> FoldFrame(FoundFrame frame);
  host::Task<Result<void>> SecureNewest();

  host::Host host_;
  const std::string path_;
  const JournalOptions options_;
  Opened opened_;
  std::vector<FoundFrame> found_;
  std::vector<FoundFrame> chain_;
  TailFold fold_;
};

host::Task<Result<Opened>> Opening::Run() {
  auto file = co_await log::OpenFile(host_.disk, path_, host::OpenMode::kWrite);
  if (!file && file.error().kind == Error::Kind::kNotFound) {
    if (auto made = co_await Make(); !made) co_return std::unexpected(made.error());
    file = co_await log::OpenFile(host_.disk, path_, host::OpenMode::kWrite);
  }
  if (!file) co_return std::unexpected(file.error());
  opened_.file = std::move(*file);
  auto done = co_await ReadFileHead();
  if (done) done = co_await FindFrames();
  if (done) done = TakeChain();
  for (size_t i = 0; done && i < chain_.size(); ++i) done = co_await FoldFrame(chain_[i]);
  if (done) done = co_await SecureNewest();
  if (!done) co_return std::unexpected(done.error());
  opened_.tails = fold_.Take();
  co_return std::move(opened_);
}

// The name appears when all that belongs to a new file is on stable storage.
host::Task<Result<void>> Opening::Make() {
  std::string fresh = path_ + ".new";
  auto file = co_await log::OpenFile(host_.disk, fresh, host::OpenMode::kCreate);
  if (!file) co_return std::unexpected(file.error());
  auto made = co_await FillNew(*file);
  if (!made) co_return std::unexpected(made.error().While("making " + fresh));
  made = co_await log::RenamePath(host_.disk, fresh, path_);
  size_t slash = path_.rfind('/');
  std::string folder = slash == std::string::npos ? "" : path_.substr(0, slash);
  if (made) made = co_await log::SyncFolderNames(host_.disk, folder);
  co_return made;
}

host::Task<Result<void>> Opening::FillNew(log::FilePointer file) {
  const Uuid id = host_.random.NextUuid();
  FrameHead first{.sequence = 1, .needed = 1};
  std::string front = FileHead{id}.Encode() + first.Encode(id);
  front.resize(2 * kBlockBytes);
  uint64_t size = std::min(options_.step_bytes, options_.bytes) / kBlockBytes * kBlockBytes;
  auto made = co_await log::TruncateFile(file, 0);
  Pieces pieces = {Bytes::FromString(std::move(front))};
  if (made) made = co_await log::WriteFile(file, 0, std::move(pieces));
  for (uint64_t at = 2 * kBlockBytes; made && at < size;) {
    uint64_t bytes = std::min(kReadBytes, size - at);
    Pieces zeros = {Bytes::FromString(std::string(bytes, '\0'))};
    made = co_await log::WriteFile(file, at, std::move(zeros));
    at += bytes;
  }
  if (made) made = co_await log::SyncFile(file);
  co_return made;
}

host::Task<Result<void>> Opening::ReadFileHead() {
  auto size = co_await log::SizeOfFile(opened_.file);
  if (!size) co_return std::unexpected(size.error().While("reading " + path_));
  auto bytes = co_await log::ReadFile(opened_.file, 0, kBlockBytes);
  if (!bytes) co_return std::unexpected(bytes.error().While("reading " + path_));
  auto head = FileHead::Decode(bytes->view());
  if (!head || *size < 2 * kBlockBytes) {
    co_return Corrupt(path_ + " does not begin as a journal does: it is damaged, or another file");
  }
  opened_.id = head->id;
  opened_.blocks = *size / kBlockBytes - 1;
  co_return Result<void>();
}

host::Task<Result<void>> Opening::FindFrames() {
  Bytes window;
  uint64_t window_at = 0;
  for (uint64_t position = 0; position < opened_.blocks;) {
    uint64_t at = BytesAt(position);
    if (at < window_at || at + FrameHead::kBytes > window_at + window.size()) {
      auto read = co_await log::ReadFile(opened_.file, at, kReadBytes);
      if (!read) co_return std::unexpected(read.error().While("reading " + path_));
      window = std::move(*read);
      window_at = at;
      if (window.size() < FrameHead::kBytes) break;
    }
    auto head = FrameHead::Decode(window.view().substr(at - window_at), opened_.id);
    if (!head) {
      ++position;
      continue;
    }
    FoundFrame frame{*head, position, false};
    std::string_view rest = window.view().substr(at - window_at + FrameHead::kBytes);
    if (rest.size() >= head->length) {
      frame.whole = codec::Crc32c(rest.substr(0, head->length)) == head->checksum;
    } else {
      auto judged = co_await JudgeFrame(*head, position);
      if (!judged) co_return std::unexpected(judged.error());
      frame = *judged;
    }
    found_.push_back(frame);
    opened_.next_sequence = std::max(opened_.next_sequence, head->sequence + 1);
    position += frame.whole ? head->blocks() : 1;
  }
  co_return Result<void>();
}

// One that goes beyond what was read at once.
host::Task<Result<FoundFrame>> Opening::JudgeFrame(FrameHead head, uint64_t position) {
  FoundFrame frame{head, position, false};
  if (position + head.blocks() > opened_.blocks) co_return frame;
  auto bytes =
      co_await log::ReadFile(opened_.file, BytesAt(position) + FrameHead::kBytes, head.length);
  if (!bytes) co_return std::unexpected(bytes.error().While("reading " + path_));
  frame.whole = bytes->size() == head.length && codec::Crc32c(bytes->view()) == head.checksum;
  co_return frame;
}

Result<void> Opening::TakeChain() {
  auto chain = FindChain(found_);
  if (!chain) return std::unexpected(chain.error().While("reading " + path_));
  chain_ = std::move(*chain);
  found_.clear();
  // Once round at the most, each behind the one before, and never so that nothing has room.
  int laps = 0;
  Ring ring(opened_.blocks);
  for (size_t i = 1; i < chain_.size(); ++i) {
    const FoundFrame& before = chain_[i - 1];
    bool is_behind = chain_[i].position >= before.position + before.head.blocks();
    if (!is_behind) ++laps;
    bool is_lawful = laps == 0 || (laps == 1 && chain_[i].position + chain_[i].head.blocks() <=
                                                    chain_.front().position);
    if (!is_lawful) {
      return Corrupt(path_ + " is damaged: frame " + std::to_string(chain_[i].head.sequence) +
                     " lies where another does that is needed");
    }
  }
  for (const FoundFrame& frame : chain_) {
    ring.Add({frame.head.sequence, frame.position, frame.head.blocks(), Ticket(), false});
  }
  if (!ring.Place(1, true)) return Corrupt(path_ + " is damaged: it is full to the last block");
  return {};
}

host::Task<Result<void>> Opening::FoldFrame(FoundFrame frame) {
  uint64_t at = BytesAt(frame.position) + FrameHead::kBytes;
  auto bytes = co_await log::ReadFile(opened_.file, at, frame.head.length);
  if (!bytes) co_return std::unexpected(bytes.error().While("reading " + path_));
  std::string wrong = "it was another a moment ago";
  if (codec::Crc32c(bytes->view()) == frame.head.checksum) {
    wrong = "";
    RecordReader reader(bytes->view());
    while (auto record = reader.Next()) {
      ++opened_.newest;
      wrong = fold_.Apply(record->head, at + record->position, opened_.newest);
      if (!wrong.empty()) break;
    }
    if (reader.failed()) wrong = "it holds what is no record";
  }
  if (!wrong.empty()) {
    co_return Corrupt(path_ + " is damaged in frame " + std::to_string(frame.head.sequence) +
                      " at block " + std::to_string(frame.position) + ": " + wrong);
  }
  opened_.frames.push_back({frame.head.sequence, frame.position, frame.head.blocks(),
                            opened_.newest, frame.head.length == 0});
  co_return Result<void>();
}

// What was found may be in the page cache alone, where a sync that failed once leaves it for good:
// what nobody is known to have synced is written again.
host::Task<Result<void>> Opening::SecureNewest() {
  if (PLANTED_BUG("journal: what is found counts as synced")) co_return Result<void>();
  Result<void> done;
  for (const FoundFrame& frame : chain_) {
    if (!done || frame.head.sequence <= chain_.back().head.synced) continue;
    auto bytes = co_await log::ReadFile(opened_.file, BytesAt(frame.position),
                                        frame.head.blocks() * kBlockBytes);
    if (!bytes) co_return std::unexpected(bytes.error().While("reading " + path_));
    Pieces pieces = {std::move(*bytes)};
    done = co_await log::WriteFileSynced(opened_.file, BytesAt(frame.position), std::move(pieces));
  }
  if (done) done = co_await log::SyncFile(opened_.file);
  if (!done) co_return std::unexpected(done.error().While("syncing " + path_));
  co_return Result<void>();
}

}  // namespace

host::Task<Result<Opened>> OpenFrames(host::Host host, std::string path, JournalOptions options) {
  Opening opening(host, std::move(path), options);
  co_return co_await opening.Run();
}

}  // namespace weir::journal
