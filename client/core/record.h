// SPDX-License-Identifier: Apache-2.0
// Records as a producer hands them over and as a consumer gets them. Keys and values are shared
// bytes: nothing here copies a payload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace weir::client {

struct Header {
  std::string key;
  std::optional<Bytes> value;

  bool operator==(const Header&) const = default;
};

// A record to be written. `tag` is the caller's: its fate is reported under it.
struct Record {
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  WallTime timestamp;
  std::vector<Header> headers;
  uint64_t tag = 0;

  // About what it takes up within a batch; never less than it does.
  size_t encoded_size() const {
    // Length, attributes, timestamp, offset, and the two lengths, as the longest varints.
    size_t size = 36 + (key ? key->size() : 0) + (value ? value->size() : 0);
    for (const Header& header : headers) {
      size += 10 + header.key.size() + (header.value ? header.value->size() : 0);
    }
    return size;
  }
};

// A record as it was read.
struct ReadRecord {
  Offset offset;
  WallTime timestamp;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::vector<Header> headers;

  bool operator==(const ReadRecord&) const = default;
};

}  // namespace weir::client
