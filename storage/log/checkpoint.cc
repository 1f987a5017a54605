// SPDX-License-Identifier: Apache-2.0
#include "storage/log/checkpoint.h"

#include "common/codec/crc32c.h"
#include "common/codec/reader.h"
#include "common/codec/writer.h"

namespace weir::log {
namespace {

constexpr std::string_view kMark = "weirlog1";

}  // namespace

std::string Checkpoint::Encode() const {
  std::string body;
  codec::Writer out(&body);
  out.Fixed(start.value());
  out.Fixed(end.value());
  out.Fixed(static_cast<uint32_t>(files.size()));
  for (const File& file : files) {
    out.Fixed(file.base.value());
    out.Fixed(file.bytes);
    out.Fixed(file.index_checksum);
  }
  out.Fixed(static_cast<uint32_t>(epochs.runs().size()));
  for (const auto& run : epochs.runs()) {
    out.Fixed(run.epoch.value());
    out.Fixed(run.start.value());
  }
  producers.Encode(out);
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
    File file;
    file.base = Offset(in.Fixed<int64_t>());
    file.bytes = in.Fixed<uint64_t>();
    file.index_checksum = in.Fixed<uint32_t>();
    if (!checkpoint.files.empty() && file.base <= checkpoint.files.back().base) return std::nullopt;
    checkpoint.files.push_back(file);
  }
  auto runs = in.Fixed<uint32_t>();
  for (uint32_t i = 0; i < runs && !in.failed(); ++i) {
    LeaderEpoch epoch(in.Fixed<int32_t>());
    Offset from(in.Fixed<int64_t>());
    const auto& before = checkpoint.epochs.runs();
    bool follows = before.empty() || (epoch > before.back().epoch && from > before.back().start);
    if (in.failed() || !follows || from > checkpoint.end) return std::nullopt;
    checkpoint.epochs.Assign(epoch, from);
  }
  auto producers = Producers::Decode(in);
  if (!producers || in.failed() || !in.rest().empty()) return std::nullopt;
  if (checkpoint.start < Offset(0) || checkpoint.start > checkpoint.end) return std::nullopt;
  checkpoint.producers = std::move(*producers);
  return checkpoint;
}

}  // namespace weir::log
