// SPDX-License-Identifier: Apache-2.0
// Any bytes as a stream of one compression, which the build names.
#include <glog/logging.h>

#include <string>

#include "common/codec/compression.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

constexpr codec::Compression kCompression = codec::Compression::WEIR_FUZZED_COMPRESSION;
constexpr size_t kLimit = size_t{128} << 10;

void Feed(std::string_view bytes) {
  auto read = codec::Decompress(kCompression, bytes, kLimit);
  if (!read) {
    CHECK(read.error().code == ErrorCode::kCorruptMessage ||
          read.error().code == ErrorCode::kMessageTooLarge)
        << read.error();
    return;
  }
  CHECK_LE(read->size(), kLimit);
  // What could be read can be written, and read again.
  auto again = codec::Decompress(kCompression, codec::Compress(kCompression, *read), kLimit);
  CHECK(again) << again.error();
  CHECK(*again == *read);
  if (read->empty()) return;
  auto refused = codec::Decompress(kCompression, bytes, read->size() - 1);
  CHECK(!refused);
  CHECK(refused.error().code == ErrorCode::kMessageTooLarge) << refused.error();
}

}  // namespace

Target MakeTarget() {
  std::string lines;
  for (int i = 0; i < 400; ++i) lines += "line " + std::to_string(i * i) + " of the river\n";
  return {.seeds = {codec::Compress(kCompression, ""), codec::Compress(kCompression, "word"),
                    codec::Compress(kCompression, lines),
                    codec::Compress(kCompression, std::string(kLimit, 'x'))},
          .feed = Feed,
          .inputs = 3'000};
}

}  // namespace weir::fuzz
