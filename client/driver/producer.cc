// SPDX-License-Identifier: Apache-2.0
#include "client/driver/producer.h"

#include <utility>

namespace weir::client {
namespace {

// The core asks again by itself: a Locate is not worth a long wait for one node.
constexpr Routing::Patience kPatience{.overall = std::chrono::seconds(3),
                                      .attempt = std::chrono::seconds(1)};

}  // namespace

Producer::Producer(host::Host host, Routing& routing, ProducerConfig config, Settled settled)
    : host_(host),
      routing_(routing),
      core_(config, host.random.Next()),
      settled_(std::move(settled)) {}

Producer::~Producer() {
  host_.strand.Cancel(timer_);
  for (auto& [node, line] : lines_) line->Drop();
}

bool Producer::Send(const std::string& topic, Record record,
                    std::optional<PartitionIndex> partition) {
  bool taken = core_.Send(topic, std::move(record), host_.clock.Now(), partition);
  Carry();
  return taken;
}

void Producer::Flush() {
  core_.Flush(host_.clock.Now());
  Carry();
}

void Producer::Carry() {
  if (carrying_) return;
  carrying_ = true;
  while (true) {
    ProducerEffects effects = core_.TakeEffects();
    if (effects.empty() && answers_.empty()) break;
    for (ProducerEffect& each : effects) {
      std::visit([this](auto& effect) { CarryOut(effect); }, each);
    }
    while (!answers_.empty()) {
      auto [request, answer] = std::move(answers_.front());
      answers_.pop_front();
      core_.Appended(request, answer, host_.clock.Now());
    }
  }
  carrying_ = false;
  SetTimer();
}

void Producer::CarryOut(effect::Locate& locate) {
  routing_.Locate(std::move(locate.topics), 0, kPatience,
                  lifetime_.Bind([this](Outcome<weir::log::v1::LocateResponse> answer) {
                    if (answer) {
                      std::vector<TopicRoute> routes;
                      for (const auto& topic : answer->topics()) routes.push_back(RouteOf(topic));
                      core_.Located(routes, host_.clock.Now());
                    } else {
                      core_.LocateFailed(answer.error().AsRefusal(), host_.clock.Now());
                    }
                    Carry();
                  }));
}

void Producer::CarryOut(effect::InitProducer&) {
  routing_.Call(
      "/weir.log.v1.Log/InitProducer", {Bytes()}, kPatience,
      lifetime_.Bind([this](Outcome<Bytes> answer) {
        weir::log::v1::InitProducerResponse response;
        if (!answer) {
          core_.IdentifyFailed(answer.error().AsRefusal(), host_.clock.Now());
        } else if (response.ParseFromArray(answer->data(), static_cast<int>(answer->size()))) {
          core_.Identified({ProducerId(response.producer_id()),
                            ProducerEpoch(static_cast<int16_t>(response.producer_epoch()))},
                           host_.clock.Now());
        } else {
          core_.IdentifyFailed({ErrorCode::kUnknownServerError, "the answer is no Protobuf"},
                               host_.clock.Now());
        }
        Carry();
      }));
}

AppendLine* Producer::LineTo(NodeId node) {
  auto endpoint = routing_.EndpointOf(node);
  if (!endpoint) return nullptr;
  auto& line = lines_[node];
  if (line != nullptr && !line->ended() && line->endpoint() == *endpoint) return line.get();
  if (line != nullptr) {
    for (uint64_t request : line->Drop()) {
      answers_.emplace_back(request, Refuse(ErrorCode::kNetworkException, "the node moved"));
    }
  }
  line = std::make_shared<AppendLine>(host_, *endpoint,
                                      lifetime_.Bind([this](uint64_t request, AppendAnswer answer) {
                                        Answer(request, std::move(answer));
                                      }));
  line->Open();
  return line.get();
}

void Producer::Answer(uint64_t request, AppendAnswer answer) {
  answers_.emplace_back(request, std::move(answer));
  Carry();
}

void Producer::CarryOut(effect::Append& append) {
  if (AppendLine* line = LineTo(append.leader)) {
    line->Send(append);
  } else {
    answers_.emplace_back(
        append.request, Refuse(ErrorCode::kLeaderNotAvailable, "nobody says where the leader is"));
  }
}

void Producer::CarryOut(effect::Abandon& abandon) {
  auto it = lines_.find(abandon.leader);
  if (it == lines_.end() || !it->second->IsSilentSince(abandon.request)) return;
  // The node hangs: whatever else waits on this stream waits for nothing.
  for (uint64_t request : it->second->Drop()) {
    answers_.emplace_back(request, Refuse(ErrorCode::kNetworkException, "the node fell silent"));
  }
  lines_.erase(it);
}

void Producer::CarryOut(effect::Settled& settled) { settled_(settled); }

void Producer::SetTimer() {
  Instant deadline = core_.NextDeadline();
  // A timer that is early does no harm; only one that is late must be moved.
  if (deadline >= timer_at_ || deadline == Instant::Never()) return;
  host_.strand.Cancel(timer_);
  timer_at_ = deadline;
  timer_ = host_.strand.RunAt(deadline, lifetime_.Bind([this] {
    timer_ = 0;
    timer_at_ = Instant::Never();
    core_.Tick(host_.clock.Now());
    Carry();
  }));
}

}  // namespace weir::client
