// SPDX-License-Identifier: Apache-2.0
// The compressions of record batches, in the framings that Kafka's clients read and write. Pure
// functions over bytes. Reading is bounded: what claims to be more than its reader allows is
// refused before it has taken the memory.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error_code.h"

namespace weir::codec {

// The numbers are those of a batch's attributes.
enum class Compression : int8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

inline constexpr Compression kCompressions[] = {Compression::kNone, Compression::kGzip,
                                                Compression::kSnappy, Compression::kLz4,
                                                Compression::kZstd};

// "none", "gzip", "snappy", "lz4", "zstd".
std::string_view NameOf(Compression compression);

// How hard to try: what Kafka's compression.*.level may be, and is where nobody chose.
struct Levels {
  int least = 0;
  int most = 0;
  int usual = 0;
};

// Nothing for none and snappy, which know no levels.
std::optional<Levels> LevelsOf(Compression compression);

// Whether `level` is one of its levels: least to most, or the usual one.
bool IsLevel(Compression compression, int level);

inline constexpr int kUsualLevel = std::numeric_limits<int>::min();

// Puts `bytes`, compressed, at the end of `out`. `level` is one of its levels, or kUsualLevel. The
// same bytes always become the same bytes.
void AppendCompressed(Compression compression, int level, std::string_view bytes, std::string* out);

std::string Compress(Compression compression, std::string_view bytes, int level = kUsualLevel);

// What was compressed. CORRUPT_MESSAGE where `bytes` is not one whole stream of this compression;
// MESSAGE_TOO_LARGE where it holds more than `limit` bytes, found before more than a few times
// `limit` and the compression's own window (zstd: at most 128 MiB, touched as far as it is filled)
// are allocated.
Answer<std::string> Decompress(Compression compression, std::string_view bytes, size_t limit);

}  // namespace weir::codec
