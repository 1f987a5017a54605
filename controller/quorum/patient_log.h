// SPDX-License-Identifier: Apache-2.0
// A QuorumLog that waits while its disk is full: a write for which there is no room is tried again
// each second, and those after it wait in their order. To the voter above a full disk is a slow
// one; whoever listens hears of it, and can make the voter step back. Loading waits as well.
//
// Everything on one strand. Destroyed, it forgets what waits.
#pragma once

#include <deque>
#include <optional>
#include <variant>

#include "common/host/clock.h"
#include "common/host/strand.h"
#include "controller/quorum/quorum_log.h"

namespace weir::quorum {

class PatientLog final : public QuorumLog {
 public:
  // References outlive this. `waits` is told when a write begins to wait for room, at each try in
  // vain, and when all is well again (false).
  PatientLog(QuorumLog& log, const host::Clock& clock, host::Strand& strand,
             Callback<void(bool)> waits, Duration pause = std::chrono::seconds(1));
  ~PatientLog() override;

  void Load(Callback<void(Result<Remembered>)> done) override;
  void Save(LogWrite write, Callback<void(Result<void>)> done) override;
  void SaveSnapshot(StoredSnapshot snapshot, LogIndex begin,
                    Callback<void(Result<void>)> done) override;
  void ReadEntries(LogIndex from, LogIndex to, size_t max_bytes,
                   Callback<void(Result<std::vector<LogEntry>>)> done) override;
  void ReadSnapshot(Callback<void(Result<std::optional<StoredSnapshot>>)> done) override;

  bool is_waiting() const { return is_waiting_; }

 private:
  struct Shortening {
    StoredSnapshot snapshot;
    LogIndex begin;
  };
  struct Write {
    std::variant<LogWrite, Shortening> what;
    Callback<void(Result<void>)> done;
  };

  void Add(Write write);
  void Submit(const Write& write);
  void Answered(Result<void> result);
  void Wait(const Error& error);
  void Tell(Write write, Result<void> result);
  void TryAgain();

  QuorumLog& log_;
  const host::Clock& clock_;
  host::Strand& strand_;
  Callback<void(bool)> waits_;
  const Duration pause_;
  // In order. Invariant: the answers of `submitted_` of them are to come, in order, and of none
  // that stands behind one that is not submitted.
  std::deque<Write> writes_;
  size_t submitted_ = 0;
  bool is_waiting_ = false;
  std::optional<Error> failure_;
  host::Strand::TimerId timer_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::quorum
