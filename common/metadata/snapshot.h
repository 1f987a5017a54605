// SPDX-License-Identifier: Apache-2.0
// An image as a list of records that folds to it, and back. Equal images give equal bytes. Pure:
// an image may be written down on another thread than the one that goes on folding.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/metadata/image.h"
#include "proto/metadata/records.pb.h"

namespace weir::metadata {

v1::Snapshot ToSnapshot(const Image& image);

// A record that does not fit stops the process (apply.h).
Image FromSnapshot(const v1::Snapshot& snapshot);

// Writes an image down as the bytes of a v1::Snapshot, in pieces: the image is shared with all that
// goes on folding, and its owner does other things between the pieces.
class SnapshotWriter {
 public:
  explicit SnapshotWriter(Image image);
  // The cursors point into the image.
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  // At least `bytes` more, while there are so many; empty once all is written.
  std::string Next(size_t bytes);
  // The next record; nothing once all were given.
  std::optional<v1::Record> NextRecord();

 private:
  const Image image_;
  bool begun_ = false;
  // In the order of what needs what: a partition needs its topic.
  std::deque<std::function<std::optional<v1::Record>()>> sections_;
};

// The same as bytes of a v1::Snapshot, and back, one record at a time: of a large image nothing is
// held twice. Bytes that are no snapshot are refused. A record that does not fit stops the process,
// or is an error where the bytes only came over a port (JudgeSnapshot).
std::string WriteSnapshot(const Image& image);
Result<Image> ReadSnapshot(std::string_view bytes);
Result<Image> JudgeSnapshot(std::string_view bytes);

// The same bytes for the same message, always.
std::string SerializeDeterministically(const google::protobuf::MessageLite& message);

}  // namespace weir::metadata
