// SPDX-License-Identifier: Apache-2.0
// An image as a list of records that folds to it, and back. Equal images give equal bytes. Pure:
// an image may be written down on another thread than the one that goes on folding.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/metadata/image.h"
#include "proto/metadata/records.pb.h"

namespace weir::metadata {

v1::Snapshot ToSnapshot(const Image& image);

// A record that does not fit stops the process (apply.h).
Image FromSnapshot(const v1::Snapshot& snapshot);

// The same as bytes of a v1::Snapshot, and back, one record at a time: of a large image nothing is
// held twice. Bytes that are no snapshot are refused; a record that does not fit stops the process.
std::string WriteSnapshot(const Image& image);
Result<Image> ReadSnapshot(std::string_view bytes);

// The same bytes for the same message, always.
std::string SerializeDeterministically(const google::protobuf::MessageLite& message);

}  // namespace weir::metadata
