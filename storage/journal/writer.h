// SPDX-License-Identifier: Apache-2.0
// The working part of a Journal: what was told and is not committed yet, and the one write that is
// under way. Operations under way hold it, so that the Journal itself may go at any time.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/host/host.h"
#include "common/host/task.h"
#include "storage/journal/frame.h"
#include "storage/journal/journal.h"
#include "storage/journal/record.h"
#include "storage/journal/unsynced.h"
#include "storage/log/files.h"

namespace weir::journal {

// What a start finds in the file.
struct Opened {
  log::FilePointer file;
  Uuid id;
  // Of the file, without its first.
  uint64_t blocks = 0;
  std::vector<Ring::Frame> frames;
  // Greater than that of any frame in the file, whole or not.
  uint64_t next_sequence = 1;
  Ticket newest;
  std::map<PartitionId, TailFold::Found> tails;
};

class Writer : public std::enable_shared_from_this<Writer> {
 public:
  Writer(host::Host host, std::string path, JournalOptions options, Opened opened);

  // As in Stream and Journal.
  void Attach(const PartitionId& partition, StreamEvents* events);
  void Detach(const PartitionId& partition);
  const Tail& TailOf(const PartitionId& partition) const;
  void Read(const Extent& extent, Callback<void(Result<Bytes>)> done);
  bool MayHold(size_t bytes) const;
  Ticket Tell(RecordHead head, Pieces batches);
  void Synced(const PartitionId& partition, Ticket mark);
  bool Knows(const PartitionId& partition) const { return seats_.contains(partition); }
  std::vector<PartitionId> Unclaimed() const;
  void Forget(const PartitionId& partition, Callback<void(Result<void>)> done);
  void Close(Callback<void(Result<void>)> done);
  void Abandon();
  Ticket newest() const { return newest_; }
  const std::optional<Error>& failure() const { return failed_; }
  uint64_t frames() const { return frames_; }

 private:
  // One partition of which the journal holds records, or that is attached.
  struct Seat {
    StreamEvents* events = nullptr;
    Tail tail;
    Ticket newest;
    Ticket committed;
    // It was asked for a sync, and has not said Synced.
    bool is_asked = false;
  };
  // A record that no frame has taken yet.
  struct Told {
    PartitionId partition;
    Ticket ticket;
    size_t bytes = 0;
    // With its head.
    Pieces pieces;
  };
  // A frame that is being written.
  struct Written {
    FrameHead head;
    uint64_t position = 0;
    Ticket last;
    // The newest record of each partition in it.
    std::map<PartitionId, Ticket> partitions;
    Pieces pieces;
  };
  // Waits until all that was told up to a ticket is committed.
  struct Waiting {
    Ticket ticket;
    Callback<void(Result<void>)> done;
  };

  void Start();
  // There may be room now.
  void Retry();
  static host::Task<void> CommitLoop(std::shared_ptr<Writer> self);
  // What goes into the next write; nothing where nothing waits, or nothing has room.
  std::optional<Written> NextFrame();
  // How many of the records that wait go into one frame, and where it begins.
  struct Room {
    size_t records = 0;
    uint64_t position = 0;
  };
  std::optional<Room> FindRoom() const;
  Written Fill(Room room);
  // A frame without records would let others be written over.
  bool WouldFree() const;
  void Committed(Written frame);
  void ForgetVacant();
  void AskForSyncs();
  void Ended();
  void Fail(const Error& error);
  void AnswerWaiting();

  void GrowWhereNeeded();
  static host::Task<void> Grow(std::shared_ptr<Writer> self);
  // What the ring has in the end.
  uint64_t blocks_max() const;

  host::Host host_;
  const std::string path_;
  const JournalOptions options_;
  log::FilePointer file_;
  const Uuid id_;

  Ring ring_;
  Unsynced unsynced_;
  std::map<PartitionId, Seat> seats_;
  // Of those that nobody has attached, by their newest record.
  std::set<std::pair<Ticket, PartitionId>> vacant_;
  std::deque<Told> told_;
  std::vector<Waiting> waiting_;
  Ticket newest_;
  // Invariant: freed_ <= committed_ <= newest_.
  Ticket committed_;
  // The last record of the frames that may be written over.
  Ticket freed_;
  uint64_t next_sequence_;
  // What the newest frame on stable storage says is needed.
  uint64_t needed_ = 0;
  uint64_t frames_ = 0;
  // Partitions that were asked for a sync.
  size_t asked_ = 0;

  bool committing_ = false;
  bool growing_ = false;
  bool may_grow_ = true;
  // As options_.may_grow said last.
  bool has_room_ = true;
  // Some record found no room.
  bool is_short_ = false;
  Callback<void(Result<void>)> closed_;
  bool abandoned_ = false;
  std::optional<Error> failed_;
};

}  // namespace weir::journal
