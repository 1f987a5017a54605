// SPDX-License-Identifier: Apache-2.0
#include "storage/log/scan.h"

#include <algorithm>
#include <limits>

namespace weir::log {

using records::BatchRun;
using records::kHeaderBytes;

std::string OutOfPlace(const records::BatchHeader& header, Offset base, Offset next) {
  if (header.base_offset < next) return "its offset goes back";
  // Kafka's indexes have 32 bits for an offset.
  constexpr int64_t kReach = std::numeric_limits<int32_t>::max();
  if (header.base_offset - base > kReach ||
      header.last_offset_delta > kReach - (header.base_offset - base)) {
    return "its offsets are not of this file";
  }
  return "";
}

host::Task<Result<ScanEnd>> Scan(FilePointer file, std::string path, uint64_t from, uint64_t end,
                                 BatchRun::Check check, EachBatch each) {
  constexpr uint64_t kChunkBytes = 1 << 20;
  Bytes chunk;
  uint64_t chunk_at = from;
  uint64_t position = from;
  size_t need = kHeaderBytes;
  while (position < end) {
    if (end - position < need) {
      co_return ScanEnd{position, "a batch of " + std::to_string(need) +
                                      " bytes or more is cut short after " +
                                      std::to_string(end - position)};
    }
    uint64_t into = position - chunk_at;
    if (into + need > chunk.size()) {
      size_t length = std::min(end - position, std::max<uint64_t>(kChunkBytes, need));
      auto read = co_await ReadFile(file, position, length);
      if (!read) co_return std::unexpected(read.error().While("reading " + path));
      if (read->size() < length) {
        co_return ScanEnd{position, "the file ends at position " +
                                        std::to_string(position + read->size()) + ", not at " +
                                        std::to_string(end)};
      }
      chunk = std::move(*read);
      chunk_at = position;
      into = 0;
    }
    std::string_view bytes = chunk.view().substr(into);
    auto header = records::ParseHeader(bytes);
    if (header && bytes.size() < header->size()) {
      need = header->size();
      continue;
    }
    if (header && check == BatchRun::Check::kChecksums) header = records::ParseBatch(bytes);
    if (!header) co_return ScanEnd{position, header.error().message};
    std::string fault = each(*header, position);
    if (!fault.empty()) co_return ScanEnd{position, std::move(fault)};
    position += header->size();
    need = kHeaderBytes;
  }
  co_return ScanEnd{position, ""};
}

}  // namespace weir::log
