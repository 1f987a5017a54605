// SPDX-License-Identifier: Apache-2.0
#include "storage/journal/frame.h"

#include <glog/logging.h>

#include <algorithm>
#include <map>

#include "common/base/planted_bug.h"
#include "common/codec/crc32c.h"
#include "common/codec/reader.h"
#include "common/codec/writer.h"

namespace weir::journal {
namespace {

constexpr std::string_view kFileMark = "weirjrn1";
constexpr uint32_t kFrameMark = 0x574a4652;
constexpr size_t kIdBytes = 16;

using Frames = std::map<uint64_t, FoundFrame>;

std::string Number(uint64_t value) { return std::to_string(value); }

std::unexpected<Error> Missing(uint64_t sequence, const FoundFrame& head) {
  return Fail(Error::Kind::kCorrupt, "frame " + Number(sequence) +
                                         ", which was on stable storage, is damaged or gone; " +
                                         "frames " + Number(head.head.needed) + " to " +
                                         Number(head.head.sequence) + " are needed");
}

struct Walk {
  // Newest first.
  std::vector<FoundFrame> chain;
  // The frame that was looked for and is not there.
  std::optional<uint64_t> hole;
};

Walk WalkBack(const Frames& frames, const FoundFrame& head) {
  Walk walk{{head}, {}};
  while (walk.chain.back().head.sequence > head.head.needed) {
    uint64_t previous = walk.chain.back().head.previous;
    auto found = frames.find(previous);
    if (found == frames.end() || previous < head.head.needed) {
      walk.hole = std::max(previous, head.head.needed);
      break;
    }
    walk.chain.push_back(found->second);
  }
  return walk;
}

}  // namespace

std::string FileHead::Encode() const {
  std::string bytes(kFileMark);
  bytes += id.ToBytes();
  uint32_t sum = codec::Crc32c(bytes);
  codec::Writer(&bytes).Fixed(sum);
  bytes.resize(kBlockBytes);
  return bytes;
}

std::optional<FileHead> FileHead::Decode(std::string_view bytes) {
  codec::Reader in(bytes);
  std::string_view mark = in.Run(kFileMark.size());
  auto id = Uuid::FromBytes(in.Run(kIdBytes));
  auto sum = in.Fixed<uint32_t>();
  if (in.failed() || !id || mark != kFileMark) return std::nullopt;
  if (codec::Crc32c(bytes.substr(0, kFileMark.size() + kIdBytes)) != sum) return std::nullopt;
  return FileHead{*id};
}

std::string FrameHead::Encode(const Uuid& file) const {
  std::string body;
  codec::Writer out(&body);
  out.Run(file.ToBytes());
  out.Fixed(sequence);
  out.Fixed(previous);
  out.Fixed(needed);
  out.Fixed(synced);
  out.Fixed(length);
  out.Fixed(checksum);
  std::string bytes;
  codec::Writer head(&bytes);
  head.Fixed(kFrameMark);
  head.Fixed(codec::Crc32c(body));
  bytes += body;
  CHECK_EQ(bytes.size(), kBytes);
  return bytes;
}

std::optional<FrameHead> FrameHead::Decode(std::string_view bytes, const Uuid& file) {
  if (bytes.size() < kBytes) return std::nullopt;
  codec::Reader in(bytes.substr(0, kBytes));
  if (in.Fixed<uint32_t>() != kFrameMark) return std::nullopt;
  auto sum = in.Fixed<uint32_t>();
  if (codec::Crc32c(in.rest()) != sum) return std::nullopt;
  auto id = Uuid::FromBytes(in.Run(kIdBytes));
  if (id != file) return std::nullopt;
  FrameHead head;
  head.sequence = in.Fixed<uint64_t>();
  head.previous = in.Fixed<uint64_t>();
  head.needed = in.Fixed<uint64_t>();
  head.synced = in.Fixed<uint64_t>();
  head.length = in.Fixed<uint32_t>();
  head.checksum = in.Fixed<uint32_t>();
  bool is_sound = head.previous < head.sequence && head.synced < head.sequence &&
                  head.needed <= head.sequence && head.needed > 0;
  return is_sound ? std::optional(head) : std::nullopt;
}

Result<std::vector<FoundFrame>> FindChain(const std::vector<FoundFrame>& found) {
  Frames frames;
  // Heads of what was torn, or partly written over, say as well what had to be there before.
  uint64_t synced = 0;
  for (const FoundFrame& frame : found) {
    synced = std::max(synced, frame.head.synced);
    if (!frame.whole) continue;
    auto [there, added] = frames.try_emplace(frame.head.sequence, frame);
    if (!added) {
      return Fail(Error::Kind::kCorrupt,
                  "frame " + Number(frame.head.sequence) + " is there twice, at blocks " +
                      Number(there->second.position) + " and " + Number(frame.position));
    }
  }
  if (PLANTED_BUG("journal: the newest frame is the last in the file")) {
    auto last = std::ranges::max_element(frames, {},
                                         [](const auto& entry) { return entry.second.position; });
    Walk walk = WalkBack(frames, last->second);
    std::ranges::reverse(walk.chain);
    return std::move(walk.chain);
  }
  for (auto newest = frames.rbegin(); newest != frames.rend(); ++newest) {
    const FoundFrame& head = newest->second;
    if (synced > head.head.sequence) return Missing(synced, head);
    Walk walk = WalkBack(frames, head);
    if (!walk.hole) {
      std::ranges::reverse(walk.chain);
      return std::move(walk.chain);
    }
    if (*walk.hole <= head.head.synced) return Missing(*walk.hole, head);
    // It came to the disk before one that it follows, and that one never did: neither was told.
  }
  return Fail(Error::Kind::kCorrupt, "it holds no frame, and never did without one");
}

}  // namespace weir::journal
