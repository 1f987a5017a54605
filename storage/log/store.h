// SPDX-License-Identifier: Apache-2.0
// The working part of a Log: its state, and what it has under way on the disk. Operations under way
// hold it, so that the Log itself may go at any time.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/host/host.h"
#include "common/host/task.h"
#include "common/records/batch.h"
#include "storage/log/batch_order.h"
#include "storage/log/checkpoint.h"
#include "storage/log/files.h"
#include "storage/log/format/names.h"
#include "storage/log/journaled.h"
#include "storage/log/log.h"
#include "storage/log/recovery.h"
#include "storage/log/segment.h"

namespace weir::log {

class Store : public std::enable_shared_from_this<Store> {
 public:
  Store(host::Host host, std::string folder, LogOptions options, LogEvents* events,
        Recovered recovered);

  Offset start() const { return start_; }
  Offset end() const { return end_; }
  Offset written() const { return written_; }
  Offset durable() const { return durable_; }
  const LeaderEpochs& epochs() const { return epochs_; }
  const std::vector<Damage>& damages() const { return damages_; }
  const std::string& folder() const { return folder_; }

  // Once, before anything else: puts what the journal has back into the files, and tells it from
  // now on what is appended.
  static host::Task<Result<void>> Join(std::shared_ptr<Store> self, InJournal journal);

  // As in Log.
  Answer<Appended> AppendAsLeader(Bytes batch, LeaderEpoch epoch, Origin origin, WallTime now);
  Answer<void> AppendAsFollower(Bytes batches, LeaderEpoch epoch);
  void Truncate(Offset end, Callback<void(Result<void>)> done);
  void Restart(Offset start, Callback<void(Result<void>)> done);
  void DeleteBefore(Offset start, Callback<void(Result<void>)> done);
  void Upkeep(Offset limit);
  void SetOptions(const LogOptions& options);
  void Read(Offset from, Offset limit, size_t max_bytes, Callback<void(Result<Bytes>)> done);
  void OffsetForTime(WallTime at, Offset limit,
                     Callback<void(Result<std::optional<TimedOffset>>)> done);
  std::vector<ClosedSegment> ClosedSegments() const;
  std::map<ProducerId, std::vector<Offset>> ProducerBatches() const;
  std::string CleanedPath(Offset base) const;
  void Replace(std::vector<Offset> bases, Callback<void(Result<void>)> done);
  void Scrub(Offset from, size_t max_bytes, Callback<void(Result<Scrubbed>)> done);
  void Diagnose(Callback<void(Result<std::optional<Damage>>)> done);
  void Mend(Bytes batches, Callback<void(Result<void>)> done);
  void Close(Callback<void(Result<void>)> done);

  // The Log is gone: nobody listens, and nothing new begins.
  void Abandon();

 private:
  // The folds as they stand between two batches.
  struct Folds {
    LeaderEpochs epochs;
    Producers producers;
  };
  using FoldsPointer = std::shared_ptr<const Folds>;

  // A batch that has its offsets and is not written yet.
  struct Pending {
    records::BatchHeader header;
    Pieces pieces;
    // It begins a segment; where one before it is to be closed, the folds of all before it.
    bool begins = false;
    FoldsPointer rolls;
    // The recovery point may move behind it: the folds with it.
    FoldsPointer marks;
  };

  // Where the recovery point may move to: the active segment as it was written there.
  struct Mark {
    SegmentFold fold;
    FoldsPointer folds;
  };

  // Marks one loop as under way; when it ends, whoever waits for that goes on. Where its frame is
  // destroyed instead (the host is gone), so are they.
  class Busy {
   public:
    Busy(std::shared_ptr<Store> store, bool* flag) : store_(std::move(store)), flag_(flag) {
      *flag_ = true;
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    ~Busy();
    // The last thing that a loop does.
    void End();

   private:
    std::shared_ptr<Store> store_;
    bool* flag_;
    bool has_ended_ = false;
  };

  std::string Path(std::string_view name) const { return folder_ + "/" + std::string(name); }
  std::string RecordsPath(Offset base) const { return Path(RecordsName(base)); }
  Answer<void> MayAppend(LeaderEpoch epoch) const;
  Offset NextFromLeader(const Bytes& batches) const;
  void BeginBelowStart(Offset base);
  void Enqueue(const records::BatchHeader& header, Pieces pieces, WallTime now);
  void BeginPlanned(Offset base, WallTime now);
  void Fail(const Error& error);
  std::unexpected<Error> Closed() const;
  void ReportDamage(Damage damage);
  // Waits until some loop ends.
  host::Task<void> Settled();
  void Wake();

  // Writing and syncing (store_write.cc).
  void StartWriting();
  void StartSyncing();
  static host::Task<void> WriteLoop(std::shared_ptr<Store> self);
  static host::Task<void> SyncLoop(std::shared_ptr<Store> self);
  std::vector<Pending> TakeGroup();
  host::Task<Result<void>> WriteGroup(std::vector<Pending> group);
  host::Task<Result<void>> StartSegment(Offset base, FoldsPointer rolls);
  host::Task<Result<void>> OpenActive();
  host::Task<Result<void>> EnsureFolder();
  // Tells the journal as well.
  host::Task<Result<void>> SyncWritten();
  bool MaySync() const;
  bool WantsSync() const;
  void TellDurable();

  // With a journal (store_journal.cc).
  std::unique_ptr<Journaled> Attach(InJournal journal);
  host::Task<Result<void>> PutBack(Journaled& journaled);
  host::Task<Result<void>> PutBackExtent(journal::Extent extent, Journaled& journaled);
  std::string PutBackBatch(const records::BatchHeader& header, Bytes batch, WallTime now);
  host::Task<Result<void>> WritePending();
  host::Task<Result<void>> SkipTo(Offset next);
  host::Task<Result<void>> LeaveToFiles();
  // Waits until all that the journal was told is committed.
  host::Task<Result<void>> Committed();

  // The recovery point (store_checkpoint.cc). Whoever writes the checkpoint has set
  // `checkpointing_`, or everything else stands still.
  void StartAdvancing();
  static host::Task<void> AdvanceLoop(std::shared_ptr<Store> self);
  host::Task<Result<void>> Advance(Mark mark);
  // Moves the recovery point to all that is written; `folds` are those of it. The active segment
  // is closed with it, unless `stays_active`.
  host::Task<Result<void>> Seal(Folds folds, bool stays_active);
  host::Task<Result<void>> WriteFolds(Offset end, const Folds& folds);
  host::Task<Result<void>> WriteEpochs(LeaderEpochs epochs);
  enum class Names { kLater, kSynced };
  host::Task<Result<void>> WriteCheckpoint(Checkpoint checkpoint, Names names);
  // All segments as they are, and the recovery point at `end`.
  Checkpoint CheckpointOf(Offset end) const;
  host::Task<Result<void>> DropSnapshots(Offset from, Offset to);

  // Changes that need everything else to stand still (store_change.cc).
  enum class Change { kTruncate, kRestart, kClose };
  static host::Task<Result<void>> RunChange(std::shared_ptr<Store> self, Change change,
                                            Offset offset);
  host::Task<Result<void>> Cut(Offset end);
  // The part of `segment` below `end`, and where it ends.
  host::Task<Result<SegmentPointer>> PartBelow(SegmentPointer segment, Offset end, Offset* cut);
  host::Task<Result<void>> ClaimLess(SegmentPointer part, Offset cut);
  host::Task<Result<void>> CutFiles(size_t segment, SegmentPointer part);
  host::Task<Result<Producers>> FoldProducers(Offset cut, size_t segment, uint64_t position);
  host::Task<Result<void>> RemoveLastSegment();
  host::Task<Result<void>> Empty(Offset start);
  host::Task<Result<void>> CleanStop();
  void PlanFromFiles();

  // What is deleted while the log goes on (store_delete.cc).
  static host::Task<Result<void>> RunDelete(std::shared_ptr<Store> self, Offset start);
  static host::Task<void> RunUpkeep(std::shared_ptr<Store> self, Offset limit);
  RetentionPlan PlanOf(const RetentionRules& rules, Offset start, Offset limit) const;
  host::Task<Result<void>> Retain(Offset limit);
  host::Task<Result<void>> CloseActive();
  host::Task<Result<void>> CarryOut(RetentionPlan plan);
  // Gives the files of a segment names under which nobody finds them, to be removed later.
  host::Task<Result<void>> Retire(Offset base);
  host::Task<Result<void>> RemoveRetired();
  void MarkByAge();
  void ForgetIdle();

  // One segment in the place of others (store_replace.cc).
  static host::Task<Result<void>> RunReplace(std::shared_ptr<Store> self,
                                             std::vector<Offset> bases);
  host::Task<Result<void>> Swap(std::vector<Offset> bases);
  host::Task<Result<SegmentPointer>> ReadCleaned(Offset base, Offset end);
  // The index of the first of them; nothing where they are not closed segments in a row.
  std::optional<size_t> FindRun(const std::vector<Offset>& bases) const;

  // Damage (store_scrub.cc).
  static host::Task<Result<Scrubbed>> RunScrub(std::shared_ptr<Store> self, Offset from,
                                               size_t max_bytes);
  static host::Task<Result<Scrubbed>> ScrubOnce(std::shared_ptr<Store> self, Offset from,
                                                size_t max_bytes);
  static host::Task<Result<std::optional<Damage>>> RunDiagnose(std::shared_ptr<Store> self);
  static host::Task<Result<void>> RunMend(std::shared_ptr<Store> self, Bytes batches);
  struct OrderedEnd {
    uint64_t position = 0;
    // What comes there is at this offset or above.
    Offset least;
    bool is_enough = false;
    // Empty: at the end, or where it was enough.
    std::string fault;
  };
  // Of a file: batches begin at `from`, and end at `to`.
  struct Span {
    uint64_t from = 0;
    uint64_t to = 0;
  };
  // The batches of the span, up to the first that is at fault: or until they are beyond an offset,
  // and so many bytes.
  host::Task<Result<OrderedEnd>> ScanOrdered(SegmentPointer segment, FilePointer file,
                                             BatchOrder order, Span span, Offset beyond,
                                             size_t max_bytes);
  // All of it in the segment from `from` on, to the byte.
  host::Task<Result<std::vector<Damage>>> FindDamage(SegmentPointer segment, Offset from);
  struct BatchPlace {
    uint64_t position = 0;
    Offset offset;
  };
  // A segment as it was when somebody began to look at it.
  struct Looked {
    SegmentPointer segment;
    std::shared_ptr<const Indexes> indexes;
    BatchPlace end;
  };
  // The first whole batch behind a damaged one, as far as it can be found; or the segment's end.
  host::Task<Result<BatchPlace>> NextWhole(Looked looked, FilePointer file, uint64_t position,
                                           Offset least);
  host::Task<Result<std::optional<Offset>>> IsWholeAt(Looked looked, FilePointer file,
                                                      uint64_t position, Offset least);
  // Where the batches end, if they belong to the front of the first damage.
  Result<Offset> Fits(const Bytes& batches) const;
  LeaderEpochs WithEpochsOf(const Bytes& batches) const;
  host::Task<Result<void>> WriteMended(Bytes batches, Offset end);

  // Reading (store_read.cc, store_time.cc).
  static host::Task<Result<Bytes>> ReadRun(std::shared_ptr<Store> self, Offset from, Offset limit,
                                           size_t max_bytes);
  host::Task<Result<Bytes>> ReadOnce(Offset from, Offset limit, size_t max_bytes);
  host::Task<Result<Bytes>> ReadSegment(SegmentPointer segment, Offset from, Offset limit,
                                        size_t max_bytes);
  static host::Task<Result<std::optional<TimedOffset>>> RunOffsetForTime(
      std::shared_ptr<Store> self, WallTime at, Offset limit);
  host::Task<Result<std::optional<TimedOffset>>> FindTime(SegmentPointer segment, WallTime at);
  // Where to look for the batch that holds `from`, behind what is damaged below it.
  struct Place {
    uint64_t position = 0;
    BatchOrder order;
  };
  Place PlaceOf(const SegmentPointer& segment, Offset from) const;
  Result<void> MayRead(Offset from, Offset limit) const;
  // Says what is damaged in [from, to), if anything is.
  Result<void> IsWhole(Offset from, Offset to) const;
  // The index of the segment that holds `offset`, or the last before it, or the first.
  size_t SegmentOf(Offset offset) const;
  SegmentPointer SegmentAfter(Offset base) const;
  // With its indexes in memory.
  host::Task<Result<void>> Load(SegmentPointer segment);
  host::Task<Result<FilePointer>> Reader(SegmentPointer segment);

  bool is_active(const SegmentPointer& segment) const {
    return has_active_ && segment == segments_.back();
  }

  host::Host host_;
  const std::string folder_;
  LogOptions options_;
  LogEvents* events_;

  // Invariant: start_ <= durable_ <= written_ <= end_.
  Offset start_;
  Offset end_;
  Offset written_;
  Offset durable_;
  // The segments' files are synced up to here. With a journal, durable_ may be above.
  Offset synced_;
  // Null without a journal, and without `flush`.
  std::unique_ptr<Journaled> journaled_;
  // Of all that has offsets.
  LeaderEpochs epochs_;
  Producers producers_;

  // Of all that is written. Invariant: a segment ends where the next one begins, or before.
  std::vector<SegmentPointer> segments_;
  // The last segment is appended to; otherwise the next batch begins one.
  bool has_active_ = false;
  // Of the active segment; opened with the first write.
  FilePointer active_;
  // Of the segment that was read last, which is not the active one.
  FilePointer reader_;
  SegmentPointer reader_of_;
  // Closed segments whose indexes were used last.
  std::deque<SegmentPointer> loaded_;
  std::vector<Damage> damages_;

  bool has_folder_;
  // As they are in their files, as far as is known.
  std::optional<Checkpoint> checkpoint_;
  LeaderEpochs saved_epochs_;
  std::set<Offset> snapshots_;
  std::optional<Mark> mark_;
  // The next batch carries a mark.
  bool wants_mark_ = false;
  uint64_t bytes_since_mark_ = 0;
  Instant checkpointed_at_;

  std::deque<Pending> pending_;
  // The segment that the last pending batch goes to, with all that is pending.
  SegmentFold planned_;
  int64_t planned_jitter_ms_ = 0;
  WallTime planned_created_;

  struct Retired {
    Instant due;
    std::string path;
  };
  std::deque<Retired> retired_;

  bool writing_ = false;
  bool syncing_ = false;
  // The active segment is about to be another: no sync of it may begin.
  bool rolling_ = false;
  bool checkpointing_ = false;
  bool changing_ = false;
  bool keeping_ = false;
  // Asked for and not done: meanwhile nothing is appended.
  int changes_ = 0;
  bool closed_ = false;
  bool abandoned_ = false;
  std::optional<Error> failed_;
  // Grows when something may be cut: what was read across that is not to be believed.
  uint64_t generation_ = 0;
  // Grows when files come or go: what was read across that is to be read again.
  uint64_t layout_ = 0;
  std::vector<Callback<void()>> waiters_;
};

}  // namespace weir::log
