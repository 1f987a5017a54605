// SPDX-License-Identifier: Apache-2.0
// Who takes part: a peer for each other member, and an answer for whoever is not known as one yet.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "controller/quorum/incoming.h"
#include "controller/quorum/quorum.h"

namespace weir::quorum {
namespace {

// How often it is said that a learner has caught up, while nothing comes of it.
constexpr Duration kCaughtUpPause = std::chrono::milliseconds(100);
// A learner that is no further behind than this votes without holding up a commit for long.
constexpr int64_t kCaughtUpEntries = 100;

}  // namespace

void Quorum::Learn(const std::vector<Voter>& voters) {
  for (const Voter& voter : voters) known_[voter.id] = voter;
}

host::Endpoint Quorum::EndpointOf(const raft::VoterId& id) const {
  if (auto known = known_.find(id); known != known_.end()) return known->second.endpoint;
  return stranger_ && stranger_->id == id ? stranger_->endpoint : host::Endpoint();
}

// One peer for each other member, where it is reached now.
void Quorum::FollowMembership() {
  const raft::Membership& membership = raft_->membership();
  LOG(INFO) << "controller " << config_.self.controller << ": the quorum is " << membership;
  std::erase_if(peers_, [&](const auto& peer) {
    return !membership.Has(peer.first) ||
           peer.second->endpoint() != known_.at(peer.first).endpoint;
  });
  for (const auto& [id, voter] : known_) {
    if (id == config_.self || !membership.Has(id) || peers_.contains(id)) continue;
    peers_[id] = std::make_unique<Peer>(host_, config_.cluster, voter, config_.reconnect_min,
                                        config_.reconnect_max, static_cast<PeerEvents&>(*this));
  }
}

// Whoever asks is answered, though it is no member as far as is known here: it may be one by an
// entry that has not come yet. The answer takes the way that the question came.
void Quorum::AnswerStranger(const raft::Message& message) {
  auto stream = incoming_.find(message.to);
  if (stream == incoming_.end()) return;
  stream->second->Answer(Encode({config_.cluster, message, {}, {}}));
}

void Quorum::TellCaughtUp() {
  if (!is_leader() || !config_.caught_up || raft_->membership().learners.empty()) return;
  if (!raft_->is_membership_committed() || Now() < caught_up_told_ + kCaughtUpPause) return;
  for (const raft::VoterId& id : raft_->membership().learners) {
    const raft::Progress& progress = raft_->progress()->at(id);
    bool is_near = !progress.probing && progress.match + kCaughtUpEntries >= raft_->last();
    if (!is_near || progress.match == LogIndex(0)) continue;
    caught_up_told_ = Now();
    host_.strand.Post(lifetime_.Bind([this, voter = known_.at(id)] {
      if (is_leader()) config_.caught_up(voter);
    }));
    return;
  }
}

}  // namespace weir::quorum
