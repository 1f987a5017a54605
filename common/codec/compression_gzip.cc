// SPDX-License-Identifier: Apache-2.0
// RFC 1952. Several members one behind the other are one stream, as gunzip and Java have it.
#include <glog/logging.h>
#include <zlib.h>

#include "common/codec/compression_formats.h"

namespace weir::codec {
namespace {

constexpr std::string_view kName = "gzip";
// The largest window, and the framing of gzip instead of zlib's own.
constexpr int kWindowBits = 15 + 16;
constexpr int kMemoryLevel = 8;

// Not const: zlib's interface is older than the word, and never writes there.
Bytef* Input(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

class Inflater {
 public:
  Inflater() { CHECK_EQ(inflateInit2(&stream_, kWindowBits), Z_OK); }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream* operator->() { return &stream_; }
  z_stream* get() { return &stream_; }

 private:
  z_stream stream_{};
};

}  // namespace

void AppendGzip(int level, std::string_view bytes, std::string* out) {
  CHECK_LE(bytes.size(), std::numeric_limits<uInt>::max());
  z_stream stream{};
  CHECK_EQ(deflateInit2(&stream, level, Z_DEFLATED, kWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY),
           Z_OK);
  size_t begin = out->size();
  out->resize(begin + deflateBound(&stream, bytes.size()));
  stream.next_in = Input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out->data() + begin);
  stream.avail_out = static_cast<uInt>(out->size() - begin);
  CHECK_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out->resize(begin + stream.total_out);
  deflateEnd(&stream);
}

Answer<std::string> ReadGzip(std::string_view bytes, size_t limit) {
  if (bytes.size() > std::numeric_limits<uInt>::max()) return BeyondLimit(kName, limit);
  Inflater inflater;
  BoundedOutput out(limit, bytes.size());
  inflater->next_in = Input(bytes);
  inflater->avail_in = static_cast<uInt>(bytes.size());
  while (true) {
    inflater->next_out = reinterpret_cast<Bytef*>(out.room());
    auto room =
        static_cast<uInt>(std::min<size_t>(out.room_bytes(), std::numeric_limits<uInt>::max()));
    inflater->avail_out = room;
    int outcome = inflate(inflater.get(), Z_NO_FLUSH);
    out.Filled(room - inflater->avail_out);
    if (out.is_beyond_limit()) return BeyondLimit(kName, limit);
    if (outcome == Z_STREAM_END) {
      if (inflater->avail_in == 0) return out.Take();
      CHECK_EQ(inflateReset(inflater.get()), Z_OK);
      continue;
    }
    // There is always room: a lack of progress is a lack of input.
    if (outcome == Z_BUF_ERROR) return NotLawful(kName, "ends early");
    if (outcome == Z_NEED_DICT) return NotLawful(kName, "needs a dictionary; gzip has none");
    CHECK_NE(outcome, Z_MEM_ERROR) << "no memory to inflate";
    if (outcome != Z_OK) {
      return NotLawful(kName, inflater->msg == nullptr
                                  ? std::string("is spoiled")
                                  : "is spoiled: " + std::string(inflater->msg));
    }
  }
}

}  // namespace weir::codec
