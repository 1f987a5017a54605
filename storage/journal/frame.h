// SPDX-License-Identifier: Apache-2.0
// A frame is what one synced write brings to the journal's file: a head, and records. Frames begin
// at whole blocks, so that no write touches a block with what was acknowledged before. Pure.
//
// A head says which frame came before it, from which frame on the journal is needed, and up to
// which all was on stable storage when it was written: so that what a crash tore is told from what
// was lost later. The file's own id, which nobody outside knows, goes into each: bytes that a
// client sent, or that an older file left on the disk, are never taken for a frame.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/base/uuid.h"

namespace weir::journal {

inline constexpr uint64_t kBlockBytes = 4096;

constexpr uint64_t BlocksOf(uint64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes; }

// The file's first block.
struct FileHead {
  Uuid id;

  std::string Encode() const;
  static std::optional<FileHead> Decode(std::string_view bytes);
};

struct FrameHead {
  static constexpr size_t kBytes = 64;

  // Grows from frame to frame; not always by one.
  uint64_t sequence = 0;
  // Of the frame before; 0: there is none.
  uint64_t previous = 0;
  // The first frame that is needed; this one where none before it is.
  uint64_t needed = 0;
  // Of the last frame that was on stable storage with all before it.
  uint64_t synced = 0;
  // Of the records behind the head, and their sum.
  uint32_t length = 0;
  uint32_t checksum = 0;

  uint64_t blocks() const { return BlocksOf(kBytes + length); }

  std::string Encode(const Uuid& file) const;
  // Nothing where `bytes` do not begin with a head of this file.
  static std::optional<FrameHead> Decode(std::string_view bytes, const Uuid& file);

  bool operator==(const FrameHead&) const = default;
};

// A frame that was found in the file.
struct FoundFrame {
  FrameHead head;
  // The block where it begins, counted from behind the file's head.
  uint64_t position = 0;
  // Its records have the sum that its head says.
  bool whole = false;
};

// The frames that are needed, in their order; the last one is the newest that was written whole.
// kCorrupt where one is missing that was on stable storage: nothing less may be made of the rest.
Result<std::vector<FoundFrame>> FindChain(const std::vector<FoundFrame>& found);

}  // namespace weir::journal
