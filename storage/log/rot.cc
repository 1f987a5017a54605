// SPDX-License-Identifier: Apache-2.0
#include "storage/log/rot.h"

#include <algorithm>
#include <string_view>

#include "common/records/batch.h"

namespace weir::log {
namespace {

using records::kHeaderBytes;

// What is looked through for a whole batch: a few times the largest that most topics take.
constexpr uint64_t kReach = 8 << 20;
// A sector that was never written; records have such runs too, which then count as torn.
constexpr size_t kUnwrittenBytes = 512;
// At the end even less: a batch ends with the number of its last record's headers, most often 0.
constexpr size_t kUnwrittenAtEnd = 2;

bool HasUnwritten(std::string_view bytes) {
  if (bytes.ends_with(std::string_view("\0\0", kUnwrittenAtEnd))) return true;
  const bool has_no_header = bytes.substr(0, kHeaderBytes).find_first_not_of('\0') == bytes.npos;
  size_t at = 0;
  while (at + kUnwrittenBytes <= bytes.size()) {
    // From behind: most of what is looked at need not be.
    const size_t last = bytes.substr(at, kUnwrittenBytes).find_last_not_of('\0');
    if (last == bytes.npos) return true;
    at += last + 1;
  }
  return has_no_header;
}

// What may be read to find one: what records contain may look like batches, and begin anywhere.
constexpr size_t kReadMost = 64 << 20;

// The offset of the batch at the front of `bytes`, if it is whole and may follow. No more is read
// for it than `left`, from which that goes.
std::optional<Offset> WholeAt(std::string_view bytes, Offset least, size_t& left) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  auto header = records::ParseHeader(bytes);
  if (!header || header->base_offset <= least || bytes.size() < header->size()) return std::nullopt;
  // No batch spans more offsets than that, and it is what the batches before it lost.
  constexpr int64_t kOffsetsMax = int64_t{1} << 31;
  if (header->base_offset - least > kOffsetsMax || header->size() > left) return std::nullopt;
  left -= header->size();
  if (!records::ParseBatch(bytes)) return std::nullopt;
  return header->base_offset;
}

}  // namespace

host::Task<Result<std::optional<WholeBatch>>> BehindRot(FilePointer file, std::string path,
                                                        uint64_t position, uint64_t size,
                                                        Offset least) {
  std::optional<WholeBatch> behind;
  auto read = co_await ReadFile(file, position, std::min(kReach, size - position));
  if (!read) co_return std::unexpected(read.error().While("reading " + path));
  const std::string_view bytes = read->view();
  auto header = records::ParseHeader(bytes.substr(0, std::min(bytes.size(), kHeaderBytes)));
  if (header) {
    // Cut short by the file's end, or whole and out of place: what a crash may leave of a log that
    // was cut. (And what a batch contains may look like batches.)
    if (position + header->size() > size) co_return behind;
    if (bytes.size() >= header->size() && records::ParseBatch(bytes)) co_return behind;
  }
  constexpr size_t kMagicAt = 16;
  size_t left = kReadMost;
  for (size_t at = header ? header->size() : 1; !behind && at + kHeaderBytes <= bytes.size();
       ++at) {
    if (bytes[at + kMagicAt] != records::kMagic) continue;
    auto offset = WholeAt(bytes.substr(at), least, left);
    if (offset) behind = WholeBatch{position + at, *offset};
  }
  if (behind && HasUnwritten(bytes.substr(0, behind->position - position))) behind.reset();
  co_return behind;
}

}  // namespace weir::log
