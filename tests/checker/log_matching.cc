// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/log_matching.h"

#include <algorithm>

#include "tests/sim/trace.h"

namespace weir::checker {
namespace {

uint64_t Mix(uint64_t chain, uint64_t word) {
  chain = (chain ^ word) * 0x9e3779b97f4a7c15;
  return chain ^ (chain >> 29);
}

uint64_t LinkOn(uint64_t chain, const quorum::LogEntry& entry) {
  chain = Mix(chain, static_cast<uint64_t>(entry.term.value()));
  return Mix(chain, sim::HashOf(entry.payload.view()));
}

}  // namespace

raft::LogPosition LogOnDisk::last() const {
  if (entries->empty()) return begin;
  return {entries->back().index, entries->back().term};
}

bool LogOnDisk::Holds(const raft::LogPosition& position) const {
  if (position.index <= begin.index) return true;
  if (position.index > last().index) return false;
  const auto& entry = (*entries)[static_cast<size_t>(position.index - begin.index - 1)];
  return entry.term == position.term;
}

// A position that nobody's log was seen to reach is where a first snapshot ends: it stands for all
// that is in it.
uint64_t LogMatching::ChainAt(const raft::LogPosition& position) {
  auto seed = Mix(static_cast<uint64_t>(position.index.value()),
                  static_cast<uint64_t>(position.term.value()));
  return chains_.emplace(std::pair(position.index, position.term), seed).first->second;
}

void LogMatching::TakeSnapshot(const LogOnDisk& log, Known& known) {
  if (known.begin == log.begin) return;
  while (!known.links.empty() && known.begin.index < log.begin.index) {
    known.begin.index += 1;
    known.links.pop_front();
  }
  if (known.begin.index != log.begin.index) known.links.clear();
  known.begin = log.begin;
  known.begin_chain = ChainAt(log.begin);
}

// What was cut off at the end, and what was written in its place: entries of other terms.
void LogMatching::DropReplaced(const LogOnDisk& log, Known& known) {
  auto& links = known.links;
  while (links.size() > log.entries->size()) links.pop_back();
  while (!links.empty() && links.back().term != (*log.entries)[links.size() - 1].term) {
    links.pop_back();
  }
}

void LogMatching::Saw(const LogOnDisk& log, size_t again, Findings& findings) {
  auto [at, is_new] = logs_.try_emplace(log.voter);
  Known& known = at->second;
  if (is_new) known.begin_chain = ChainAt(known.begin);
  TakeSnapshot(log, known);
  DropReplaced(log, known);
  known.links.resize(known.links.size() - std::min(known.links.size(), again));
  while (known.links.size() < log.entries->size()) {
    const quorum::LogEntry& entry = (*log.entries)[known.links.size()];
    uint64_t before = known.links.empty() ? known.begin_chain : known.links.back().chain;
    Term term_before = known.links.empty() ? known.begin.term : known.links.back().term;
    if (entry.term < term_before) {
      findings.Add(log.voter, ": entry ", entry.index, " of term ", entry.term,
                   " lies behind one of term ", term_before);
    }
    uint64_t chain = LinkOn(before, entry);
    auto [same, is_first] = chains_.emplace(std::pair(entry.index, entry.term), chain);
    if (!is_first && same->second != chain) {
      findings.Add(log.voter, ": up to entry ", entry.index, " of term ", entry.term,
                   " its log differs from another that has this entry");
    }
    known.links.push_back({entry.term, same->second});
  }
}

void CommittedEntries::Announced(const std::string& voter, Term term,
                                 const raft::LogPosition& position, Findings& findings) {
  auto [at, is_new] = terms_.emplace(position.index, position.term);
  if (!is_new && at->second != position.term) {
    findings.Add(voter, ": entry ", position.index, " is committed with term ", position.term,
                 ", and was committed with term ", at->second);
  }
  if (position.index <= last_.index) return;
  last_ = position;
  committed_by_[term] = position;
}

void CommittedEntries::Counted(const LogOnDisk& log, Term term, LogIndex commit,
                               Findings& findings) {
  if (commit <= counted_) return;
  counted_ = commit;
  if (commit <= log.begin.index || commit > log.last().index) return;
  const auto& entry = (*log.entries)[static_cast<size_t>(commit - log.begin.index - 1)];
  if (entry.term == term) return;
  findings.Add(log.voter, " leads in term ", term, ", and has committed entry ", commit,
               " of term ", entry.term, " with none of its own behind it");
}

void CommittedEntries::OnDisks(const std::vector<LogOnDisk>& voters, Findings& findings) const {
  auto holding = static_cast<size_t>(
      std::ranges::count_if(voters, [this](const LogOnDisk& log) { return log.Holds(last_); }));
  if (holding * 2 > voters.size()) return;
  findings.Add("entry ", last_.index, " of term ", last_.term,
               " is said to be committed, and is on ", holding, " of ", voters.size(),
               " voters' disks");
}

void CommittedEntries::Leads(const std::string& voter, Term term, const Holds& holds,
                             Findings& findings) {
  if (!led_.insert(term).second) return;
  for (const auto& [by, position] : committed_by_) {
    if (by >= term) break;
    if (holds(position)) continue;
    findings.Add(voter, " leads in term ", term, ", and its log lacks entry ", position.index,
                 " of term ", position.term, ", which was committed by term ", by);
  }
}

}  // namespace weir::checker
