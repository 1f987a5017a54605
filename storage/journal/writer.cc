// SPDX-License-Identifier: Apache-2.0
#include "storage/journal/writer.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/base/planted_bug.h"
#include "common/codec/crc32c.h"

namespace weir::journal {
namespace {

// A frame up to this size is written as one piece: to copy it costs less than to name its pieces.
constexpr size_t kJoinedBytesMax = 128 << 10;

}  // namespace

Writer::Writer(host::Host host, std::string path, JournalOptions options, Opened opened)
    : host_(host),
      path_(std::move(path)),
      options_(options),
      file_(std::move(opened.file)),
      id_(opened.id),
      ring_(opened.blocks),
      newest_(opened.newest),
      committed_(opened.newest),
      next_sequence_(opened.next_sequence) {
  CHECK(!opened.frames.empty());
  needed_ = opened.frames.front().sequence;
  for (const Ring::Frame& frame : opened.frames) ring_.Add(frame);
  for (auto& [partition, found] : opened.tails) {
    unsynced_.Told(partition, found.first);
    unsynced_.Told(partition, found.last);
    seats_[partition] = {.tail = std::move(found.tail), .newest = found.last};
    vacant_.emplace(found.last, partition);
  }
}

void Writer::Attach(const PartitionId& partition, StreamEvents* events) {
  auto [at, added] = seats_.try_emplace(partition);
  Seat& seat = at->second;
  CHECK(seat.events == nullptr) << partition << " is attached to the journal already";
  if (!added) vacant_.erase({seat.newest, partition});
  seat.events = events;
  if (!failed_) return;
  host_.strand.Post([self = shared_from_this(), partition, events] {
    auto held = self->seats_.find(partition);
    if (held != self->seats_.end() && held->second.events == events) {
      events->OnFailed(*self->failed_);
    }
  });
}

void Writer::Detach(const PartitionId& partition) {
  auto at = seats_.find(partition);
  CHECK(at != seats_.end());
  at->second.events = nullptr;
  const bool was_asked = std::exchange(at->second.is_asked, false);
  vacant_.emplace(at->second.newest, partition);
  if (was_asked) {
    --asked_;
    AskForSyncs();
  }
  ForgetVacant();
}

const Tail& Writer::TailOf(const PartitionId& partition) const { return seats_.at(partition).tail; }

void Writer::Read(const Extent& extent, Callback<void(Result<Bytes>)> done) {
  file_->Read(extent.position, extent.length, std::move(done));
}

bool Writer::MayHold(size_t bytes) const {
  // A quarter of the ring is free at one place or another once nothing else is needed.
  return BlocksOf(FrameHead::kBytes + RecordHead::kBytes + bytes) <= ring_.blocks() / 4;
}

Ticket Writer::Tell(RecordHead head, Pieces batches) {
  Ticket ticket = ++newest_;
  Seat& seat = seats_[head.partition];
  if (seat.events == nullptr) {
    vacant_.erase({seat.newest, head.partition});
    vacant_.emplace(ticket, head.partition);
  }
  seat.newest = ticket;
  unsynced_.Told(head.partition, ticket);
  if (head.kind == RecordKind::kForget) {
    unsynced_.Synced(head.partition, ticket);
    seat.tail = {};
    if (std::exchange(seat.is_asked, false)) --asked_;
    is_short_ = false;
  }
  head.length = static_cast<uint32_t>(SizeOf(batches));
  Told told{head.partition, ticket, RecordHead::kBytes + head.length, {}};
  told.pieces.push_back(Bytes::FromString(head.Encode()));
  for (Bytes& piece : batches) told.pieces.push_back(std::move(piece));
  if (!failed_ && !abandoned_) told_.push_back(std::move(told));
  Start();
  return ticket;
}

void Writer::Synced(const PartitionId& partition, Ticket mark) {
  Seat& seat = seats_.at(partition);
  if (std::exchange(seat.is_asked, false)) --asked_;
  seat.tail = {};
  unsynced_.Synced(partition, mark);
  AskForSyncs();
  Retry();
}

std::vector<PartitionId> Writer::Unclaimed() const {
  std::vector<PartitionId> unclaimed;
  for (const auto& [partition, seat] : seats_) {
    if (seat.events == nullptr && !seat.tail.empty()) unclaimed.push_back(partition);
  }
  return unclaimed;
}

void Writer::Forget(const PartitionId& partition, Callback<void(Result<void>)> done) {
  Ticket ticket = newest_;
  if (auto seat = seats_.find(partition); seat != seats_.end()) {
    CHECK(seat->second.events == nullptr) << partition << " is forgotten and attached";
    seat->second.tail = {};
    ticket = Tell({.partition = partition, .kind = RecordKind::kForget}, {});
  }
  waiting_.push_back({ticket, std::move(done)});
  host_.strand.Post([self = shared_from_this()] { self->AnswerWaiting(); });
}

void Writer::Close(Callback<void(Result<void>)> done) {
  CHECK(!closed_) << "closed twice";
  closed_ = std::move(done);
  if (!committing_) host::Spawn(CommitLoop(shared_from_this()));
}

void Writer::Abandon() {
  abandoned_ = true;
  told_.clear();
  auto dropped = std::exchange(waiting_, {});
  for (auto& [partition, seat] : seats_) seat.events = nullptr;
}

void Writer::Start() {
  if (!committing_ && !is_short_ && !failed_ && !abandoned_ && !told_.empty()) {
    host::Spawn(CommitLoop(shared_from_this()));
  }
}

void Writer::Retry() {
  is_short_ = false;
  Start();
}

host::Task<void> Writer::CommitLoop(std::shared_ptr<Writer> self) {
  self->committing_ = true;
  // What else this turn of the strand brings goes along.
  co_await log::Turn(self->host_.strand);
  while (!self->failed_ && !self->abandoned_) {
    auto frame = self->NextFrame();
    if (!frame) break;
    uint64_t at = (1 + frame->position) * kBlockBytes;
    Pieces pieces = std::exchange(frame->pieces, {});
    Result<void> wrote;
    if (PLANTED_BUG("journal: committed before the sync")) {
      wrote = co_await log::WriteFile(self->file_, at, std::move(pieces));
    } else {
      wrote = co_await log::WriteFileSynced(self->file_, at, std::move(pieces));
    }
    if (self->abandoned_) break;
    if (wrote) {
      self->Committed(std::move(*frame));
    } else {
      self->Fail(wrote.error().While("writing " + self->path_));
    }
  }
  self->committing_ = false;
  self->Ended();
}

std::optional<Writer::Written> Writer::NextFrame() {
  is_short_ = false;
  if (!told_.empty()) {
    if (auto room = FindRoom()) return Fill(*room);
    is_short_ = true;
    AskForSyncs();
    GrowWhereNeeded();
  }
  // A frame without records says what is needed no more, and so makes room.
  if ((is_short_ || closed_) && WouldFree()) {
    if (auto at = ring_.Place(1, true)) return Fill({0, *at});
  }
  return std::nullopt;
}

bool Writer::WouldFree() const {
  const auto& frames = ring_.frames();
  bool is_last_word = frames.size() == 1 && frames.back().is_empty;
  return !is_last_word &&
         frames.front().sequence < ring_.NeededFrom(unsynced_.oldest(), next_sequence_);
}

std::optional<Writer::Room> Writer::FindRoom() const {
  uint64_t bytes_max = std::min<uint64_t>(options_.frame_bytes_max,
                                          ring_.blocks() / 4 * kBlockBytes - FrameHead::kBytes);
  size_t records = 0;
  uint64_t bytes = 0;
  while (records < told_.size() && (records == 0 || bytes + told_[records].bytes <= bytes_max)) {
    bytes += told_[records++].bytes;
  }
  while (records > 0) {
    auto at = ring_.Place(BlocksOf(FrameHead::kBytes + bytes));
    if (at) return Room{records, *at};
    for (size_t kept = records / 2; records > kept;) bytes -= told_[--records].bytes;
  }
  return std::nullopt;
}

Writer::Written Writer::Fill(Room room) {
  Written frame;
  frame.position = room.position;
  frame.last = ring_.frames().back().last;
  frame.head.sequence = next_sequence_++;
  frame.head.previous = frame.head.synced = ring_.frames().back().sequence;
  frame.head.needed = ring_.NeededFrom(unsynced_.oldest(), frame.head.sequence);
  frame.pieces.emplace_back();
  uint64_t length = 0;
  for (size_t i = 0; i < room.records; ++i) {
    Told& told = told_.front();
    for (Bytes& piece : told.pieces) {
      frame.head.checksum = codec::Crc32c(piece.view(), frame.head.checksum);
      frame.pieces.push_back(std::move(piece));
    }
    length += told.bytes;
    frame.last = frame.partitions[told.partition] = told.ticket;
    told_.pop_front();
  }
  frame.head.length = static_cast<uint32_t>(length);
  frame.pieces.front() = Bytes::FromString(frame.head.Encode(id_));
  static const Bytes kZeros = Bytes::FromString(std::string(kBlockBytes, '\0'));
  uint64_t rest = frame.head.blocks() * kBlockBytes - FrameHead::kBytes - length;
  if (rest > 0) frame.pieces.push_back(kZeros.Slice(0, rest));
  if (FrameHead::kBytes + length <= kJoinedBytesMax) frame.pieces = {Join(frame.pieces)};
  return frame;
}

void Writer::Committed(Written frame) {
  ++frames_;
  ring_.Add({frame.head.sequence, frame.position, frame.head.blocks(), frame.last,
             frame.partitions.empty()});
  CHECK_GE(frame.head.needed, needed_);
  needed_ = frame.head.needed;
  freed_ = std::max(freed_, ring_.Free(needed_));
  ForgetVacant();
  CHECK_LE(committed_, frame.last);
  committed_ = frame.last;
  for (const auto& [partition, ticket] : frame.partitions) {
    auto seat = seats_.find(partition);
    if (seat != seats_.end() && seat->second.events != nullptr) {
      seat->second.events->OnCommitted(ticket);
    }
    if (abandoned_) return;
  }
  AnswerWaiting();
  AskForSyncs();
  GrowWhereNeeded();
}

// Whoever has no record in a frame any more, and nobody who attached it, need not be known.
void Writer::ForgetVacant() {
  while (!vacant_.empty() && vacant_.begin()->first <= freed_) {
    PartitionId partition = vacant_.begin()->second;
    CHECK(!unsynced_.Needs(partition));
    vacant_.erase(vacant_.begin());
    seats_.erase(partition);
  }
}

void Writer::AskForSyncs() {
  if (failed_ || abandoned_) return;
  uint64_t half = (may_grow_ && has_room_ ? blocks_max() : ring_.blocks()) / 2;
  if (ring_.held_blocks() <= half && !is_short_) return;
  // Frames may hold much less than lies between them, and the oldest of them is always in the way.
  Ticket old = std::max(ring_.LastBefore(std::min(half, ring_.frame_blocks() / 2)),
                        ring_.frames().front().last);
  if (PLANTED_BUG("journal: room is made before the segments are synced")) {
    for (const PartitionId& partition : unsynced_.OldestUpTo(old, 64))
      unsynced_.Synced(partition, old);
    return;
  }
  if (asked_ >= options_.syncs_max) return;
  for (const PartitionId& partition : unsynced_.OldestUpTo(old, 4 * options_.syncs_max)) {
    Seat& seat = seats_.at(partition);
    if (seat.events == nullptr || seat.is_asked) continue;
    seat.is_asked = true;
    ++asked_;
    host_.strand.Post([self = shared_from_this(), partition] {
      auto held = self->seats_.find(partition);
      if (held == self->seats_.end() || !held->second.is_asked) return;
      if (held->second.events != nullptr) held->second.events->OnSyncWanted();
    });
    if (asked_ >= options_.syncs_max) return;
  }
}

void Writer::Fail(const Error& error) {
  if (failed_) return;
  failed_ = error;
  // Its room was there before anything was told: whatever it is, it does not pass.
  failed_->kind = Error::Kind::kIo;
  LOG(ERROR) << "the journal takes nothing more: " << error;
  told_.clear();
  std::vector<PartitionId> attached;
  for (const auto& [partition, seat] : seats_) {
    if (seat.events != nullptr) attached.push_back(partition);
  }
  for (const PartitionId& partition : attached) {
    auto seat = seats_.find(partition);
    if (seat != seats_.end() && seat->second.events != nullptr) {
      seat->second.events->OnFailed(*failed_);
    }
    if (abandoned_) return;
  }
  AnswerWaiting();
}

void Writer::AnswerWaiting() {
  std::vector<Waiting> due;
  std::erase_if(waiting_, [&](Waiting& waiting) {
    if (!failed_ && waiting.ticket > committed_) return false;
    due.push_back(std::move(waiting));
    return true;
  });
  for (Waiting& waiting : due) {
    Result<void> result;
    if (failed_ && waiting.ticket > committed_) result = std::unexpected(*failed_);
    waiting.done(std::move(result));
  }
}

// What was asked for at the end is done, as far as it can be.
void Writer::Ended() {
  if (abandoned_ || !closed_) return;
  Result<void> result;
  if (failed_) {
    result = std::unexpected(*failed_);
  } else if (!told_.empty()) {
    result = weir::Fail(Error::Kind::kUnavailable,
                        path_ + " has no room for what it was told: segments are not synced");
  }
  std::exchange(closed_, nullptr)(std::move(result));
}

uint64_t Writer::blocks_max() const {
  return std::max(ring_.blocks(), options_.bytes / kBlockBytes - 1);
}

void Writer::GrowWhereNeeded() {
  uint64_t step = options_.step_bytes / kBlockBytes;
  bool is_near = ring_.blocks() - ring_.head() < step / 2;
  if (failed_ || growing_ || !may_grow_ || ring_.blocks() >= blocks_max()) return;
  if (!is_near && !is_short_) return;
  has_room_ = !options_.may_grow || options_.may_grow(options_.step_bytes);
  if (has_room_) host::Spawn(Grow(shared_from_this()));
}

host::Task<void> Writer::Grow(std::shared_ptr<Writer> self) {
  self->growing_ = true;
  co_await log::Turn(self->host_.strand);
  constexpr uint64_t kPieceBlocks = 256;
  uint64_t step = std::max<uint64_t>(self->options_.step_bytes / kBlockBytes, 1);
  uint64_t end = std::min(self->ring_.blocks() + step, self->blocks_max());
  Result<void> grown;
  for (uint64_t at = self->ring_.blocks(); grown && at < end && !self->abandoned_;) {
    uint64_t blocks = std::min(kPieceBlocks, end - at);
    Pieces zeros = {Bytes::FromString(std::string(blocks * kBlockBytes, '\0'))};
    grown = co_await log::WriteFile(self->file_, (1 + at) * kBlockBytes, std::move(zeros));
    at += blocks;
  }
  if (!grown) {
    // A smaller ring does as well.
    LOG(WARNING) << self->path_ << " stays at " << self->ring_.blocks()
                 << " blocks: " << grown.error();
    self->may_grow_ = false;
  } else if (!self->abandoned_) {
    grown = co_await log::SyncFile(self->file_);
    if (!grown) {
      self->Fail(grown.error().While("making room in " + self->path_));
    } else if (!self->abandoned_) {
      self->ring_.Grow(end);
    }
  }
  self->growing_ = false;
  if (!self->abandoned_) {
    self->AskForSyncs();
    self->Retry();
  }
}

}  // namespace weir::journal
