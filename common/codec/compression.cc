// SPDX-License-Identifier: Apache-2.0
#include "common/codec/compression.h"

#include <glog/logging.h>

#include <utility>

#include "common/codec/compression_formats.h"

namespace weir::codec {

std::string_view NameOf(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kGzip:
      return "gzip";
    case Compression::kSnappy:
      return "snappy";
    case Compression::kLz4:
      return "lz4";
    case Compression::kZstd:
      return "zstd";
  }
  return "unknown";
}

std::optional<Levels> LevelsOf(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return Levels{.least = 1, .most = 9, .usual = -1};
    case Compression::kLz4:
      return Levels{.least = 1, .most = 17, .usual = 9};
    case Compression::kZstd:
      return Levels{.least = -131'072, .most = 22, .usual = 3};
    case Compression::kNone:
    case Compression::kSnappy:
      break;
  }
  return std::nullopt;
}

bool IsLevel(Compression compression, int level) {
  auto levels = LevelsOf(compression);
  if (!levels) return false;
  return level == levels->usual || (levels->least <= level && level <= levels->most);
}

void AppendCompressed(Compression compression, int level, std::string_view bytes,
                      std::string* out) {
  auto levels = LevelsOf(compression);
  if (levels && level == kUsualLevel) level = levels->usual;
  if (levels) CHECK(IsLevel(compression, level)) << NameOf(compression) << " level " << level;
  switch (compression) {
    case Compression::kNone:
      out->append(bytes);
      return;
    case Compression::kGzip:
      AppendGzip(level, bytes, out);
      return;
    case Compression::kSnappy:
      AppendSnappy(bytes, out);
      return;
    case Compression::kLz4:
      AppendLz4(level, bytes, out);
      return;
    case Compression::kZstd:
      AppendZstd(level, bytes, out);
      return;
  }
  CHECK(false) << "no compression " << static_cast<int>(compression);
}

std::string Compress(Compression compression, std::string_view bytes, int level) {
  std::string out;
  AppendCompressed(compression, level, bytes, &out);
  return out;
}

Answer<std::string> Decompress(Compression compression, std::string_view bytes, size_t limit) {
  CHECK_LT(limit, std::numeric_limits<size_t>::max() / 4);
  switch (compression) {
    case Compression::kNone:
      if (bytes.size() > limit) return BeyondLimit(NameOf(compression), limit);
      return std::string(bytes);
    case Compression::kGzip:
      return ReadGzip(bytes, limit);
    case Compression::kSnappy:
      return ReadSnappy(bytes, limit);
    case Compression::kLz4:
      return ReadLz4(bytes, limit);
    case Compression::kZstd:
      return ReadZstd(bytes, limit);
  }
  CHECK(false) << "no compression " << static_cast<int>(compression);
  std::unreachable();
}

std::unexpected<Refusal> NotLawful(std::string_view format, std::string_view what) {
  return Refuse(ErrorCode::kCorruptMessage,
                "the " + std::string(format) + " stream " + std::string(what));
}

std::unexpected<Refusal> BeyondLimit(std::string_view format, size_t limit) {
  return Refuse(ErrorCode::kMessageTooLarge, "the " + std::string(format) +
                                                 " stream holds more than the " +
                                                 std::to_string(limit) + " bytes that it may");
}

}  // namespace weir::codec
