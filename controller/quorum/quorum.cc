// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/quorum.h"

#include <glog/logging.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::quorum {
namespace {

// Entries kept in memory beyond those that must be.
constexpr size_t kCachedBytesMax = size_t{8} << 20;

}  // namespace

// Who takes part by the snapshot, and by the entries after what the log begins with. Where the log
// begins before its snapshot, nobody asks any more what was in force at its begin.
Result<std::vector<raft::MembershipAt>> Quorum::Memberships(const Remembered& remembered,
                                                           const StoredSnapshot& snapshot) {
  std::vector<raft::MembershipAt> memberships;
  if (snapshot.last.index > LogIndex(0)) {
    auto voters = config_.voters_in(snapshot.state.view());
    if (!voters) return std::unexpected(voters.error());
    Learn(*voters);
    memberships.push_back({remembered.begin.index, MembershipOf(*voters)});
  }
  for (const LogEntry& entry : remembered.voters) {
    auto voters = VotersIn(entry.payload.view());
    if (!voters) return std::unexpected(voters.error());
    Learn(**voters);
    memberships.push_back({entry.index, MembershipOf(**voters)});
  }
  return memberships;
}

Quorum::Quorum(host::Host host, QuorumLog& log, QuorumConfig config, machine::LogEvents& events,
               Callback<void(Error)> failed)
    : host_(host),
      log_(log),
      config_(std::move(config)),
      events_(events),
      failed_(std::move(failed)),
      cache_(kCachedBytesMax) {}

Quorum::~Quorum() {
  host_.strand.Cancel(timer_);
  host_.strand.Cancel(transfer_timer_);
  host_.strand.Cancel(served_timer_);
}

void Quorum::Start(Remembered remembered, StoredSnapshot snapshot) {
  CHECK(!raft_) << "a quorum starts once";
  CHECK(remembered.snapshot == snapshot.last);
  auto memberships = Memberships(remembered, snapshot);
  if (!memberships) return Fail(memberships.error().While("reading who takes part in the quorum"));
  raft::Config config{.self = config_.self, .timing = config_.timing, .seed = host_.random.Next()};
  raft_.emplace(std::move(config),
                raft::Origin{remembered.hard_state, remembered.begin, remembered.snapshot,
                             std::move(remembered.terms), remembered.last,
                             std::move(*memberships)},
                Now());
  delivered_ = snapshot.last.index;
  snapshot_size_ = snapshot.state.size();
  if (snapshot.last.index > LogIndex(0)) Tell(TellSnapshot{std::move(snapshot)});
  FollowMembership();
  CarryOut({});
}

std::optional<int64_t> Quorum::Append(int64_t epoch, Bytes entry) {
  if (!is_leader() || raft_->term() != Term(epoch)) return std::nullopt;
  if (waiting_.size() >= config_.waiting_entries_max) return std::nullopt;
  // One that is larger than the bound by itself still passes, alone.
  if (!waiting_.empty() && waiting_bytes_ + entry.size() > config_.waiting_bytes_max) {
    return std::nullopt;
  }
  const bool brings_voters = BringsVoters(entry.view());
  auto index = brings_voters ? ProposeVoters(entry) : Gather(entry);
  if (!index) return std::nullopt;
  waiting_.push_back({*index, entry.size()});
  waiting_bytes_ += entry.size();
  if (brings_voters) CarryOut({LogEntry{*index, raft_->term(), std::move(entry)}});
  return index->value();
}

// Proposed together with all others of this turn of the strand: what the core does, the messages
// and the save are then theirs in common. Its index is known: until it is proposed, which is before
// the core hears of anything else, nothing makes this voter lead no more, or appends before it.
std::optional<LogIndex> Quorum::Gather(Bytes entry) {
  if (raft_->is_transferring()) return std::nullopt;
  const LogIndex index = raft_->last() + static_cast<int64_t>(gathered_.size()) + 1;
  gathered_.push_back({index, raft_->term(), std::move(entry)});
  if (gathered_.size() == 1) {
    host_.strand.Post(lifetime_.Bind([this] { ProposeGathered(); }));
  }
  return index;
}

// Comes before whatever else is told to the core.
void Quorum::ProposeGathered() {
  if (gathered_.empty() || stopped_) return;
  auto first = raft_->Propose(static_cast<int64_t>(gathered_.size()), Now());
  CHECK(first == gathered_.front().index) << "an entry was promised another index";
  CarryOut(std::exchange(gathered_, {}));
}

std::optional<LogIndex> Quorum::ProposeVoters(const Bytes& entry) {
  ProposeGathered();
  auto voters = VotersIn(entry.view());
  CHECK(voters) << "an entry of our own: " << voters.error();
  CHECK(*voters);
  auto index = raft_->ProposeMembership(MembershipOf(**voters), Now());
  if (index) Learn(**voters);
  return index;
}

bool Quorum::is_leader() const {
  return !stopped_ && raft_ && raft_->role() == raft::RoleName::kLeader;
}

std::optional<Quorum::Leader> Quorum::leader() const {
  auto id = raft_ && !stopped_ ? raft_->leader() : std::nullopt;
  if (!id) return std::nullopt;
  host::Endpoint endpoint = EndpointOf(*id);
  if (endpoint.empty()) return std::nullopt;
  return Leader{id->controller, std::move(endpoint), raft_->term()};
}

Quorum::Description Quorum::Describe() const {
  if (!raft_) return {};
  Description description{.leader = leader(),
                          .term = raft_->term(),
                          .commit = raft_->commit(),
                          .last = raft_->last(),
                          .snapshot = raft_->snapshot().index,
                          .begin = raft_->begin().index,
                          .is_changing = !raft_->is_membership_committed(),
                          .voters = {}};
  const auto* progress = raft_->progress();
  for (const auto& [id, voter] : known_) {
    if (!raft_->membership().Has(id)) continue;
    VoterDescription described{.voter = voter};
    described.voter.is_learner = !raft_->membership().IsVoter(id);
    if (progress != nullptr && id == config_.self) described.match = raft_->saved();
    if (progress != nullptr && id != config_.self) {
      described.match = progress->at(id).match;
      described.silence = Now() - progress->at(id).last_heard;
    }
    description.voters.push_back(std::move(described));
  }
  return description;
}

std::optional<Term> Quorum::TermAt(LogIndex index) const {
  return raft_ ? raft_->TermAt(index) : std::nullopt;
}

void Quorum::TransferLeadership(Callback<void(bool)> done,
                                std::optional<raft::VoterId> successor) {
  ProposeGathered();
  bool leads = is_leader();
  if (!leads || !raft_->TransferLeadership(Now(), successor)) {
    host_.strand.Post(lifetime_.Bind([done = std::move(done), leads]() mutable { done(!leads); }));
    return;
  }
  transfers_.push_back(std::move(done));
  if (transfer_timer_ == 0) {
    transfer_timer_ = host_.strand.RunAt(Now() + config_.timing.election_timeout,
                                         lifetime_.Bind([this] { FinishTransfer(); }));
  }
  CarryOut({});
}

void Quorum::FinishTransfer() {
  host_.strand.Cancel(std::exchange(transfer_timer_, 0));
  for (auto& done : std::exchange(transfers_, {})) {
    host_.strand.Post(
        lifetime_.Bind([done = std::move(done), leads = is_leader()]() mutable { done(!leads); }));
  }
}

void Quorum::ReadEntries(LogIndex from, size_t max_bytes,
                         Callback<void(Result<std::vector<LogEntry>>)> done) {
  Result<std::vector<LogEntry>> read;
  if (LogIndex begin = raft_->begin().index; from <= begin) {
    read = weir::Fail(Error::Kind::kNotFound, "the log begins after " +
                                                  std::to_string(begin.value()) +
                                                  ": what is before is in the snapshot");
  } else if (from <= delivered_) {
    auto cached = cache_.Read(from, delivered_, max_bytes);
    if (!cached) {
      log_.ReadEntries(from, delivered_, max_bytes, lifetime_.Bind(std::move(done)));
      return;
    }
    read = std::move(*cached);
  }
  host_.strand.Post(lifetime_.Bind(
      [done = std::move(done), read = std::move(read)]() mutable { done(std::move(read)); }));
}

// Does what the core asks for after an input; `payloads` are those of the entries that it appends.
void Quorum::CarryOut(std::vector<LogEntry> payloads) {
  raft::Effects effects = raft_->TakeEffects();
  if (effects.membership) FollowMembership();
  if (effects.role) ChangeRole(*effects.role);
  if (effects.save) QueueSave(*effects.save, std::move(payloads));
  Send(effects.send);
  auto& later = effects.send_when_saved;
  if (!later.empty()) {
    if (!gathering_.write.empty()) {
      std::move(later.begin(), later.end(), std::back_inserter(gathering_.then_send));
    } else if (saving_) {
      std::move(later.begin(), later.end(), std::back_inserter(saving_->then_send));
    } else {
      Send(later);
    }
  }
  if (effects.commit_to) Tell(TellCommitted{*effects.commit_to});
  for (const raft::ReadReady& ready : effects.reads) {
    for (WaitingRead& read : reads_) {
      if (read.number == ready.read) read.index = ready.index;
    }
  }
  ReleaseReads();
  if (effects.fetch) Fetch(*effects.fetch);
  SetTimer();
}

// Adds to the write that gathers while another one is under way.
void Quorum::QueueSave(const raft::Save& save, std::vector<LogEntry> payloads) {
  LogWrite& write = gathering_.write;
  gathering_.number = save.number;
  if (save.hard_state) write.hard_state = save.hard_state;
  if (save.truncate_from) {
    cache_.TruncateFrom(*save.truncate_from);
    while (!write.append.empty() && write.append.back().index >= *save.truncate_from) {
      write.append.pop_back();
    }
    // Where something of this write stays, what is cut was never written.
    bool is_cut_from_disk = write.append.empty();
    if (is_cut_from_disk && (!write.truncate_from || *save.truncate_from < *write.truncate_from)) {
      write.truncate_from = save.truncate_from;
    }
  }
  if (save.install) {
    CHECK(installing_ && installing_->last == *save.install);
    cache_.Clear();
    write.append.clear();
    write.truncate_from.reset();
    write.install = std::exchange(installing_, std::nullopt);
  }
  if (save.append) {
    for (LogEntry& entry : payloads) {
      if (entry.index < save.append->first || entry.index > save.append->last) continue;
      cache_.Append(entry);
      write.append.push_back(std::move(entry));
    }
    CHECK(!write.append.empty() && write.append.back().index == save.append->last)
        << "entries without payloads: " << save;
  }
  // Posted, so that all that this turn of the strand brings goes into one write.
  if (!saving_ && !save_posted_) {
    save_posted_ = true;
    host_.strand.Post(lifetime_.Bind([this] {
      save_posted_ = false;
      StartSave();
    }));
  }
}

void Quorum::StartSave() {
  if (saving_ || gathering_.write.empty() || stopped_) return;
  saving_ = std::exchange(gathering_, {});
  log_.Save(std::exchange(saving_->write, {}),
            lifetime_.Bind([this](Result<void> saved) { SaveDone(std::move(saved)); }));
}

void Quorum::SaveDone(Result<void> saved) {
  if (!saved) {
    Fail(saved.error().While("writing the quorum's log"));
    return;
  }
  PendingSave done = std::move(*saving_);
  saving_.reset();
  StartSave();
  Send(done.then_send);
  ProposeGathered();
  raft_->Saved(done.number, Now());
  CarryOut({});
  cache_.Trim(std::min(raft_->saved(), delivered_));
  MaybeTakeSnapshot();
}

void Quorum::Send(const std::vector<raft::Message>& messages) {
  for (const raft::Message& message : messages) {
    if (auto peer = peers_.find(message.to); peer != peers_.end()) {
      peer->second->Send(message);
    } else {
      AnswerStranger(message);
    }
  }
}

void Quorum::ChangeRole(const raft::RoleChange& change) {
  LOG(INFO) << "controller " << config_.self.controller << " is " << change;
  std::optional<Term> leading;
  if (change.role == raft::RoleName::kLeader) leading = change.term;
  if (leading == leading_) return;
  leading_ = leading;
  waiting_.clear();
  waiting_bytes_ = 0;
  Tell(TellRole{leading});
  if (leading) return;
  FinishTransfer();
  FailReads();
}

void Quorum::SetTimer() {
  Instant due = raft_->NextDeadline();
  // A deadline that moves out is looked at when the old one comes: most do, with each heartbeat.
  if (timer_ != 0 && timer_at_ <= due) return;
  host_.strand.Cancel(timer_);
  timer_at_ = due;
  timer_ = host_.strand.RunAt(due, lifetime_.Bind([this] {
    timer_ = 0;
    if (stopped_) return;
    ProposeGathered();
    if (raft_->NextDeadline() <= Now()) raft_->TimeReached(Now());
    CarryOut({});
  }));
}

void Quorum::Fail(Error error) {
  if (std::exchange(stopped_, true)) return;
  gathered_.clear();
  LOG(ERROR) << "controller " << config_.self.controller << " leaves the quorum: " << error;
  host_.strand.Cancel(std::exchange(timer_, 0));
  peers_.clear();
  if (leading_) Tell(TellRole{std::nullopt});
  leading_.reset();
  FinishTransfer();
  FailReads();
  fetch_.reset();
  writing_.reset();
  if (failed_) std::exchange(failed_, {})(std::move(error));
}

}  // namespace weir::quorum
