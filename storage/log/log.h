// SPDX-License-Identifier: Apache-2.0
// One partition's records on one disk: segments in Kafka's format, whatever the partition's role.
//
// One strand only. Nothing blocks: an append takes its offsets at once and is in the page cache
// later (OnWritten) and on stable storage later still (OnDurable). A failure of the disk is told
// once (OnFailed); from then on the log refuses appends, and reads go on where they can.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/host/host.h"
#include "storage/journal/journal.h"
#include "storage/log/admission_rules.h"
#include "storage/log/damage.h"
#include "storage/log/format/epoch_checkpoint.h"
#include "storage/log/retention.h"

namespace weir::log {

struct LogOptions {
  // When a segment is followed by a new one.
  RollRules roll;
  // What is deleted, and when.
  RetentionRules retention;
  // A batch that begins more than so many bytes after the last that has an index entry gets one.
  uint64_t index_interval_bytes = 4096;
  // What was deleted keeps its file so long, for those who still read it.
  Duration file_delete_delay = std::chrono::minutes(1);
  // The largest batch that AppendAsLeader takes.
  int32_t max_batch_bytes = 1'048'588;
  // What else it asks of a batch.
  AdmissionRules admission;
  // Whether what is written is also synced, group by group, and told by OnDurable.
  bool flush = true;
  // Offsets may be missing: where records are compacted away, a follower's log has gaps.
  bool compacted = false;
  // So much is written above the recovery point, or it stays so long, until it moves: no more need
  // be scanned after a crash.
  uint64_t recovery_bytes = 32ull << 20;
  Duration recovery_age = std::chrono::minutes(1);
  // Whose records these are: written beside them, and asked for when they are opened.
  std::optional<TopicId> topic;
  bool operator==(const LogOptions&) const = default;
};

// Who brings a batch: what a client may not write, a coordinator may.
enum class Origin { kClient, kCoordinator };

struct Appended {
  Offset first;
  Offset last;
  // The batch had been written before (same producer, epoch and sequences): nothing was appended,
  // and these are its offsets.
  bool duplicate = false;
  // When the leader appended it, where the topic's batches are stamped with that; -1 elsewhere.
  WallTime append_time{-1};
  // The batch as it lies in the log from now on; empty for a duplicate.
  Pieces stamped = {};
};

class LogEvents {
 public:
  virtual ~LogEvents() = default;
  // All below `end` is in the page cache, and readable. Never within a call to the log.
  virtual void OnWritten(Offset end) = 0;
  // All below `end` is on stable storage. Only with `flush`.
  virtual void OnDurable(Offset end) = 0;
  virtual void OnFailed(const Error& error) = 0;
  // The log begins later than before.
  virtual void OnStartMoved(Offset) {}
  // Something is damaged that was whole; also in damages() from now on.
  virtual void OnDamaged(const Damage&) {}
};

// A closed segment: nothing is appended to it any more.
struct ClosedSegment {
  Offset base;
  // One past its last offset. Offsets may be missing up to the next segment's base.
  Offset end;
  uint64_t bytes = 0;
  WallTime first_timestamp{-1};
  WallTime largest_timestamp{-1};
  bool operator==(const ClosedSegment&) const = default;
};

struct TimedOffset {
  Offset offset;
  WallTime timestamp;
  LeaderEpoch epoch;
  bool operator==(const TimedOffset&) const = default;
};

struct Scrubbed {
  // Where to go on; the end of the closed segments when all is done.
  Offset next;
  std::optional<Damage> damage;
  // So much was read for it.
  uint64_t bytes = 0;
};

class Log {
 public:
  virtual ~Log() = default;

  // Invariant: start <= durable <= written <= end.
  virtual Offset start() const = 0;
  virtual Offset end() const = 0;      // Appended: offsets are given.
  virtual Offset written() const = 0;  // Readable.
  virtual Offset durable() const = 0;  // Synced.
  virtual const LeaderEpochs& epochs() const = 0;

  // Judges one batch (CRC, magic, lengths, counts, sequences, and what the options ask for), stamps
  // offsets and `epoch` into it, and appends it. Refusals are Kafka's: CORRUPT_MESSAGE,
  // MESSAGE_TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP, UNSUPPORTED_FOR_MESSAGE_FORMAT,
  // OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, ...
  virtual Answer<Appended> AppendAsLeader(Bytes batch, LeaderEpoch epoch, Origin origin,
                                          WallTime now) = 0;

  // Appends whole batches as the leader stamped them; the first must begin at end(). Batches of an
  // epoch above `epoch` are refused (KAFKA-18723), as are bad checksums and gaps.
  virtual Answer<void> AppendAsFollower(Bytes batches, LeaderEpoch epoch) = 0;

  // Cuts the log to end at `end` (at a batch's boundary at or below it: see end() after). No append
  // until `done`; positions, epochs and producers are as if what was cut had never been. To cut at
  // a damage's `from` removes the damage, and all above it.
  virtual void Truncate(Offset end, Callback<void(Result<void>)> done) = 0;

  // Empties the log, which then begins and ends at `start`: for a follower whose leader has no
  // longer what it lacks.
  virtual void Restart(Offset start, Callback<void(Result<void>)> done) = 0;

  // The log begins at `start` (<= written()) from `done` on, whatever happens; a log that begins
  // there or later stays. Whole segments below it are deleted.
  virtual void DeleteBefore(Offset start, Callback<void(Result<void>)> done) = 0;

  // Does what time asks for: deletes by retention, nothing that reaches above `limit`; removes
  // files that were deleted long enough ago; moves the recovery point. To be called now and then;
  // costs next to nothing where nothing is due.
  virtual void Upkeep(Offset limit) = 0;

  // All but `flush` and `compacted`, which need a log opened anew.
  virtual void SetOptions(const LogOptions& options) = 0;

  // Whole batches from the one that holds `from`, or the first above it, none that begins at or
  // after `limit` (<= written()), up to `max_bytes` but at least one. Empty where from == limit, or
  // nothing is left below it. Reads below a cut that happens meanwhile may fail; they never return
  // what was cut and replaced, nor what a checksum denies (kCorrupt). kInvalid: not in the log.
  virtual void Read(Offset from, Offset limit, size_t max_bytes,
                    Callback<void(Result<Bytes>)> done) = 0;

  // The first record below `limit`, in the order of offsets, with a timestamp of `at` or later.
  // Where records are compressed, their batch stands for them.
  virtual void OffsetForTime(WallTime at, Offset limit,
                             Callback<void(Result<std::optional<TimedOffset>>)> done) = 0;

  // Oldest first.
  virtual std::vector<ClosedSegment> ClosedSegments() const = 0;

  // The last offsets of the batches that it remembers of its producers.
  virtual std::map<ProducerId, std::vector<Offset>> ProducerBatches() const = 0;

  // Where the segment is to be written that Replace takes.
  virtual std::string CleanedPath(Offset base) const = 0;

  // Puts the file CleanedPath(bases.front()), which is synced, in the place of these closed
  // segments, which stand one behind the other: all of it or nothing, also across a crash. The
  // file holds some of their batches, in their order; it is checked, and gone when this fails.
  virtual void Replace(std::vector<Offset> bases, Callback<void(Result<void>)> done) = 0;

  // Compares the records of closed segments, and others below the recovery point, with their
  // checksums, from `from` on, about so many bytes of them.
  virtual void Scrub(Offset from, size_t max_bytes, Callback<void(Result<Scrubbed>)> done) = 0;

  // Looks closely at what is damaged first, and says where exactly: from a batch that is lost to
  // the next one that is whole. Nothing where all is whole. Without `bytes`: nobody knows where its
  // file goes on, and Mend cannot help.
  virtual void Diagnose(Callback<void(Result<std::optional<Damage>>)> done) = 0;

  // Puts batches, which another replica has, where what Diagnose said last begins: all of it or the
  // front of it, as they stood there, to the byte. They are judged before, and synced after. The
  // log goes on meanwhile. kInvalid: they do not fit.
  virtual void Mend(Bytes batches, Callback<void(Result<void>)> done) = 0;

  // What is known to be damaged. Truncate and deletion end it, and so does Mend.
  virtual const std::vector<Damage>& damages() const = 0;

  // Syncs everything and writes the mark of a clean stop, so that the next Open need not scan.
  virtual void Close(Callback<void(Result<void>)> done) = 0;
};

// The journal of the log's data directory, and whose log it is there.
struct InJournal {
  journal::Journal* journal = nullptr;
  PartitionId partition;
};

// Opens the log in `folder` of the host's disk, made with its first record; after a crash what lies
// above the recovery point is scanned and a torn tail is cut. What is damaged below that is in
// damages(): the log opens, and the rest of it is served. A folder that Kafka wrote is scanned
// whole. All of `host`, and `events`, outlive the log.
//
// With a journal, what is appended with `flush` is durable when the journal has it, and the files
// are synced later; what they lack of it is put back first. It outlives the log.
void OpenLog(host::Host host, std::string folder, LogOptions options, LogEvents* events,
             InJournal journal, Callback<void(Result<std::unique_ptr<Log>>)> done);
void OpenLog(host::Host host, std::string folder, LogOptions options, LogEvents* events,
             Callback<void(Result<std::unique_ptr<Log>>)> done);

}  // namespace weir::log
