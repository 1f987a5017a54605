// SPDX-License-Identifier: Apache-2.0
#include "controller/service/pushed.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <array>
#include <string>
#include <utility>

#include "proto/node/session.pb.h"

namespace weir::service {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;
using node::v1::CommittedEntries;
using node::v1::FromController;

// Ten bytes of a tag and of a number each are more than there can be.
using Room = std::array<uint8_t, 40>;

std::string NumberField(int field, int64_t number) {
  if (number == 0) return "";
  Room room;
  uint8_t* end = CodedOutputStream::WriteTagToArray(
      WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_VARINT), room.data());
  end = CodedOutputStream::WriteVarint64ToArray(static_cast<uint64_t>(number), end);
  return std::string(room.data(), end);
}

// The front of a field of so many bytes that follow.
std::string FrontOf(int field, size_t size) {
  Room room;
  uint8_t* end = CodedOutputStream::WriteTagToArray(
      WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), room.data());
  end = CodedOutputStream::WriteVarint64ToArray(size, end);
  return std::string(room.data(), end);
}

}  // namespace

// From the inside out, for each message begins with the size of what is in it.
Pieces PushedEntry(Term term, machine::Position position, const Bytes& entry) {
  using Committed = CommittedEntries::Committed;
  std::string front = NumberField(Committed::kIndexFieldNumber, position.index) +
                      NumberField(Committed::kTermFieldNumber, position.epoch) +
                      FrontOf(Committed::kEntryFieldNumber, entry.size());
  front = NumberField(CommittedEntries::kTermFieldNumber, term.value()) +
          FrontOf(CommittedEntries::kEntriesFieldNumber, front.size() + entry.size()) + front;
  front = FrontOf(FromController::kEntriesFieldNumber, front.size() + entry.size()) + front;
  return {Bytes::FromString(std::move(front)), entry};
}

Pieces PushedSnapshot(const Bytes& snapshot) {
  return {Bytes::FromString(FrontOf(FromController::kSnapshotFieldNumber, snapshot.size())),
          snapshot};
}

}  // namespace weir::service
