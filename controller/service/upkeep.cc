// SPDX-License-Identifier: Apache-2.0
#include "controller/service/upkeep.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::service {
namespace {

// Partitions that leave draining nodes at the same time, and how soon others take the place of
// those that have arrived.
constexpr int32_t kMovingMost = 64;
constexpr Duration kDrainPause = std::chrono::seconds(1);

bool AnyDrains(const metadata::Image& image) {
  return std::ranges::any_of(image.nodes,
                             [](const auto& each) { return each.second.is_draining(); });
}

// Nobody asked for it perhaps, and somebody must know.
void TellUnclean(const metadata::Image& image,
                 const metadata::Change<PartitionId, metadata::Partition>& change) {
  if (!change.after || !change.after->recovering) return;
  if (change.before && change.before->leader_epoch == change.after->leader_epoch) return;
  const metadata::Topic* topic = image.topics.Find(change.key.topic);
  LOG(ERROR) << "UNCLEAN LEADER: node " << change.after->leader << " leads "
             << (topic ? topic->name : change.key.topic.ToString()) << '/' << change.key.index
             << " and was not in sync; what it lacks of what was acknowledged is lost";
}

}  // namespace

void Upkeep::OnActive(int64_t) {
  active_ = true;
  const metadata::Image& image = machine_->committed();
  imbalance_.Activate(image, host_.clock.Now());
  drain_at_ = AnyDrains(image) ? host_.clock.Now() : Instant::Never();
  why_stuck_.clear();
  SetTimer();
}

void Upkeep::OnInactive() {
  active_ = false;
  SetTimer();
}

void Upkeep::OnPublished(const metadata::Image& before, const metadata::Image& after,
                         machine::Position, const Bytes&) {
  if (!active_) return;
  Instant now = host_.clock.Now();
  metadata::Changes changes = metadata::Diff(before, after);
  for (const auto& change : changes.partitions) {
    imbalance_.Changed(change.key, change.after ? &*change.after : nullptr, now);
    TellUnclean(after, change);
  }
  for (const auto& change : changes.nodes) {
    if (!change.after || !change.after->is_draining()) continue;
    drain_again_ = true;
    drain_at_ = std::min(drain_at_, now);
  }
  SetTimer();
}

void Upkeep::SetTimer() {
  timer_.Set(active_ ? std::min(imbalance_.NextDeadline(), drain_at_) : Instant::Never());
}

void Upkeep::TimeReached() {
  if (!active_) return;
  Balance();
  if (host_.clock.Now() >= drain_at_) Drain();
  SetTimer();
}

void Upkeep::Balance() {
  std::vector<PartitionId> due = imbalance_.Due(host_.clock.Now());
  if (due.empty()) return;
  LOG(INFO) << "leadership of " << due.size() << " partitions goes back to preferred replicas";
  Ask(decide::BalanceLeaders{std::move(due)}, [](MetadataDriver::Told told) {
    if (!told.answer) LOG(WARNING) << "leaders are not balanced: " << told.answer.error();
  });
}

void Upkeep::Drain() {
  drain_at_ = Instant::Never();
  drain_again_ = false;
  Ask(decide::DrainStep{kMovingMost}, lifetime_.Bind([this](MetadataDriver::Told told) {
    if (!active_) return;
    if (told.answer) {
      Drained(std::get<decide::DrainStepped>(*told.answer));
    } else {
      LOG(WARNING) << "no step of draining: " << told.answer.error();
      drain_at_ = host_.clock.Now() + kDrainPause;
    }
    SetTimer();
  }));
}

void Upkeep::Drained(const decide::DrainStepped& step) {
  if (step.replicas_left > 0) {
    drain_at_ = std::min(drain_at_, host_.clock.Now() + kDrainPause);
  } else if (drain_again_) {
    drain_at_ = host_.clock.Now();
  }
  if (step.stuck > 0 && step.why_stuck != why_stuck_) {
    LOG(WARNING) << step.stuck << " partitions cannot leave draining nodes; " << step.why_stuck;
  }
  why_stuck_ = step.why_stuck;
}

void Upkeep::Ask(const decide::Command& command, MetadataDriver::Done done) {
  machine_->Submit(
      command, {host_.clock.Now(), host_.clock.WallNow()},
      lifetime_.Bind([this, command, done = std::move(done)](MetadataDriver::Told told) mutable {
        bool is_part = told.answer && std::holds_alternative<decide::DecidedInPart>(*told.answer);
        if (is_part) return Ask(command, std::move(done));
        done(std::move(told));
      }));
}

}  // namespace weir::service
