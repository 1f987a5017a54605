// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/quorum.h"

#include <glog/logging.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::quorum {
namespace {

// Entries kept in memory beyond those that must be; one message; one read of the log.
constexpr size_t kCachedBytesMax = size_t{8} << 20;
constexpr size_t kMessageBytesMax = size_t{1} << 20;

}  // namespace

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
}

void Quorum::Start(Remembered remembered, StoredSnapshot snapshot) {
  CHECK(!raft_) << "a quorum starts once";
  CHECK(remembered.snapshot == snapshot.last);
  raft::Config config{.self = config_.self, .timing = config_.timing, .seed = host_.random.Next()};
  for (const Voter& voter : config_.voters) config.voters.push_back(voter.id);
  raft_.emplace(std::move(config),
                raft::Origin{remembered.hard_state, remembered.snapshot,
                             std::move(remembered.terms), remembered.last},
                Now());
  snapshot_ = delivered_ = snapshot.last.index;
  Tell(TellSnapshot{std::move(snapshot)});
  for (const Voter& voter : config_.voters) {
    if (voter.id == config_.self) continue;
    peers_[voter.id] =
        std::make_unique<Peer>(host_, config_.cluster, voter, config_.reconnect_min,
                               config_.reconnect_max, static_cast<PeerEvents&>(*this));
  }
  CarryOut({});
}

std::optional<int64_t> Quorum::Append(int64_t epoch, Bytes entry) {
  if (!is_leader() || raft_->term() != Term(epoch)) return std::nullopt;
  if (waiting_.size() >= config_.waiting_entries_max) return std::nullopt;
  // One that is larger than the bound by itself still passes, alone.
  if (!waiting_.empty() && waiting_bytes_ + entry.size() > config_.waiting_bytes_max) {
    return std::nullopt;
  }
  size_t size = entry.size();
  auto index = raft_->Propose(1, Now());
  if (!index) return std::nullopt;
  waiting_.push_back({*index, size});
  waiting_bytes_ += size;
  CarryOut({LogEntry{*index, raft_->term(), std::move(entry)}});
  return index->value();
}

bool Quorum::is_leader() const {
  return !stopped_ && raft_ && raft_->role() == raft::RoleName::kLeader;
}

std::optional<Quorum::Leader> Quorum::leader() const {
  auto id = raft_ && !stopped_ ? raft_->leader() : std::nullopt;
  if (!id) return std::nullopt;
  for (const Voter& voter : config_.voters) {
    if (voter.id == *id) return Leader{id->controller, voter.endpoint, raft_->term()};
  }
  return std::nullopt;
}

Quorum::Description Quorum::Describe() const {
  if (!raft_) return {};
  Description description{leader(), raft_->term(), raft_->commit(), raft_->last(), {}};
  const auto* progress = raft_->progress();
  for (const Voter& voter : config_.voters) {
    VoterDescription described{.voter = voter};
    if (progress != nullptr && voter.id == config_.self) described.match = raft_->saved();
    if (progress != nullptr && voter.id != config_.self) {
      described.match = progress->at(voter.id).match;
      described.silence = Now() - progress->at(voter.id).last_heard;
    }
    description.voters.push_back(std::move(described));
  }
  return description;
}

void Quorum::TransferLeadership(Callback<void(bool)> done) {
  bool leads = is_leader();
  if (!leads || !raft_->TransferLeadership(Now())) {
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
  if (from <= snapshot_) {
    read =
        Fail(Error::Kind::kNotFound, "the log begins after " + std::to_string(snapshot_.value()) +
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
  raft_->Saved(done.number, Now());
  CarryOut({});
  cache_.Trim(std::min(raft_->saved(), delivered_));
}

void Quorum::Send(const std::vector<raft::Message>& messages) {
  for (const raft::Message& message : messages) {
    auto peer = peers_.find(message.to);
    CHECK(peer != peers_.end()) << "a message to a stranger: " << message;
    peer->second->Send(message);
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
  if (!leading) FinishTransfer();
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
    if (raft_->NextDeadline() <= Now()) raft_->TimeReached(Now());
    CarryOut({});
  }));
}

void Quorum::Fail(Error error) {
  if (std::exchange(stopped_, true)) return;
  LOG(ERROR) << "controller " << config_.self.controller << " leaves the quorum: " << error;
  host_.strand.Cancel(std::exchange(timer_, 0));
  peers_.clear();
  if (leading_) Tell(TellRole{std::nullopt});
  leading_.reset();
  FinishTransfer();
  if (failed_) std::exchange(failed_, {})(std::move(error));
}

}  // namespace weir::quorum
