// SPDX-License-Identifier: Apache-2.0
// What the files of a partition's folder are called, which is as Kafka calls them: the first offset
// in 20 digits, what the file holds, and behind that what is under way with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace weir::log {

enum class FileKind { kRecords, kOffsetIndex, kTimeIndex, kProducers };

// Steps of a file's life beside the plain one: written to replace others, about to replace them,
// to be removed soon.
enum class FileStage { kPlain, kCleaned, kSwap, kDeleted };

struct FileName {
  Offset offset;
  FileKind kind = FileKind::kRecords;
  FileStage stage = FileStage::kPlain;

  // "00000000000000000042.log", "00000000000000000042.timeindex.deleted".
  std::string ToString() const;
  // Nothing for a name of another kind.
  static std::optional<FileName> Parse(std::string_view name);
  bool operator==(const FileName&) const = default;
};

inline std::string RecordsName(Offset base) { return FileName{base}.ToString(); }
inline std::string IndexName(Offset base) {
  return FileName{base, FileKind::kOffsetIndex}.ToString();
}
inline std::string TimeIndexName(Offset base) {
  return FileName{base, FileKind::kTimeIndex}.ToString();
}
// Of what is to replace segments, the first of which begins at `base`.
inline std::string CleanedName(Offset base) {
  return FileName{base, FileKind::kRecords, FileStage::kCleaned}.ToString();
}
// Of the producers as all below `end` leaves them.
inline std::string SnapshotName(Offset end) {
  return FileName{end, FileKind::kProducers}.ToString();
}

}  // namespace weir::log
