// SPDX-License-Identifier: Apache-2.0
// A Protobuf message out of bytes that a stranger may have sent.
#pragma once

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message_lite.h>

#include <string_view>

namespace weir::codec {

// Whether `bytes` are such a message. A length in them that goes beyond their end is found before
// room is made for it: ParseFromArray makes up to 50 MB.
inline bool ParseMessage(std::string_view bytes, google::protobuf::MessageLite* message) {
  auto size = static_cast<int>(bytes.size());
  if (size < 0 || static_cast<size_t>(size) != bytes.size()) return false;
  google::protobuf::io::ArrayInputStream in(bytes.data(), size);
  return message->ParseFromBoundedZeroCopyStream(&in, size);
}

}  // namespace weir::codec
