// SPDX-License-Identifier: Apache-2.0
#include "client/driver/consumer.h"

#include <utility>

#include "client/driver/record_bytes.h"
#include "common/codec/payload.h"

namespace weir::client {
namespace {

constexpr Routing::Patience kPatience{.overall = std::chrono::seconds(3),
                                      .attempt = std::chrono::seconds(1)};
constexpr Duration kBoundsTimeout = std::chrono::seconds(3);
constexpr int32_t kFetchBytes = 1 << 20;

}  // namespace

// One FetchStream. Dropped, it hears nothing more.
class Consumer::FollowLine : public host::StreamEvents,
                             public std::enable_shared_from_this<FollowLine> {
 public:
  FollowLine(Consumer& consumer, const effect::Follow& follow)
      : consumer_(&consumer), request_(follow.request), partition_(follow.partition.index) {}

  void Open(const host::Endpoint& to, const effect::Follow& follow, bool paused) {
    weir::log::v1::FetchRequest request;
    request.set_topic_id(follow.partition.topic.ToBytes());
    request.set_partition(follow.partition.index.value());
    request.set_offset(follow.offset.value());
    request.set_max_bytes(kFetchBytes);
    request.set_rack(follow.rack);
    stream_ = consumer_->host_.network.Open(to, "/weir.log.v1.Log/FetchStream", shared_from_this());
    stream_->Send({Bytes::FromString(request.SerializeAsString())});
    stream_->Finish(host::CallStatus::Ok());
    if (paused) stream_->PauseReading();
  }
  void Drop() {
    consumer_ = nullptr;
    if (auto stream = std::exchange(stream_, nullptr)) {
      stream->Finish(
          {.code = host::StatusCode::kCancelled, .message = "no longer wanted", .details = {}});
    }
  }
  host::Stream* stream() { return stream_.get(); }

  void OnMessage(Bytes message) override {
    if (consumer_ != nullptr) consumer_->Received(request_, partition_, message);
  }
  void OnEnd(host::CallStatus status) override {
    if (consumer_ == nullptr) return;
    Refusal refusal{ErrorCode::kNetworkException, "the leader ended the stream"};
    if (!status.ok()) refusal = Decode(status).AsRefusal();
    stream_ = nullptr;
    std::exchange(consumer_, nullptr)->Ended(request_, refusal);
  }

 private:
  Consumer* consumer_;
  const uint64_t request_;
  const PartitionIndex partition_;
  std::shared_ptr<host::Stream> stream_;
};

Consumer::Consumer(host::Host host, Routing& routing, ConsumerConfig config, Events events)
    : host_(host),
      routing_(routing),
      core_(std::move(config), host.random.Next()),
      events_(std::move(events)) {}

Consumer::~Consumer() {
  host_.strand.Cancel(timer_);
  for (auto& [request, line] : lines_) line->Drop();
}

void Consumer::Start() {
  core_.Start(host_.clock.Now());
  Carry();
}

void Consumer::Pause() {
  paused_ = true;
  for (auto& [request, line] : lines_) {
    if (line->stream() != nullptr) line->stream()->PauseReading();
  }
}

void Consumer::Resume() {
  paused_ = false;
  for (auto& [request, line] : lines_) {
    if (line->stream() != nullptr) line->stream()->ResumeReading();
  }
}

void Consumer::Carry() {
  if (carrying_) return;
  carrying_ = true;
  for (ConsumerEffects effects = core_.TakeEffects(); !effects.empty();
       effects = core_.TakeEffects()) {
    for (ConsumerEffect& each : effects) {
      std::visit([this](auto& effect) { CarryOut(effect); }, each);
    }
  }
  carrying_ = false;
  SetTimer();
}

void Consumer::CarryOut(effect::LocateTopic& locate) {
  routing_.Locate({locate.topic}, 0, kPatience,
                  lifetime_.Bind([this](Outcome<weir::log::v1::LocateResponse> answer) {
                    if (!answer) {
                      core_.LocateFailed(answer.error().AsRefusal(), host_.clock.Now());
                    } else if (answer->topics_size() != 1) {
                      core_.LocateFailed({ErrorCode::kUnknownServerError,
                                          "the answer is not about the one topic that was asked"},
                                         host_.clock.Now());
                    } else {
                      core_.Located(RouteOf(answer->topics(0)), host_.clock.Now());
                    }
                    Carry();
                  }));
}

void Consumer::CarryOut(effect::AskBounds& ask) {
  auto heard = lifetime_.Bind([this, request = ask.request](host::CallStatus status, Bytes bytes) {
    weir::log::v1::OffsetsResponse response;
    if (!status.ok()) {
      core_.BoundsAnswered(request, std::unexpected(Decode(status).AsRefusal()), host_.clock.Now());
    } else if (!response.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      core_.BoundsAnswered(request,
                           Refuse(ErrorCode::kUnknownServerError, "the answer is no Protobuf"),
                           host_.clock.Now());
    } else {
      core_.BoundsAnswered(request,
                           LogBounds{Offset(response.log_start()),
                                     Offset(response.high_watermark()), Offset(response.log_end())},
                           host_.clock.Now());
    }
    Carry();
  });
  auto endpoint = routing_.EndpointOf(ask.leader);
  if (!endpoint) {
    host_.strand.Post([heard = std::move(heard)]() mutable {
      heard(host::CallStatus{.code = host::StatusCode::kUnavailable,
                             .message = "nobody says where the leader is",
                             .details = {}},
            Bytes());
    });
    return;
  }
  weir::log::v1::OffsetsRequest request;
  request.set_topic_id(ask.partition.topic.ToBytes());
  request.set_partition(ask.partition.index.value());
  host_.network.Call(*endpoint, "/weir.log.v1.Log/Offsets",
                     {Bytes::FromString(request.SerializeAsString())}, kBoundsTimeout,
                     std::move(heard));
}

void Consumer::CarryOut(effect::Follow& follow) {
  auto endpoint = routing_.EndpointOf(follow.node);
  if (!endpoint) {
    host_.strand.Post(lifetime_.Bind([this, request = follow.request] {
      Ended(request, {ErrorCode::kLeaderNotAvailable, "nobody says where to read"});
    }));
    return;
  }
  auto line = std::make_shared<FollowLine>(*this, follow);
  lines_[follow.request] = line;
  line->Open(*endpoint, follow, paused_);
}

void Consumer::CarryOut(effect::Cancel& cancel) {
  auto it = lines_.find(cancel.request);
  if (it == lines_.end()) return;
  it->second->Drop();
  lines_.erase(it);
}

void Consumer::CarryOut(effect::Deliver& deliver) {
  events_.records(deliver.partition, std::move(deliver.records));
}

void Consumer::CarryOut(effect::Finished&) { End({}); }

void Consumer::CarryOut(effect::Failed& failed) { End(std::unexpected(failed.refusal)); }

void Consumer::End(Answer<void> how) {
  host_.strand.Post(lifetime_.Bind([this, how = std::move(how)] {
    // Whoever hears it may destroy this consumer, and with it what is called.
    auto end = std::exchange(events_.end, nullptr);
    end(how);
  }));
}

void Consumer::Received(uint64_t request, PartitionIndex partition, const Bytes& message) {
  weir::log::v1::FetchResponse header;
  auto payload =
      codec::SplitPayload(message, weir::log::v1::FetchResponse::kRecordsFieldNumber, &header);
  Answer<std::vector<ReadRecord>> records =
      payload ? DecodeBatches(*payload)
              : Refuse(ErrorCode::kCorruptMessage, "the leader's answer is no Protobuf");
  if (!records) {
    if (auto it = lines_.find(request); it != lines_.end()) {
      it->second->Drop();
      lines_.erase(it);
    }
    core_.FollowEnded(request, records.error(), host_.clock.Now());
  } else if (header.has_preferred_replica()) {
    core_.Redirected(request, NodeId(header.preferred_replica()), host_.clock.Now());
  } else {
    if (events_.high_watermark) {
      events_.high_watermark(partition, Offset(header.high_watermark()));
    }
    core_.Fetched(request,
                  FetchedRun{.high_watermark = Offset(header.high_watermark()),
                             .next_offset = Offset(header.next_offset()),
                             .records = std::move(*records)},
                  host_.clock.Now());
  }
  Carry();
}

void Consumer::Ended(uint64_t request, const Refusal& refusal) {
  lines_.erase(request);
  core_.FollowEnded(request, refusal, host_.clock.Now());
  Carry();
}

void Consumer::SetTimer() {
  Instant deadline = core_.NextDeadline();
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
