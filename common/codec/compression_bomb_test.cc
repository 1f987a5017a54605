// SPDX-License-Identifier: Apache-2.0
// A small message that claims to be a large one costs what its reader allows, whatever it claims.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

#include "common/codec/compression.h"

namespace weir::codec {
namespace {

// The most memory that this process has ever touched.
size_t PeakBytes() {
  rusage usage{};
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

std::string Repeated(const std::string& stream, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += stream;
  return all;
}

TEST(CompressionBomb, CostsWhatItsReaderAllows) {
  constexpr size_t kLimit = size_t{1} << 20;
  constexpr size_t kBomb = size_t{1} << 20;
  // One MiB of zeroes a piece; pieces join up to a gigabyte that is never held here either. LZ4
  // frames do not join: there the pieces are one frame's blocks.
  std::string zeroes(kBomb, '\0');
  std::string lz4 = Compress(Compression::kLz4, std::string(size_t{64} << 20, '\0'));
  struct {
    Compression compression;
    std::string bytes;
  } const bombs[] = {
      {Compression::kGzip, Repeated(Compress(Compression::kGzip, zeroes, 9), 1000)},
      {Compression::kSnappy, Repeated(Compress(Compression::kSnappy, zeroes), 100)},
      {Compression::kLz4, lz4},
      {Compression::kZstd, Repeated(Compress(Compression::kZstd, zeroes, 19), 1000)},
  };
  size_t before = PeakBytes();
  for (const auto& bomb : bombs) {
    auto read = Decompress(bomb.compression, bomb.bytes, kLimit);
    ASSERT_FALSE(read) << NameOf(bomb.compression);
    EXPECT_EQ(read.error().code, ErrorCode::kMessageTooLarge) << read.error();
  }
  EXPECT_LT(PeakBytes() - before, 16 * kLimit);
}

}  // namespace
}  // namespace weir::codec
