// SPDX-License-Identifier: Apache-2.0
// The logs that voters have on their disks, held against each other: where two have an entry of the
// same index and term, they are equal up to there (Raft's log matching); a committed entry is one
// thing, lies on a majority when it is announced, and is in the log of every later leader. Pure.
// Each entry's hash takes in all before it, so that a new entry costs its own bytes and no more.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/quorum/quorum_log.h"
#include "controller/raft/messages.h"
#include "tests/checker/findings.h"

namespace weir::checker {

// One voter's log as it lies on its disk: what its first entry follows upon, and
// the entries.
struct LogOnDisk {
  std::string voter;
  raft::LogPosition begin;
  const std::deque<quorum::LogEntry>* entries = nullptr;

  raft::LogPosition last() const;
  // An entry of this index and term is there, or before what the log begins with.
  bool Holds(const raft::LogPosition& position) const;
};

class LogMatching {
 public:
  // Looks at what has changed since it last looked at this voter's log, and at the last `again`
  // entries anew.
  void Saw(const LogOnDisk& log, size_t again, Findings& findings);
  // The voter's disk was replaced, or lost what it had.
  void Forget(const std::string& voter) { logs_.erase(voter); }

 private:
  struct Link {
    Term term;
    uint64_t chain = 0;
  };
  struct Known {
    raft::LogPosition begin;
    uint64_t begin_chain = 0;
    // Of the entries.
    std::deque<Link> links;
  };

  uint64_t ChainAt(const raft::LogPosition& position);
  void TakeSnapshot(const LogOnDisk& log, Known& known);
  static void DropReplaced(const LogOnDisk& log, Known& known);

  std::map<std::string, Known> logs_;
  std::map<std::pair<LogIndex, Term>, uint64_t> chains_;
};

class CommittedEntries {
 public:
  // `voter`, which is in `term`, says that what lies at `position`, and all before it, is
  // committed: so it was committed in that term or an earlier one.
  void Announced(const std::string& voter, Term term, const raft::LogPosition& position,
                 Findings& findings);
  // The owner of `log` leads in `term`, and says that all up to `commit` is committed: nobody can
  // know that of entries that were not before, unless the last of them is of this term.
  void Counted(const LogOnDisk& log, Term term, LogIndex commit, Findings& findings);
  // The logs of all who vote, at the moment when something was announced.
  void OnDisks(const std::vector<LogOnDisk>& voters, Findings& findings) const;
  // Says whether a voter has an entry of this index and term, on its disk or on the way there.
  using Holds = std::function<bool(const raft::LogPosition&)>;
  // `voter` leads in `term`: it has all that was committed in the terms before. Votes may be late:
  // what a later term has committed meanwhile it need not have.
  void Leads(const std::string& voter, Term term, const Holds& holds, Findings& findings);

  raft::LogPosition last() const { return last_; }

 private:
  std::map<LogIndex, Term> terms_;
  raft::LogPosition last_;
  // What was committed in a term or before it.
  std::map<Term, raft::LogPosition> committed_by_;
  std::set<Term> led_;
  // Up to which index a leader has said that all is committed.
  LogIndex counted_;
};

}  // namespace weir::checker
