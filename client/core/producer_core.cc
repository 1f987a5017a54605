// SPDX-License-Identifier: Apache-2.0
#include "client/core/producer_core.h"

#include <algorithm>
#include <utility>

#include "client/core/partitioner.h"

namespace weir::client {

ProducerCore::ProducerCore(ProducerConfig config, uint64_t seed)
    : config_(config), chance_(seed | 1), locate_backoff_(seed + 1), identify_backoff_(seed + 2) {}

uint64_t ProducerCore::Chance() {
  chance_ = chance_ * 6364136223846793005u + 1442695040888963407u;
  return chance_ >> 33;
}

bool ProducerCore::Send(const std::string& topic, Record record, Instant now,
                        std::optional<PartitionIndex> partition) {
  if (!has_room()) return false;
  shared_.lines.BeginTurn();
  Topic& to = topics_[topic];
  Unrouted entry{std::move(record), now, partition};
  if (to.known) {
    stale_ = stale_ || now >= located_at_ + config_.route_age;
    if (SendQueue* queue = Route(topic, to, std::move(entry))) queue->Advance(now);
  } else {
    unrouted_bytes_ += entry.record.encoded_size();
    to.unrouted.push_back(std::move(entry));
  }
  Ask(now);
  return true;
}

SendQueue* ProducerCore::Route(const std::string& name, Topic& topic, Unrouted entry) {
  auto count = static_cast<int32_t>(topic.route.partitions.size());
  PartitionIndex index;
  if (entry.partition) {
    index = *entry.partition;
  } else if (entry.record.key) {
    index = PartitionOfKey(entry.record.key->view(), count);
  } else {
    index = StickyPartition(topic);
  }
  if (index < PartitionIndex(0) || index >= PartitionIndex(count)) {
    Refuse(name, index, std::move(entry.record),
           {ErrorCode::kUnknownTopicOrPartition,
            "topic " + name + " has partitions 0 to " + std::to_string(count - 1)});
    return nullptr;
  }
  size_t limit = config_.batch_bytes;
  // A batch's own header is 61 bytes.
  constexpr size_t kHeader = 61;
  if (auto largest = static_cast<size_t>(topic.route.max_batch_bytes); largest > kHeader) {
    limit = std::min(limit, largest - kHeader);
  }
  SendQueue& queue = QueueOf(name, topic, index);
  queue.Add(std::move(entry.record), limit, entry.since);
  return &queue;
}

SendQueue& ProducerCore::QueueOf(const std::string& name, Topic& topic, PartitionIndex index) {
  auto& queue = topic.queues[index];
  if (queue == nullptr) {
    queue = std::make_unique<SendQueue>(config_, name, PartitionId{topic.route.id, index}, Chance(),
                                        &shared_);
    // The topic was located, or there would be no queue: begin with what was said then.
    queue->Routed(topic.route.partitions[static_cast<size_t>(index.value())], locate_asked_,
                  locate_asked_);
  }
  return *queue;
}

PartitionIndex ProducerCore::StickyPartition(Topic& topic) {
  if (auto it = topic.queues.find(topic.sticky);
      it != topic.queues.end() && it->second->has_open_batch()) {
    return topic.sticky;
  }
  auto count = topic.route.partitions.size();
  size_t start = Chance() % count;
  // One with a leader, where there is one.
  for (size_t i = 0; i < count; ++i) {
    size_t index = (start + i) % count;
    if (topic.route.partitions[index].leader == kNoNode) continue;
    return topic.sticky = PartitionIndex(static_cast<int32_t>(index));
  }
  return topic.sticky = PartitionIndex(static_cast<int32_t>(start));
}

void ProducerCore::Refuse(const std::string& name, PartitionIndex index, Record record,
                          const Refusal& refusal) {
  auto batch = std::make_shared<Batch>();
  batch->records.push_back(std::move(record));
  batch->closed = true;
  shared_.effects.push_back(
      effect::Settled{name, index, std::move(batch), std::unexpected(refusal)});
}

void ProducerCore::FailTopic(const std::string& name, Topic& topic, const Refusal& refusal) {
  for (Unrouted& entry : topic.unrouted) {
    unrouted_bytes_ -= entry.record.encoded_size();
    Refuse(name, PartitionIndex(-1), std::move(entry.record), refusal);
  }
  topic.unrouted.clear();
  for (auto& [index, queue] : topic.queues) queue->FailAll(refusal);
  topic.queues.clear();
}

void ProducerCore::Flush(Instant now) {
  for (auto& [name, topic] : topics_) {
    for (auto& [index, queue] : topic.queues) queue->Close();
  }
  Advance(now);
}

void ProducerCore::Located(const std::vector<TopicRoute>& topics, Instant now) {
  locating_ = false;
  located_at_ = locate_asked_;
  stale_ = false;
  for (const TopicRoute& route : topics) {
    auto it = topics_.find(route.name);
    if (it == topics_.end()) continue;
    if (route.error != ErrorCode::kNone || route.partitions.empty()) {
      TopicUnknown(it->first, it->second, now);
    } else {
      TopicKnown(it->first, it->second, route, now);
    }
  }
  Advance(now);
}

void ProducerCore::TopicUnknown(const std::string& name, Topic& topic, Instant now) {
  if (topic.unknown_since == Instant::Never()) topic.unknown_since = now;
  locate_not_before_ = now + locate_backoff_.Next();
  for (auto& [index, queue] : topic.queues) queue->RouteFailed(locate_asked_, now);
  if (now < topic.unknown_since + config_.unknown_topic_patience) return;
  FailTopic(
      name, topic,
      {ErrorCode::kUnknownTopicOrPartition, "there is no topic " + name + "; create it first"});
  topic.known = false;
  topic.unknown_since = Instant::Never();
}

void ProducerCore::TopicKnown(const std::string& name, Topic& topic, const TopicRoute& route,
                              Instant now) {
  if (topic.known && topic.route.id != route.id) {
    FailTopic(name, topic,
              {ErrorCode::kUnknownTopicId, "topic " + name + " was deleted, and made anew"});
  }
  locate_backoff_.Reset();
  locate_not_before_ = {};
  topic.known = true;
  topic.unknown_since = Instant::Never();
  topic.route = route;
  for (auto& [index, queue] : topic.queues) {
    auto at = static_cast<size_t>(index.value());
    if (at < route.partitions.size()) queue->Routed(route.partitions[at], locate_asked_, now);
  }
  while (!topic.unrouted.empty()) {
    Unrouted entry = std::move(topic.unrouted.front());
    topic.unrouted.pop_front();
    unrouted_bytes_ -= entry.record.encoded_size();
    Route(name, topic, std::move(entry));
  }
}

void ProducerCore::LocateFailed(const Refusal&, Instant now) {
  locating_ = false;
  locate_not_before_ = now + locate_backoff_.Next();
  for (auto& [name, topic] : topics_) {
    for (auto& [index, queue] : topic.queues) queue->RouteFailed(locate_asked_, now);
  }
  Advance(now);
}

void ProducerCore::Identified(ProducerIdentity identity, Instant now) {
  identifying_ = false;
  identify_backoff_.Reset();
  for (auto& [name, topic] : topics_) {
    for (auto& [index, queue] : topic.queues) {
      if (queue->needs_identity()) queue->Identify(identity);
    }
  }
  Advance(now);
}

void ProducerCore::IdentifyFailed(const Refusal& refusal, Instant now) {
  identifying_ = false;
  identify_not_before_ = now + identify_backoff_.Next();
  if (!IsRetriable(refusal.code)) {
    for (auto& [name, topic] : topics_) FailTopic(name, topic, refusal);
  }
  Advance(now);
}

void ProducerCore::Appended(uint64_t request, const AppendAnswer& answer, Instant now) {
  for (auto& [name, topic] : topics_) {
    for (auto& [index, queue] : topic.queues) {
      if (!queue->Appended(request, answer, now)) continue;
      Advance(now);
      return;
    }
  }
}

void ProducerCore::Tick(Instant now) { Advance(now); }

void ProducerCore::GiveUpUnrouted(const std::string& name, Topic& topic, Instant now) {
  while (!topic.unrouted.empty() &&
         topic.unrouted.front().since + config_.delivery_timeout <= now) {
    unrouted_bytes_ -= topic.unrouted.front().record.encoded_size();
    Refuse(name, PartitionIndex(-1), std::move(topic.unrouted.front().record),
           {ErrorCode::kRequestTimedOut, "no node could say where topic " + name + " is led"});
    topic.unrouted.pop_front();
  }
}

void ProducerCore::Advance(Instant now) {
  shared_.lines.BeginTurn();
  for (auto& [name, topic] : topics_) {
    GiveUpUnrouted(name, topic, now);
    for (auto& [index, queue] : topic.queues) queue->Advance(now);
  }
  Ask(now);
}

void ProducerCore::Ask(Instant now) {
  if (!locating_ && LocateWantedAt() <= now) {
    effect::Locate locate;
    for (auto& [name, topic] : topics_) locate.topics.push_back(name);
    locating_ = true;
    locate_asked_ = now;
    shared_.effects.push_back(std::move(locate));
  }
  if (!identifying_ && NeedsIdentity() && now >= identify_not_before_) {
    identifying_ = true;
    shared_.effects.push_back(effect::InitProducer{});
  }
}

Instant ProducerCore::LocateWantedAt() const {
  if (stale_) return locate_not_before_;
  Instant wanted = Instant::Never();
  for (const auto& [name, topic] : topics_) {
    if (!topic.unrouted.empty()) return locate_not_before_;
    for (const auto& [index, queue] : topic.queues) {
      wanted = std::min(wanted, queue->route_wanted_at());
    }
  }
  return wanted == Instant::Never() ? wanted : std::max(wanted, locate_not_before_);
}

bool ProducerCore::NeedsIdentity() const {
  for (const auto& [name, topic] : topics_) {
    for (const auto& [index, queue] : topic.queues) {
      if (queue->needs_identity()) return true;
    }
  }
  return false;
}

Instant ProducerCore::NextDeadline() const {
  Instant deadline = Instant::Never();
  for (const auto& [name, topic] : topics_) {
    if (!topic.unrouted.empty()) {
      deadline = std::min(deadline, topic.unrouted.front().since + config_.delivery_timeout);
    }
    for (const auto& [index, queue] : topic.queues) {
      deadline = std::min(deadline, queue->NextDeadline());
    }
  }
  if (!locating_) deadline = std::min(deadline, LocateWantedAt());
  if (!identifying_ && NeedsIdentity()) deadline = std::min(deadline, identify_not_before_);
  return deadline;
}

ProducerEffects ProducerCore::TakeEffects() { return std::exchange(shared_.effects, {}); }

size_t ProducerCore::buffered_bytes() const {
  size_t bytes = unrouted_bytes_;
  for (const auto& [name, topic] : topics_) {
    for (const auto& [index, queue] : topic.queues) bytes += queue->bytes();
  }
  return bytes;
}

bool ProducerCore::idle() const { return buffered_bytes() == 0; }

uint64_t ProducerCore::retries() const {
  uint64_t retries = 0;
  for (const auto& [name, topic] : topics_) {
    for (const auto& [index, queue] : topic.queues) retries += queue->retries();
  }
  return retries;
}

}  // namespace weir::client
