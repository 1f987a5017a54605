// SPDX-License-Identifier: Apache-2.0
// Two forms are read: snappy-java's chunks behind a header, which Kafka's Java clients write, and
// one bare block, which librdkafka and others write. Written is the former, as Kafka does.
#include <glog/logging.h>
#include <snappy.h>

#include "common/codec/big_endian.h"
#include "common/codec/compression_formats.h"
#include "common/codec/reader.h"
#include "common/codec/writer.h"

namespace weir::codec {
namespace {

constexpr std::string_view kName = "snappy";
constexpr std::string_view kMagic("\x82SNAPPY\0", 8);
constexpr int32_t kVersion = 1;
// The magic, a version, and the least version that can read it.
constexpr size_t kHeaderBytes = 16;
// Of what is compressed; snappy-java's own choice.
constexpr size_t kChunkBytes = 32 * 1024;
// No element of a block gives more than 64 bytes for 3; a block that promises more is a lie that
// need not be given memory.
constexpr size_t kExpansionMax = 22;

// The block's bytes are put at the end of `out`, which then has at most `limit`.
Answer<void> ReadBlock(std::string_view block, size_t limit, std::string* out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) {
    return NotLawful(kName, "has a block without a length");
  }
  if (size > block.size() * kExpansionMax) {
    return NotLawful(kName, "has a block of " + std::to_string(block.size()) +
                                " bytes that promises " + std::to_string(size) +
                                "; snappy gives at most 22 for each");
  }
  if (size > limit - out->size()) return BeyondLimit(kName, limit);
  size_t begin = out->size();
  out->resize(begin + size);
  if (!snappy::RawUncompress(block.data(), block.size(), out->data() + begin)) {
    return NotLawful(kName, "has a spoiled block");
  }
  return {};
}

Answer<void> ReadHeader(Reader& in) {
  in.Run(kMagic.size());
  auto version = in.Fixed<int32_t>();
  auto least_version = in.Fixed<int32_t>();
  if (in.failed()) return NotLawful(kName, "is shorter than its header");
  if (version < kVersion || least_version > kVersion) {
    return NotLawful(kName, "has version " + std::to_string(version) + ", readable from version " +
                                std::to_string(least_version) + " on; known is version 1");
  }
  return {};
}

Answer<std::string> ReadChunks(std::string_view bytes, size_t limit) {
  Reader in(bytes);
  std::string out;
  while (!in.rest().empty()) {
    // snappy-java puts a header in front; where streams were joined there are more.
    if (in.rest().starts_with(kMagic)) {
      if (auto header = ReadHeader(in); !header) return std::unexpected(header.error());
      continue;
    }
    auto size = in.Fixed<int32_t>();
    if (in.failed() || size < 0 || static_cast<size_t>(size) > in.rest().size()) {
      return NotLawful(kName, "ends within a chunk");
    }
    auto read = ReadBlock(in.Run(static_cast<size_t>(size)), limit, &out);
    if (!read) return std::unexpected(read.error());
  }
  return out;
}

}  // namespace

void AppendSnappy(std::string_view bytes, std::string* out) {
  Writer writer(out);
  writer.Run(kMagic);
  writer.Fixed(kVersion);
  writer.Fixed(kVersion);
  while (!bytes.empty()) {
    std::string_view chunk = bytes.substr(0, kChunkBytes);
    bytes.remove_prefix(chunk.size());
    size_t begin = out->size();
    out->resize(begin + sizeof(int32_t) + snappy::MaxCompressedLength(chunk.size()));
    char* length_at = out->data() + begin;
    size_t size = 0;
    snappy::RawCompress(chunk.data(), chunk.size(), length_at + sizeof(int32_t), &size);
    StoreBigEndian<int32_t>(static_cast<int32_t>(size), length_at);
    out->resize(begin + sizeof(int32_t) + size);
  }
}

Answer<std::string> ReadSnappy(std::string_view bytes, size_t limit) {
  if (bytes.empty()) return NotLawful(kName, "is empty");
  if (bytes.size() >= kHeaderBytes && bytes.starts_with(kMagic)) return ReadChunks(bytes, limit);
  std::string out;
  auto read = ReadBlock(bytes, limit, &out);
  if (!read) return std::unexpected(read.error());
  return out;
}

}  // namespace weir::codec
