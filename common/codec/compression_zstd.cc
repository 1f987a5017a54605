// SPDX-License-Identifier: Apache-2.0
// Zstandard frames, RFC 8878. Several one behind the other are one stream, as zstd has it.
#include <glog/logging.h>
#include <zstd.h>

#include "common/codec/compression_formats.h"

namespace weir::codec {
namespace {

constexpr std::string_view kName = "zstd";
// The largest window that the highest level writes, and that Java's clients read.
constexpr int kWindowLogMax = 27;

class Decoder {
 public:
  Decoder() : context_(ZSTD_createDCtx()) {
    CHECK(context_ != nullptr) << "no memory for zstd";
    CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kWindowLogMax)));
  }
  ~Decoder() { ZSTD_freeDCtx(context_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ZSTD_DCtx* get() { return context_; }

 private:
  ZSTD_DCtx* context_;
};

}  // namespace

void AppendZstd(int level, std::string_view bytes, std::string* out) {
  size_t begin = out->size();
  out->resize(begin + ZSTD_compressBound(bytes.size()));
  size_t size =
      ZSTD_compress(out->data() + begin, out->size() - begin, bytes.data(), bytes.size(), level);
  CHECK(!ZSTD_isError(size)) << ZSTD_getErrorName(size);
  out->resize(begin + size);
}

Answer<std::string> ReadZstd(std::string_view bytes, size_t limit) {
  if (bytes.empty()) return NotLawful(kName, "is empty");
  Decoder decoder;
  BoundedOutput out(limit, bytes.size());
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  while (true) {
    char* room = out.room();
    ZSTD_outBuffer to{room, out.room_bytes(), 0};
    size_t before = in.pos;
    size_t outcome = ZSTD_decompressStream(decoder.get(), &to, &in);
    if (ZSTD_isError(outcome)) {
      return NotLawful(kName, "is spoiled: " + std::string(ZSTD_getErrorName(outcome)));
    }
    out.Filled(to.pos);
    if (out.is_beyond_limit()) return BeyondLimit(kName, limit);
    bool is_frames_end = outcome == 0;
    if (is_frames_end && in.pos == in.size) return out.Take();
    if (!is_frames_end && to.pos == 0 && in.pos == before) return NotLawful(kName, "ends early");
  }
}

}  // namespace weir::codec
