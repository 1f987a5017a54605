// SPDX-License-Identifier: Apache-2.0
#include "client/driver/append_line.h"

#include <utility>

#include "client/driver/failure.h"
#include "client/driver/record_bytes.h"
#include "common/codec/payload.h"
#include "proto/log/log.pb.h"

namespace weir::client {

void AppendLine::Open() {
  heard_at_ = host_.clock.Now();
  stream_ = host_.network.Open(endpoint_, "/weir.log.v1.Log/AppendStream", shared_from_this());
}

void AppendLine::Send(const effect::Append& append) {
  weir::log::v1::AppendRequest request;
  request.set_topic_id(append.partition.topic.ToBytes());
  request.set_partition(append.partition.index.value());
  request.set_acks(append.acks);
  request.set_timeout_ms(static_cast<int32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(append.timeout).count()));
  request.set_leader_epoch(append.leader_epoch.value());
  pending_.push_back({append.request, host_.clock.Now()});
  stream_->Send(codec::WithPayload(request, weir::log::v1::AppendRequest::kRecordsFieldNumber,
                                   EncodeBatch(*append.batch)));
}

std::deque<uint64_t> AppendLine::Drop() {
  answered_ = nullptr;
  ended_ = true;
  std::deque<uint64_t> unanswered;
  for (const Pending& each : std::exchange(pending_, {})) unanswered.push_back(each.request);
  if (auto stream = std::exchange(stream_, nullptr)) {
    stream->Finish(
        {.code = host::StatusCode::kCancelled, .message = "the client left", .details = {}});
  }
  return unanswered;
}

bool AppendLine::IsSilentSince(uint64_t request) const {
  for (const Pending& each : pending_) {
    if (each.request == request) return heard_at_ <= each.sent_at;
  }
  return false;
}

void AppendLine::OnMessage(Bytes message) {
  if (ended_ || pending_.empty()) return;
  heard_at_ = host_.clock.Now();
  uint64_t request = pending_.front().request;
  pending_.pop_front();
  weir::log::v1::AppendResponse response;
  AppendAnswer answer;
  if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    answer = Refuse(ErrorCode::kNetworkException, "the answer to an append is no Protobuf");
  } else if (response.error_code() != 0) {
    answer = Refuse(static_cast<ErrorCode>(response.error_code()), response.error_message());
  } else {
    answer = Offset(response.base_offset());
  }
  // Whoever hears it may drop this line, and with it what is called.
  Answered answered = answered_;
  answered(request, std::move(answer));
}

void AppendLine::OnEnd(host::CallStatus status) {
  if (ended_) return;
  ended_ = true;
  stream_ = nullptr;
  // An end without an error is none that a leader means: what it did with the rest is not known.
  Refusal refusal{ErrorCode::kNetworkException, endpoint_ + " ended the stream"};
  if (!status.ok()) refusal = Decode(status).AsRefusal();
  auto answered = std::exchange(answered_, nullptr);
  for (const Pending& each : std::exchange(pending_, {})) {
    answered(each.request, std::unexpected(refusal));
  }
}

}  // namespace weir::client
