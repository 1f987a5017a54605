// SPDX-License-Identifier: Apache-2.0
// One journal for all `flush` partitions of a data directory: what their logs append, in one file,
// with one synced write for all that arrived while the last was under way. The segments are written
// beside it without a sync, and synced later; a start puts back what they lack.
//
// The file has a fixed size, once it has grown to it, and is written round and round; a record may
// be written over when its partition says that the segments have it (Synced). Where too little may,
// the journal asks (OnSyncWanted); where none may, commits wait.
//
// One strand only. A failed write is told to every stream once (OnFailed), and is the end: nothing
// is committed any more.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/host/host.h"
#include "storage/journal/ring.h"
#include "storage/journal/tail.h"

namespace weir::journal {

struct JournalOptions {
  // The file's size; at least 64 KiB. One that is there already never shrinks.
  uint64_t bytes = 256ull << 20;
  // It is made in steps of so much, each filled with zeros before it is used: a write into blocks
  // that exist costs the file system nothing but the write.
  uint64_t step_bytes = 8ull << 20;
  // Asked before each step after the first, whether so much may be taken from the disk; empty: it
  // may. Where it may not, the journal does with what it has, and asks again by and by.
  std::function<bool(uint64_t bytes)> may_grow;
  // What one synced write takes.
  size_t frame_bytes_max = 4 << 20;
  // So many partitions sync their segments at once to make room: not so many that writes of others
  // wait for a thread.
  size_t syncs_max = 4;
};

class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  // All that this stream was told up to `last` is on stable storage.
  virtual void OnCommitted(Ticket last) = 0;
  // The journal needs room: sync the segments, and say Synced.
  virtual void OnSyncWanted() = 0;
  virtual void OnFailed(const Error& error) = 0;
};

class Writer;

// One partition's part in the journal. Events come until it is destroyed, never within a call.
class Stream {
 public:
  Stream(std::shared_ptr<Writer> writer, PartitionId partition);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // What the segments may lack, until Synced says that they do not.
  const Tail& tail() const;
  // The bytes of one of its extents.
  void Read(const Extent& extent, Callback<void(Result<Bytes>)> done);

  // Whole batches [base, end), the last of them of `epoch`. They begin where the last append ended,
  // or beyond: then all below is in the segments, synced, and what was told of it is committed.
  // Nothing where they are too much for the journal: then the segments have to be synced.
  std::optional<Ticket> Append(Offset base, Offset end, LeaderEpoch epoch, Pieces batches);
  // The segments hold all that was told, synced, or it no longer matters: when this is committed,
  // no start finds any of it, and offsets may be given anew.
  Ticket Forget();

  // The newest ticket that anybody was given.
  Ticket newest() const;
  // The segments hold all that this stream was told up to `mark`, synced.
  void Synced(Ticket mark);

 private:
  std::shared_ptr<Writer> writer_;
  const PartitionId partition_;
};

class Journal {
 public:
  explicit Journal(std::shared_ptr<Writer> writer);
  ~Journal();

  // One at a time for a partition. `events` outlives the stream.
  std::unique_ptr<Stream> Attach(const PartitionId& partition, StreamEvents* events);
  // Whether it holds anything of the partition, needed or not.
  bool Knows(const PartitionId& partition) const;
  // After a start, until somebody says that the segments have it: where what it can put back of the
  // partition begins.
  std::optional<Offset> PutsBackFrom(const PartitionId& partition) const;
  // Partitions of which it holds what is needed, and that nobody has attached.
  std::vector<PartitionId> Unclaimed() const;
  // Forgets the partition, which nobody has attached: `done` when a start would not find it either.
  void Forget(const PartitionId& partition, Callback<void(Result<void>)> done);

  // Commits what it was told, and writes down what is still needed of it.
  void Close(Callback<void(Result<void>)> done);

  const std::optional<Error>& failure() const;
  // Frames that were written since it was opened.
  uint64_t frames() const;

 private:
  std::shared_ptr<Writer> writer_;
};

// Opens the journal in the file `path`, or makes it. kCorrupt where anything is missing that was
// committed. `host` outlives the journal.
void OpenJournal(host::Host host, std::string path, JournalOptions options,
                 Callback<void(Result<std::unique_ptr<Journal>>)> done);

}  // namespace weir::journal
