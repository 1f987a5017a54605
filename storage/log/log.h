// SPDX-License-Identifier: Apache-2.0
// One partition's records on one disk: segments in Kafka's format, whatever the partition's role.
//
// One strand only. Nothing blocks: an append takes its offsets at once and is in the page cache
// later (OnWritten) and on stable storage later still (OnDurable). A failure of the disk is told
// once (OnFailed); from then on the log refuses appends, and reads go on where they can.
#pragma once

#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/collections/epoch_history.h"
#include "common/host/host.h"
#include "storage/log/admission_rules.h"

namespace weir::log {

using LeaderEpochs = EpochHistory<LeaderEpoch, Offset>;

struct LogOptions {
  // A segment that would grow beyond this is followed by a new one.
  uint64_t segment_bytes = 1ull << 30;
  // The largest batch that AppendAsLeader takes.
  int32_t max_batch_bytes = 1'048'588;
  // What else it asks of a batch.
  AdmissionRules admission;
  // Whether what is written is also synced, group by group, and told by OnDurable.
  bool flush = true;
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
  // until `done`; positions, epochs and producers are as if what was cut had never been.
  virtual void Truncate(Offset end, Callback<void(Result<void>)> done) = 0;

  // Empties the log, which then begins and ends at `start`: for a follower whose leader has no
  // longer what it lacks.
  virtual void Restart(Offset start, Callback<void(Result<void>)> done) = 0;

  // Whole batches from the one that holds `from`, none that begins at or after `limit` (<=
  // written()), up to `max_bytes` but at least one. Empty where from == limit. Reads below a cut
  // that happens meanwhile may fail; they never return what was cut and replaced.
  virtual void Read(Offset from, Offset limit, size_t max_bytes,
                    Callback<void(Result<Bytes>)> done) = 0;

  // Syncs everything and writes the mark of a clean stop, so that the next Open need not scan.
  virtual void Close(Callback<void(Result<void>)> done) = 0;
};

// Opens the log in `folder` of the host's disk, made with its first record; after a crash what lies
// above the last clean point is scanned and a torn tail is cut. Both out of `host` and `events`
// outlive the log.
void OpenLog(host::Host host, std::string folder, LogOptions options, LogEvents* events,
             Callback<void(Result<std::unique_ptr<Log>>)> done);

}  // namespace weir::log
