// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/grpc_message.h"

#include <glog/logging.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string_view>
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

grpc_slice ToCoreSlice(const Bytes& bytes) {
  if (bytes.size() < kCopyBelow) {
    return grpc_slice_from_copied_buffer(bytes.data(), bytes.size());
  }
  auto owner = std::make_unique<Bytes>(bytes);
  auto destroy = [](void* held) { delete static_cast<Bytes*>(held); };
  return grpc_slice_new_with_user_data(const_cast<char*>(bytes.data()), bytes.size(), destroy,
                                       owner.release());
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

grpc_byte_buffer* ToCoreBuffer(const Pieces& pieces) {
  std::vector<grpc_slice> slices;
  slices.reserve(pieces.size());
  for (const Bytes& piece : pieces) {
    if (!piece.empty()) slices.push_back(ToCoreSlice(piece));
  }
  grpc_byte_buffer* buffer = grpc_raw_byte_buffer_create(slices.data(), slices.size());
  for (grpc_slice& slice : slices) grpc_slice_unref(slice);
  return buffer;
}

Bytes FromCoreBuffer(grpc_byte_buffer* buffer) {
  grpc_byte_buffer_reader reader;
  CHECK(grpc_byte_buffer_reader_init(&reader, buffer));
  auto held = std::shared_ptr<grpc_slice>(new grpc_slice, [](grpc_slice* slice) {
    grpc_slice_unref(*slice);
    delete slice;
  });
  // One slice is taken as it is; more are joined.
  grpc_slice* first = nullptr;
  *held = grpc_empty_slice();
  if (grpc_byte_buffer_reader_peek(&reader, &first) != 0) {
    if (GRPC_SLICE_LENGTH(*first) == grpc_byte_buffer_length(buffer)) {
      *held = grpc_slice_ref(*first);
    } else {
      grpc_byte_buffer_reader_destroy(&reader);
      CHECK(grpc_byte_buffer_reader_init(&reader, buffer));
      *held = grpc_byte_buffer_reader_readall(&reader);
    }
  }
  grpc_byte_buffer_reader_destroy(&reader);
  grpc_byte_buffer_destroy(buffer);
  // A short slice holds its bytes within itself: the view is of where it lies now.
  std::string_view view(reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(*held)),
                        GRPC_SLICE_LENGTH(*held));
  return Bytes(std::move(held), view);
}

grpc::Status ToGrpcStatus(const CallStatus& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code), status.message, status.details);
}

CallStatus FromGrpcStatus(const grpc::Status& status) {
  return {static_cast<StatusCode>(status.error_code()), status.error_message(),
          status.error_details()};
}

}  // namespace weir::host
