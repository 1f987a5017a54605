// SPDX-License-Identifier: Apache-2.0
#include "common/records/contents.h"

#include <glog/logging.h>

#include <string>

#include "common/records/batch_builder.h"

namespace weir::records {

Answer<Contents> Contents::Of(const BatchHeader& header, const Bytes& batch, size_t bytes_max) {
  CHECK_EQ(batch.size(), header.size());
  Bytes packed = batch.Slice(kHeaderBytes);
  if (header.compression() == Compression::kNone) return Contents(header, std::move(packed));
  auto bytes = codec::Decompress(header.compression(), packed.view(), bytes_max);
  if (bytes) return Contents(header, Bytes::FromString(std::move(*bytes)));
  bool is_spoiled = bytes.error().code == ErrorCode::kCorruptMessage;
  return Refuse(is_spoiled ? ErrorCode::kInvalidRecord : bytes.error().code,
                "the batch's records cannot be read: " + bytes.error().message);
}

Bytes Repacked(BatchHeader header, std::string_view contents, Compression compression, int level) {
  header.attributes = static_cast<int16_t>((header.attributes & ~kCompressionBits) |
                                           static_cast<int16_t>(compression));
  if (compression == Compression::kNone) return AssembleBatch(header, contents);
  return AssembleBatch(header, codec::Compress(compression, contents, level));
}

}  // namespace weir::records
