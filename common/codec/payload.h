// SPDX-License-Identifier: Apache-2.0
// Records beside a Protobuf header: on the wire one ordinary message with a `bytes` field, in
// memory never copied into a message object.
#pragma once

#include <google/protobuf/message_lite.h>

#include <optional>

#include "common/base/bytes.h"

namespace weir::codec {

// `header` followed by `payload` as its `bytes` field number `field`, which `header` leaves unset.
// An empty payload is no field, as in proto3.
Pieces WithPayload(const google::protobuf::MessageLite& header, int field, Bytes payload);
// The same for a payload that lies in several places.
Pieces WithPayload(const google::protobuf::MessageLite& header, int field, Pieces payload);

// Parses all of `message` but the field `field` into `header`, and returns that field: a slice of
// `message`, empty if it is not there, the last one if it is there twice. Nothing if `message` is
// no Protobuf, or the field is no `bytes`.
std::optional<Bytes> SplitPayload(const Bytes& message, int field,
                                  google::protobuf::MessageLite* header);

}  // namespace weir::codec
