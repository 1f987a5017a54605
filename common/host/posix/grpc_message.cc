// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/grpc_message.h"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <vector>

namespace weir::host {

namespace {

// Copying this much costs less than sharing it.
constexpr size_t kCopyBelow = 256;

grpc::Slice ToSlice(const Bytes& bytes) {
  if (bytes.size() < kCopyBelow) return grpc::Slice(bytes.data(), bytes.size());
  auto owner = std::make_unique<Bytes>(bytes);
  auto destroy = [](void* held) { delete static_cast<Bytes*>(held); };
  return grpc::Slice(const_cast<char*>(bytes.data()), bytes.size(), destroy, owner.release());
}

}  // namespace

grpc::ByteBuffer ToByteBuffer(const Pieces& pieces) {
  std::vector<grpc::Slice> slices;
  slices.reserve(pieces.size());
  for (const Bytes& piece : pieces) {
    if (!piece.empty()) slices.push_back(ToSlice(piece));
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

Bytes FromByteBuffer(const grpc::ByteBuffer& buffer) {
  if (!buffer.Valid() || buffer.Length() == 0) return Bytes();
  auto slice = std::make_shared<grpc::Slice>();
  if (!buffer.TrySingleSlice(slice.get()).ok()) (void)buffer.DumpToSingleSlice(slice.get());
  // A short slice holds its bytes within itself: the view is of where it lies now.
  std::string_view view(reinterpret_cast<const char*>(slice->begin()), slice->size());
  return Bytes(std::move(slice), view);
}

grpc::Status ToGrpcStatus(const CallStatus& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code), status.message, status.details);
}

CallStatus FromGrpcStatus(const grpc::Status& status) {
  return {static_cast<StatusCode>(status.error_code()), status.error_message(),
          status.error_details()};
}

}  // namespace weir::host
