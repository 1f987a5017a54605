// SPDX-License-Identifier: Apache-2.0
#include "common/codec/payload.h"

#include <google/protobuf/io/coded_stream.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weir::codec {
namespace {

constexpr uint32_t kVarint = 0;
constexpr uint32_t kFixed64 = 1;
constexpr uint32_t kBytes = 2;
constexpr uint32_t kFixed32 = 5;
constexpr int kMaxVarintBytes = 10;

void PutVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

std::optional<uint64_t> TakeVarint(std::string_view* in) {
  uint64_t value = 0;
  for (int i = 0; i < kMaxVarintBytes && !in->empty(); ++i) {
    const uint8_t byte = static_cast<uint8_t>(in->front());
    in->remove_prefix(1);
    // The tenth byte has room for one bit.
    if (i == kMaxVarintBytes - 1 && byte > 1) return std::nullopt;
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// Moves past a field's value. Groups are not taken: proto3 has none.
bool SkipValue(uint32_t wire, std::string_view* in) {
  uint64_t length = 0;
  switch (wire) {
    case kVarint:
      return TakeVarint(in).has_value();
    case kFixed64:
      length = 8;
      break;
    case kFixed32:
      length = 4;
      break;
    case kBytes: {
      auto said = TakeVarint(in);
      if (!said) return false;
      length = *said;
      break;
    }
    default:
      return false;
  }
  if (length > in->size()) return false;
  in->remove_prefix(length);
  return true;
}

}  // namespace

Pieces WithPayload(const google::protobuf::MessageLite& header, int field, Bytes payload) {
  return WithPayload(header, field, Pieces{std::move(payload)});
}

Pieces WithPayload(const google::protobuf::MessageLite& header, int field, Pieces payload) {
  std::string head;
  const size_t size = header.ByteSizeLong();
  const size_t payload_size = SizeOf(payload);
  head.reserve(size + 2 * kMaxVarintBytes);
  header.AppendToString(&head);
  if (payload_size == 0) return {Bytes::FromString(std::move(head))};
  PutVarint((static_cast<uint64_t>(field) << 3) | kBytes, &head);
  PutVarint(payload_size, &head);
  payload.insert(payload.begin(), Bytes::FromString(std::move(head)));
  return payload;
}

std::optional<Bytes> SplitPayload(const Bytes& message, int field,
                                  google::protobuf::MessageLite* header) {
  header->Clear();
  if (message.size() > INT32_MAX) return std::nullopt;
  Bytes payload;
  std::string_view rest = message.view();
  // Runs of other fields are parsed where they lie: the payload's own bytes are passed by.
  const char* run = rest.data();
  auto parse_run = [&](const char* end) {
    if (run == end) return true;
    google::protobuf::io::CodedInputStream fields(reinterpret_cast<const uint8_t*>(run),
                                                  static_cast<int>(end - run));
    return header->MergeFromCodedStream(&fields) && fields.ConsumedEntireMessage();
  };
  while (!rest.empty()) {
    const char* begin = rest.data();
    auto tag = TakeVarint(&rest);
    if (!tag || *tag > UINT32_MAX || *tag >> 3 == 0) return std::nullopt;
    const uint32_t wire = *tag & 7;
    if (static_cast<int64_t>(*tag >> 3) != field) {
      if (!SkipValue(wire, &rest)) return std::nullopt;
      continue;
    }
    if (wire != kBytes) return std::nullopt;
    auto length = TakeVarint(&rest);
    if (!length || *length > rest.size()) return std::nullopt;
    if (!parse_run(begin)) return std::nullopt;
    payload = message.Slice(static_cast<size_t>(rest.data() - message.data()), *length);
    rest.remove_prefix(*length);
    run = rest.data();
  }
  if (!parse_run(message.data() + message.size())) return std::nullopt;
  return payload;
}

}  // namespace weir::codec
