// SPDX-License-Identifier: Apache-2.0
#include "storage/log/checkpoint.h"

#include "common/codec/crc32c.h"
#include "common/codec/reader.h"
#include "common/codec/writer.h"

namespace weir::log {
namespace {

constexpr std::string_view kMark = "weirlog2";

void Write(codec::Writer& out, const Checkpoint::File& file) {
  const SegmentFold& fold = file.fold;
  out.Fixed(fold.base.value());
  out.Fixed(fold.end.value());
  out.Fixed(fold.bytes);
  out.Fixed(fold.first_timestamp.ms);
  out.Fixed(fold.largest.ms);
  out.Fixed(fold.largest_at.value());
  out.Fixed(fold.offset_entries);
  out.Fixed(fold.time_entries);
  out.Fixed(fold.bytes_since_entry);
  out.Fixed(fold.last_time_entry.ms);
  out.Fixed(file.written_at.ms);
  out.Fixed(file.offsets_checksum);
  out.Fixed(file.times_checksum);
  out.Fixed(static_cast<uint8_t>(file.is_swap));
}

Checkpoint::File Read(codec::Reader& in) {
  Checkpoint::File file;
  SegmentFold& fold = file.fold;
  fold.base = Offset(in.Fixed<int64_t>());
  fold.end = Offset(in.Fixed<int64_t>());
  fold.bytes = in.Fixed<uint64_t>();
  fold.first_timestamp.ms = in.Fixed<int64_t>();
  fold.largest.ms = in.Fixed<int64_t>();
  fold.largest_at = Offset(in.Fixed<int64_t>());
  fold.offset_entries = in.Fixed<uint32_t>();
  fold.time_entries = in.Fixed<uint32_t>();
  fold.bytes_since_entry = in.Fixed<uint64_t>();
  fold.last_time_entry.ms = in.Fixed<int64_t>();
  file.written_at.ms = in.Fixed<int64_t>();
  file.offsets_checksum = in.Fixed<uint32_t>();
  file.times_checksum = in.Fixed<uint32_t>();
  file.is_swap = in.Fixed<uint8_t>() != 0;
  return file;
}

void Write(codec::Writer& out, const Damage& damage) {
  out.Fixed(damage.from.value());
  out.Fixed(damage.to.value());
  out.Fixed(damage.position);
  out.NullableRun(damage.file);
  out.NullableRun(damage.what);
}

Damage ReadDamage(codec::Reader& in) {
  Damage damage;
  damage.from = Offset(in.Fixed<int64_t>());
  damage.to = Offset(in.Fixed<int64_t>());
  damage.position = in.Fixed<uint64_t>();
  damage.file = in.NullableRun().value_or("");
  damage.what = in.NullableRun().value_or("");
  return damage;
}

bool IsPossible(const SegmentFold& fold) {
  if (fold.base < Offset(0) || fold.end < fold.base) return false;
  const bool is_within = fold.largest_at >= fold.base && fold.largest_at < fold.end;
  if (fold.largest_at != fold.base && !is_within) return false;
  if (fold.largest_at - fold.base > INT32_MAX) return false;
  if (fold.offset_entries > fold.bytes / records::kHeaderBytes) return false;
  return fold.time_entries <= fold.bytes / records::kHeaderBytes && fold.bytes <= INT32_MAX &&
         fold.bytes_since_entry <= fold.bytes;
}

}  // namespace

std::string Checkpoint::Encode() const {
  std::string body;
  codec::Writer out(&body);
  out.Fixed(start.value());
  out.Fixed(end.value());
  out.Fixed(static_cast<uint32_t>(files.size()));
  for (const File& file : files) Write(out, file);
  out.Fixed(static_cast<uint32_t>(damages.size()));
  for (const Damage& damage : damages) Write(out, damage);
  std::string bytes(kMark);
  codec::Writer(&bytes).Fixed(codec::Crc32c(body));
  return bytes + body;
}

std::optional<Checkpoint> Checkpoint::Decode(std::string_view bytes) {
  codec::Reader in(bytes);
  if (in.Run(kMark.size()) != kMark) return std::nullopt;
  auto checksum = in.Fixed<uint32_t>();
  if (in.failed() || codec::Crc32c(in.rest()) != checksum) return std::nullopt;
  Checkpoint checkpoint;
  checkpoint.start = Offset(in.Fixed<int64_t>());
  checkpoint.end = Offset(in.Fixed<int64_t>());
  auto files = in.Fixed<uint32_t>();
  for (uint32_t i = 0; i < files && !in.failed(); ++i) {
    File file = Read(in);
    bool follows = checkpoint.files.empty() || file.fold.base >= checkpoint.files.back().fold.end;
    if (!follows || !IsPossible(file.fold)) return std::nullopt;
    checkpoint.files.push_back(file);
  }
  auto damages = in.Fixed<uint32_t>();
  for (uint32_t i = 0; i < damages && !in.failed(); ++i) {
    checkpoint.damages.push_back(ReadDamage(in));
    if (checkpoint.damages.back().from >= checkpoint.damages.back().to) return std::nullopt;
  }
  if (in.failed() || !in.rest().empty()) return std::nullopt;
  // No log comes near the largest offset.
  const Offset most(Offset::Max().value() / 2);
  if (checkpoint.start < Offset(0) || checkpoint.end < Offset(0)) return std::nullopt;
  if (checkpoint.start > most || checkpoint.end > most) return std::nullopt;
  if (!checkpoint.files.empty() && checkpoint.files.back().fold.end > checkpoint.end) {
    return std::nullopt;
  }
  return checkpoint;
}

}  // namespace weir::log
