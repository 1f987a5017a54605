// SPDX-License-Identifier: Apache-2.0
// gRPC's words and ours. Payloads are shared, not copied, wherever gRPC hands them over whole.
#pragma once

#include "common/base/bytes.h"
#include "common/host/call_status.h"

struct grpc_byte_buffer;

namespace grpc {
class ByteBuffer;
class Status;
}  // namespace grpc

namespace weir::host {

grpc::ByteBuffer ToByteBuffer(const Pieces& pieces);
// Joins what came in several slices: that one copy is the only one.
Bytes FromByteBuffer(const grpc::ByteBuffer& buffer);

// The same for gRPC's core. Both are the caller's to destroy, the second one is taken over.
grpc_byte_buffer* ToCoreBuffer(const Pieces& pieces);
Bytes FromCoreBuffer(grpc_byte_buffer* buffer);

grpc::Status ToGrpcStatus(const CallStatus& status);
CallStatus FromGrpcStatus(const grpc::Status& status);

// The metadata key in which a client says what it calls itself.
inline constexpr char kClientIdKey[] = "weir-client-id";
inline constexpr int kMessageBytesMax = 128 << 20;

}  // namespace weir::host
