// SPDX-License-Identifier: Apache-2.0
// One LZ4 frame. Written as Kafka's clients want it: independent blocks of 64 KiB, no size and no
// checksum of the contents (the batch has its own). Read is any frame that the format allows, and
// what checksums it has are held to.
#include <glog/logging.h>
#include <lz4frame.h>

#include "common/codec/compression_formats.h"

namespace weir::codec {
namespace {

constexpr std::string_view kName = "lz4";
constexpr std::string_view kMagic("\x04\x22\x4d\x18", 4);
// Kafka's usual level means the fast compressor, any other the thorough one at that level.
constexpr int kKafkasUsualLevel = 9;
constexpr int kFast = 0;
constexpr int kThoroughLeast = 3;
constexpr int kThoroughMost = 12;

int LibraryLevel(int level) {
  if (level == kKafkasUsualLevel) return kFast;
  return std::clamp(level, kThoroughLeast, kThoroughMost);
}

class Decoder {
 public:
  Decoder() { CHECK(!LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION))); }
  ~Decoder() { LZ4F_freeDecompressionContext(context_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  LZ4F_dctx* get() { return context_; }

 private:
  LZ4F_dctx* context_ = nullptr;
};

}  // namespace

void AppendLz4(int level, std::string_view bytes, std::string* out) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.compressionLevel = LibraryLevel(level);
  size_t begin = out->size();
  out->resize(begin + LZ4F_compressFrameBound(bytes.size(), &preferences));
  size_t size = LZ4F_compressFrame(out->data() + begin, out->size() - begin, bytes.data(),
                                   bytes.size(), &preferences);
  CHECK(!LZ4F_isError(size)) << LZ4F_getErrorName(size);
  out->resize(begin + size);
}

Answer<std::string> ReadLz4(std::string_view bytes, size_t limit) {
  // The library would skip frames that are none of ours.
  if (!bytes.starts_with(kMagic)) return NotLawful(kName, "does not begin with a frame's magic");
  Decoder decoder;
  BoundedOutput out(limit, bytes.size());
  while (true) {
    char* room = out.room();
    size_t produced = out.room_bytes();
    size_t consumed = bytes.size();
    size_t outcome =
        LZ4F_decompress(decoder.get(), room, &produced, bytes.data(), &consumed, nullptr);
    if (LZ4F_isError(outcome)) {
      return NotLawful(kName, "is spoiled: " + std::string(LZ4F_getErrorName(outcome)));
    }
    out.Filled(produced);
    bytes.remove_prefix(consumed);
    if (out.is_beyond_limit()) return BeyondLimit(kName, limit);
    if (outcome == 0) break;
    if (produced == 0 && consumed == 0) return NotLawful(kName, "ends early");
  }
  if (!bytes.empty()) {
    return NotLawful(kName, "has " + std::to_string(bytes.size()) + " bytes behind its end");
  }
  return out.Take();
}

}  // namespace weir::codec
