// SPDX-License-Identifier: Apache-2.0
// A log's side of the journal: what was told it, how much of that is committed, and what the files
// have by now. After a start the journal puts back what the files lack; to be cut or emptied, a log
// first brings all into its files and has the journal forget it, so that nothing comes back.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/host/task.h"
#include "storage/journal/journal.h"

namespace weir::log {

class Journaled final : public journal::StreamEvents {
 public:
  struct Hooks {
    // committed() may have grown.
    std::function<void()> committed;
    // The journal needs room: the files are to be synced.
    std::function<void()> wants_sync;
    std::function<void(const Error&)> failed;
    // Keeps this alive for as long as an event takes.
    std::function<std::shared_ptr<const void>()> hold;
  };

  // Attaches. `end`: of the files, in which all is synced.
  Journaled(journal::Journal& journal, const PartitionId& partition, Offset end, Hooks hooks);

  // What the files may lack.
  const journal::Tail& tail() const { return stream_->tail(); }
  host::Task<Result<Bytes>> Read(journal::Extent extent);

  // The log, which ended at `base`, now ends at `end`: with this batch, of `epoch`.
  void Append(Offset base, Offset end, LeaderEpoch epoch, const Pieces& batch);
  // All below is on stable storage, in the journal or in the files.
  Offset committed() const { return committed_end_; }

  // The files have all below `written`.
  void Written(Offset written);
  // What has no offset in the files yet will get none there: the log has failed.
  void GiveUpUnwritten();
  // Whether the files, of which all below `synced` is, are to be synced.
  bool wants_sync(Offset synced, Offset written) const;
  // Before a sync of the files: what is then told to Synced.
  journal::Ticket Mark() const;
  void Synced(journal::Ticket mark, Offset synced);

  // All that was told is in the files, synced: when that is committed, no start puts it back.
  void Forget();
  // The log was cut or emptied since, or has just been opened.
  void EndsAt(Offset end);
  // Whether all that was told is committed; an error if it never will be.
  Result<bool> has_committed() const;
  // Until has_committed() may have changed.
  host::Task<void> Moved();
  // From now on nothing is told, and nothing heard.
  void Leave();

  void OnCommitted(journal::Ticket last) override;
  void OnSyncWanted() override;
  void OnFailed(const Error& error) override;

 private:
  struct Told {
    journal::Ticket ticket;
    Offset end;
  };

  void Count();
  void Wake();

  std::unique_ptr<journal::Stream> stream_;
  Hooks hooks_;
  // Told and not committed; told and not written to the files.
  std::deque<Told> uncommitted_;
  std::deque<Told> unwritten_;
  // The ends of what only the files have, and what must be committed before they count: it would
  // otherwise be missing before them after a crash.
  std::deque<Told> in_files_;
  journal::Ticket last_;
  journal::Ticket committed_;
  Offset committed_end_;
  bool is_asked_ = false;
  std::optional<Error> failed_;
  std::vector<Callback<void()>> waiters_;
};

}  // namespace weir::log
