// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/journal_end.h"

#include <bit>

#include "common/codec/crc32c.h"

namespace weir::quorum {
namespace {

// Of a fragment, as RocksDB writes it where journals are not recycled: a masked checksum of all
// that follows the length, the length, and which part of its record it is.
constexpr size_t kHeaderBytes = 7;
constexpr int kFull = 1;
constexpr int kFirst = 2;
constexpr int kMiddle = 3;
constexpr int kLast = 4;

struct Fragment {
  int place = 0;
  size_t bytes = 0;
};

uint32_t LittleEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

uint32_t Masked(uint32_t sum) { return std::rotr(sum, 15) + 0xa282ead8u; }

// With a whole and right fragment, `rest` begins.
std::optional<Fragment> FragmentAt(std::string_view rest) {
  if (rest.size() < kHeaderBytes) return std::nullopt;
  const int place = static_cast<uint8_t>(rest[6]);
  const size_t length = LittleEndian(rest.substr(4, 2));
  if (place < kFull || place > kLast || kHeaderBytes + length > rest.size()) return std::nullopt;
  const std::string_view summed = rest.substr(6, 1 + length);
  if (Masked(codec::Crc32c(summed)) != LittleEndian(rest.substr(0, 4))) return std::nullopt;
  return Fragment{place, kHeaderBytes + length};
}

// Whether a record begins at any byte of it: fragments are found again only by their sums.
bool HoldsBeginning(std::string_view rest) {
  for (size_t at = 0; at + kHeaderBytes <= rest.size(); ++at) {
    const auto place = static_cast<uint8_t>(rest[at + 6]);
    if (place != kFull && place != kFirst) continue;
    if (FragmentAt(rest.substr(at))) return true;
  }
  return false;
}

}  // namespace

void JournalEnd::Read(std::string_view block) {
  std::string_view rest = block;
  while (!unreadable_ && rest.size() >= kHeaderBytes) {
    auto fragment = FragmentAt(rest);
    const uint64_t here = at_ + (block.size() - rest.size());
    if (!fragment || !Take(fragment->place, here + fragment->bytes)) {
      unreadable_ = true;
      // One that is right and out of place begins a record, or does not; what it holds is no news.
      if (fragment) resumed_ = fragment->place == kFull || fragment->place == kFirst;
      rest.remove_prefix(1);
      break;
    }
    rest.remove_prefix(fragment->bytes);
  }
  if (unreadable_ && !resumed_) resumed_ = HoldsBeginning(rest);
  at_ += block.size();
}

// False if such a fragment cannot follow.
bool JournalEnd::Take(int place, uint64_t after) {
  const bool begins = place == kFull || place == kFirst;
  if (begins == within_) return false;
  within_ = place == kFirst || place == kMiddle;
  if (!within_) end_ = after;
  return true;
}

std::optional<uint64_t> JournalEnd::end() const {
  if (resumed_) return std::nullopt;
  return end_;
}

}  // namespace weir::quorum
