// SPDX-License-Identifier: Apache-2.0
// Typed Protobuf methods over the network's byte methods: one adapter for every service.
#pragma once

#include <string>
#include <utility>

#include "common/base/error_code.h"
#include "common/codec/message.h"
#include "common/edge/refusal_status.h"
#include "common/host/network.h"

namespace weir::edge {

template <class Message>
Pieces Encode(const Message& message) {
  return {Bytes::FromString(message.SerializeAsString())};
}

template <class Message>
bool Decode(const Bytes& bytes, Message* message) {
  return codec::ParseMessage(bytes.view(), message);
}

// The answer of a method: a response, or a status that says why not.
template <class Response>
using Respond = Callback<void(host::CallStatus, Response)>;

template <class Response>
void RespondWith(Respond<Response>& respond, Answer<Response> answer) {
  if (answer) {
    respond(host::CallStatus::Ok(), std::move(*answer));
  } else {
    respond(ToStatus(answer.error()), {});
  }
}

// A unary method out of `run(caller, request, respond)`.
template <class Request, class Response, class Run>
host::UnaryMethod Unary(Run run) {
  return [run](const host::Caller& caller, Bytes bytes, host::Reply reply) {
    Request request;
    if (!Decode(bytes, &request)) {
      reply(ToStatus({ErrorCode::kInvalidRequest,
                      "the request is no valid " + std::string(Request().GetTypeName())}),
            {});
      return;
    }
    run(caller, std::move(request),
        Respond<Response>(
            [reply = std::move(reply)](host::CallStatus status, Response response) mutable {
              Pieces pieces;
              if (status.ok()) pieces = Encode(response);
              reply(std::move(status), std::move(pieces));
            }));
  };
}

}  // namespace weir::edge
