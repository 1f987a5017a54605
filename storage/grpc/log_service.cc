// SPDX-License-Identifier: Apache-2.0
#include "storage/grpc/log_service.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "common/codec/payload.h"
#include "common/edge/methods.h"
#include "common/edge/refusal_status.h"
#include "proto/log/log.pb.h"

namespace weir::grpc_edge {
namespace {

using broker::AppendCommand;
using broker::FetchCommand;
using host::Caller;
using host::CallStatus;
using host::Stream;

// The field that carries record batches, in every message of weir.log.v1.
constexpr int kRecordsField = 15;
constexpr size_t kFetchDefault = 1 << 20;
constexpr size_t kFetchMost = 64 << 20;
constexpr Duration kWaitMost = std::chrono::seconds(60);
// A FetchStream asks the partition again at least this often.
constexpr Duration kFollowWait = std::chrono::seconds(30);
// An AppendStream stops reading while this many of its appends wait for their acknowledgements.
constexpr size_t kAppendsWaitingMost = 256;
// And while its client has not taken this much of its answers.
constexpr size_t kAnswersWaitingMost = 64 << 10;

Answer<PartitionId> PartitionOf(const std::string& topic_id, int32_t index) {
  auto topic = TopicId::FromBytes(topic_id);
  if (!topic) {
    return Refuse(ErrorCode::kInvalidRequest, "topic_id must be 16 bytes, as Locate gives them; " +
                                                  std::to_string(topic_id.size()) + " came");
  }
  return PartitionId{*topic, PartitionIndex(index)};
}

Answer<AppendCommand> AppendOf(const Bytes& message) {
  log::v1::AppendRequest request;
  auto records = codec::SplitPayload(message, kRecordsField, &request);
  if (!records) {
    return Refuse(ErrorCode::kInvalidRequest, "the request is no valid weir.log.v1.AppendRequest");
  }
  auto partition = PartitionOf(request.topic_id(), request.partition());
  if (!partition) return std::unexpected(partition.error());
  if (request.timeout_ms() < 0) {
    return Refuse(ErrorCode::kInvalidRequest, "timeout_ms must not be negative");
  }
  AppendCommand command{*partition, request.acks(), std::chrono::milliseconds(request.timeout_ms()),
                        std::nullopt, *records};
  if (request.has_leader_epoch()) command.leader_epoch = LeaderEpoch(request.leader_epoch());
  return command;
}

log::v1::AppendResponse ResponseOf(const Answer<partition::AppendOutcome>& outcome) {
  log::v1::AppendResponse response;
  if (outcome) {
    response.set_base_offset(outcome->first.value());
    response.set_log_start(outcome->log_start.value());
    response.set_duplicate(outcome->duplicate);
  } else {
    response.set_error_code(static_cast<int32_t>(outcome.error().code));
    response.set_error_message(outcome.error().message);
  }
  return response;
}

Answer<FetchCommand> FetchOf(const Bytes& message) {
  log::v1::FetchRequest request;
  if (!edge::Decode(message, &request)) {
    return Refuse(ErrorCode::kInvalidRequest, "the request is no valid weir.log.v1.FetchRequest");
  }
  auto partition = PartitionOf(request.topic_id(), request.partition());
  if (!partition) return std::unexpected(partition.error());
  if (request.max_bytes() < 0 || request.max_wait_ms() < 0) {
    return Refuse(ErrorCode::kInvalidRequest, "max_bytes and max_wait_ms must not be negative");
  }
  size_t max_bytes =
      request.max_bytes() == 0 ? kFetchDefault : static_cast<size_t>(request.max_bytes());
  return FetchCommand{
      *partition, Offset(request.offset()), std::min(max_bytes, kFetchMost),
      std::min<Duration>(std::chrono::milliseconds(request.max_wait_ms()), kWaitMost),
      request.rack()};
}

Pieces PiecesOf(const partition::FetchOutcome& fetched) {
  log::v1::FetchResponse response;
  response.set_high_watermark(fetched.high_watermark.value());
  response.set_log_start(fetched.log_start.value());
  response.set_next_offset(fetched.next.value());
  if (fetched.nearest) response.set_preferred_replica(fetched.nearest->value());
  return codec::WithPayload(response, kRecordsField, fetched.records);
}

// Appends of one stream. They are answered in the order in which they came, whatever the order in
// which they are acknowledged.
class AppendStream : public host::StreamEvents, public std::enable_shared_from_this<AppendStream> {
 public:
  AppendStream(broker::Records* records, Caller caller, std::shared_ptr<Stream> stream)
      : records_(records), caller_(std::move(caller)), stream_(std::move(stream)) {}

  void OnMessage(Bytes message) override {
    if (refused_) return;
    auto command = AppendOf(message);
    if (!command) {
      // A stream that speaks nonsense cannot be trusted to mean what comes next.
      refused_ = true;
      stream_->Finish(edge::ToStatus(command.error()));
      return;
    }
    auto slot = std::make_shared<Slot>();
    waiting_.push_back(slot);
    in_line_ = records_->AppendInTurn(
        caller_, std::move(*command),
        [self = shared_from_this(), slot](Answer<partition::AppendOutcome> outcome) {
          slot->response = ResponseOf(outcome);
          slot->done = true;
          self->SendDone();
        },
        [self = shared_from_this()] {
          self->in_line_.reset();
          self->ReadIfAllowed();
        });
    ReadIfAllowed();
  }

  void OnDrained() override { ReadIfAllowed(); }
  void OnPeerFinished() override {
    peer_finished_ = true;
    SendDone();
  }
  void OnEnd(CallStatus) override {
    stream_.reset();
    if (in_line_) records_->Withdraw(*in_line_);
  }

 private:
  struct Slot {
    bool done = false;
    log::v1::AppendResponse response;
  };

  void SendDone() {
    if (!stream_) return;
    while (!waiting_.empty() && waiting_.front()->done) {
      stream_->Send(edge::Encode(waiting_.front()->response));
      waiting_.pop_front();
    }
    ReadIfAllowed();
    if (peer_finished_ && waiting_.empty()) stream_->Finish(CallStatus::Ok());
  }

  // What is not read fills the client's window: it is held back, and nothing grows here.
  void ReadIfAllowed() {
    if (!stream_) return;
    if (in_line_ || waiting_.size() >= kAppendsWaitingMost ||
        stream_->queued_bytes() >= kAnswersWaitingMost) {
      stream_->PauseReading();
    } else {
      stream_->ResumeReading();
    }
  }

  broker::Records* records_;
  Caller caller_;
  std::shared_ptr<Stream> stream_;
  std::deque<std::shared_ptr<Slot>> waiting_;
  // The append that came last waits for room.
  std::optional<broker::AppendRoom::Ticket> in_line_;
  bool peer_finished_ = false;
  bool refused_ = false;
};

// Follows one partition for one client: one fetch at a time, and the next when the network has
// taken the last, so that a slow client holds one response in memory and no more.
class FetchStream : public host::StreamEvents, public std::enable_shared_from_this<FetchStream> {
 public:
  FetchStream(broker::Records* records, Caller caller, std::shared_ptr<Stream> stream)
      : records_(records), caller_(std::move(caller)), stream_(std::move(stream)) {}

  void OnMessage(Bytes message) override {
    if (command_) {
      stream_->Finish(edge::ToStatus(
          {ErrorCode::kInvalidRequest, "a FetchStream takes one request; open another stream"}));
      return;
    }
    auto command = FetchOf(message);
    if (!command) {
      stream_->Finish(edge::ToStatus(command.error()));
      return;
    }
    command_ = *command;
    command_->max_wait = kFollowWait;
    FetchNext();
  }
  void OnDrained() override { FetchNext(); }
  void OnEnd(CallStatus) override {
    stream_.reset();
    hold_.reset();
    if (fetching_) records_->CancelFetch(command_->partition, wait_);
  }

 private:
  void FetchNext() {
    if (!stream_ || !command_ || fetching_ || stream_->queued_bytes() > 0) return;
    fetching_ = true;
    hold_.reset();
    wait_ = records_->Fetch(caller_, *command_,
                            [self = shared_from_this()](Answer<partition::FetchOutcome> fetched) {
                              self->Fetched(std::move(fetched));
                            });
  }

  void Fetched(Answer<partition::FetchOutcome> fetched) {
    fetching_ = false;
    if (!stream_) return;
    if (!fetched) {
      stream_->Finish(edge::ToStatus(fetched.error()));
      return;
    }
    bool news = !fetched->records.empty() || !told_high_watermark_ || fetched->nearest;
    command_->offset = fetched->next;
    if (news) {
      told_high_watermark_ = true;
      hold_ = std::move(fetched->hold);
      stream_->Send(PiecesOf(*fetched));
    }
    if (fetched->nearest) return stream_->Finish(CallStatus::Ok());
    FetchNext();
  }

  broker::Records* records_;
  Caller caller_;
  std::shared_ptr<Stream> stream_;
  std::optional<FetchCommand> command_;
  bool fetching_ = false;
  partition::Partition::WaitId wait_ = 0;
  // The room of what the network has not taken yet.
  std::shared_ptr<const void> hold_;
  bool told_high_watermark_ = false;
};

void Append(broker::Records* records, const Caller& caller, const Bytes& message,
            host::Reply reply) {
  auto command = AppendOf(message);
  if (!command) return reply(edge::ToStatus(command.error()), {});
  records->Append(caller, std::move(*command),
                  [reply = std::move(reply)](Answer<partition::AppendOutcome> outcome) mutable {
                    if (!outcome) return reply(edge::ToStatus(outcome.error()), {});
                    reply(CallStatus::Ok(), edge::Encode(ResponseOf(outcome)));
                  });
}

void Fetch(broker::Records* records, const Caller& caller, const Bytes& message,
           host::Reply reply) {
  auto command = FetchOf(message);
  if (!command) return reply(edge::ToStatus(command.error()), {});
  records->Fetch(caller, *command,
                 [reply = std::move(reply)](Answer<partition::FetchOutcome> fetched) mutable {
                   if (!fetched) return reply(edge::ToStatus(fetched.error()), {});
                   reply(CallStatus::Ok(), PiecesOf(*fetched));
                 });
}

void Locate(broker::Catalog* catalog, log::v1::LocateRequest request,
            edge::Respond<log::v1::LocateResponse> respond) {
  catalog->Locate({request.topics().begin(), request.topics().end()},
                  LogIndex(request.min_metadata_index()),
                  [respond = std::move(respond)](Answer<log::v1::LocateResponse> answer) mutable {
                    edge::RespondWith(respond, std::move(answer));
                  });
}

void InitProducer(broker::ProducerIds* ids, edge::Respond<log::v1::InitProducerResponse> respond) {
  ids->Next([respond = std::move(respond)](Answer<ProducerId> id) mutable {
    if (!id) return respond(edge::ToStatus(id.error()), {});
    log::v1::InitProducerResponse response;
    response.set_producer_id(id->value());
    respond(CallStatus::Ok(), std::move(response));
  });
}

Answer<log::v1::OffsetsResponse> Offsets(broker::Records* records, const Caller& caller,
                                         const log::v1::OffsetsRequest& request) {
  auto partition = PartitionOf(request.topic_id(), request.partition());
  if (!partition) return std::unexpected(partition.error());
  auto offsets = records->Offsets(caller, *partition);
  if (!offsets) return std::unexpected(offsets.error());
  log::v1::OffsetsResponse response;
  response.set_log_start(offsets->log_start.value());
  response.set_high_watermark(offsets->high_watermark.value());
  response.set_log_end(offsets->log_end.value());
  response.set_leader_epoch(offsets->leader_epoch.value());
  for (const weir::log::Damage& each : offsets->damages) {
    auto* damage = response.add_damages();
    damage->set_from(each.from.value());
    damage->set_to(each.to.value());
    damage->set_what(each.what);
  }
  return response;
}

void OffsetForTime(broker::Records* records, const Caller& caller,
                   const log::v1::OffsetForTimeRequest& request,
                   edge::Respond<log::v1::OffsetForTimeResponse> respond) {
  auto partition = PartitionOf(request.topic_id(), request.partition());
  if (!partition) return respond(edge::ToStatus(partition.error()), {});
  if (request.timestamp_ms() < 0) {
    return respond(edge::ToStatus({ErrorCode::kInvalidRequest,
                                   "timestamp_ms must not be negative; Offsets tells where a log "
                                   "begins and ends"}),
                   {});
  }
  records->OffsetForTime(
      caller, *partition, WallTime{request.timestamp_ms()},
      [respond = std::move(respond)](Answer<std::optional<weir::log::TimedOffset>> found) mutable {
        if (!found) return respond(edge::ToStatus(found.error()), {});
        log::v1::OffsetForTimeResponse response;
        response.set_offset(*found ? (*found)->offset.value() : -1);
        response.set_timestamp_ms(*found ? (*found)->timestamp.ms : -1);
        response.set_leader_epoch(*found ? (*found)->epoch.value() : -1);
        respond(CallStatus::Ok(), std::move(response));
      });
}

void DeleteRecords(broker::Records* records, const Caller& caller,
                   const log::v1::DeleteRecordsRequest& request,
                   edge::Respond<log::v1::DeleteRecordsResponse> respond) {
  auto partition = PartitionOf(request.topic_id(), request.partition());
  if (!partition) return respond(edge::ToStatus(partition.error()), {});
  if (request.before() < -1 || request.timeout_ms() < 0) {
    return respond(edge::ToStatus({ErrorCode::kInvalidRequest,
                                   "before is an offset, or -1 for the high watermark, and "
                                   "timeout_ms is not negative"}),
                   {});
  }
  std::optional<Offset> before;
  if (request.before() >= 0) before = Offset(request.before());
  records->DeleteRecords(caller, *partition, before,
                         std::chrono::milliseconds(request.timeout_ms()),
                         [respond = std::move(respond)](Answer<Offset> start) mutable {
                           if (!start) return respond(edge::ToStatus(start.error()), {});
                           log::v1::DeleteRecordsResponse response;
                           response.set_log_start(start->value());
                           respond(CallStatus::Ok(), std::move(response));
                         });
}

}  // namespace

host::Methods LogMethods(LogService service) {
  host::Methods methods;
  methods["/weir.log.v1.Log/Locate"] = edge::Unary<log::v1::LocateRequest, log::v1::LocateResponse>(
      [catalog = service.catalog](const Caller&, auto request, auto respond) {
        Locate(catalog, std::move(request), std::move(respond));
      });
  methods["/weir.log.v1.Log/InitProducer"] =
      edge::Unary<log::v1::InitProducerRequest, log::v1::InitProducerResponse>(
          [ids = service.producer_ids](const Caller&, auto, auto respond) {
            InitProducer(ids, std::move(respond));
          });
  methods["/weir.log.v1.Log/Offsets"] =
      edge::Unary<log::v1::OffsetsRequest, log::v1::OffsetsResponse>(
          [records = service.records](const Caller& caller, auto request, auto respond) {
            edge::RespondWith(respond, Offsets(records, caller, request));
          });
  methods["/weir.log.v1.Log/OffsetForTime"] =
      edge::Unary<log::v1::OffsetForTimeRequest, log::v1::OffsetForTimeResponse>(
          [records = service.records](const Caller& caller, auto request, auto respond) {
            OffsetForTime(records, caller, request, std::move(respond));
          });
  methods["/weir.log.v1.Log/DeleteRecords"] =
      edge::Unary<log::v1::DeleteRecordsRequest, log::v1::DeleteRecordsResponse>(
          [records = service.records](const Caller& caller, auto request, auto respond) {
            DeleteRecords(records, caller, request, std::move(respond));
          });
  methods["/weir.log.v1.Log/Append"] = host::UnaryMethod(
      [records = service.records](const Caller& caller, Bytes message, host::Reply reply) {
        Append(records, caller, message, std::move(reply));
      });
  methods["/weir.log.v1.Log/Fetch"] = host::UnaryMethod(
      [records = service.records](const Caller& caller, Bytes message, host::Reply reply) {
        Fetch(records, caller, message, std::move(reply));
      });
  methods["/weir.log.v1.Log/AppendStream"] = host::StreamMethod(
      [records = service.records](const Caller& caller, std::shared_ptr<Stream> stream) {
        return std::make_shared<AppendStream>(records, caller, std::move(stream));
      });
  methods["/weir.log.v1.Log/FetchStream"] = host::StreamMethod(
      [records = service.records](const Caller& caller, std::shared_ptr<Stream> stream) {
        return std::make_shared<FetchStream>(records, caller, std::move(stream));
      });
  return methods;
}

}  // namespace weir::grpc_edge
