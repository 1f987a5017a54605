// SPDX-License-Identifier: Apache-2.0
// One pair of functions for each format, of which compression.h chooses. Private to this folder.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "common/base/error_code.h"

namespace weir::codec {

void AppendGzip(int level, std::string_view bytes, std::string* out);
void AppendSnappy(std::string_view bytes, std::string* out);
void AppendLz4(int level, std::string_view bytes, std::string* out);
void AppendZstd(int level, std::string_view bytes, std::string* out);

Answer<std::string> ReadGzip(std::string_view bytes, size_t limit);
Answer<std::string> ReadSnappy(std::string_view bytes, size_t limit);
Answer<std::string> ReadLz4(std::string_view bytes, size_t limit);
Answer<std::string> ReadZstd(std::string_view bytes, size_t limit);

std::unexpected<Refusal> NotLawful(std::string_view format, std::string_view what);
std::unexpected<Refusal> BeyondLimit(std::string_view format, size_t limit);

// What comes out of a stream whose length nobody knows. It has room for one byte more than the
// limit: whoever fills that has gone beyond.
class BoundedOutput {
 public:
  BoundedOutput(size_t limit, size_t compressed_bytes)
      : capacity_max_(limit + 1),
        bytes_(std::min(capacity_max_, 4 * compressed_bytes + 64), '\0') {}

  // Where the next bytes go: never empty unless beyond the limit.
  char* room() {
    if (filled_ == bytes_.size()) bytes_.resize(std::min(capacity_max_, 2 * bytes_.size()));
    return bytes_.data() + filled_;
  }
  size_t room_bytes() const { return bytes_.size() - filled_; }
  void Filled(size_t bytes) { filled_ += bytes; }

  bool is_beyond_limit() const { return filled_ == capacity_max_; }
  std::string Take() {
    bytes_.resize(filled_);
    return std::move(bytes_);
  }

 private:
  size_t capacity_max_;
  std::string bytes_;
  size_t filled_ = 0;
};

}  // namespace weir::codec
