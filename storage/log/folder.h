// SPDX-License-Identifier: Apache-2.0
// The files of a log's folder as recovery finds them, before any record is read: the plain ones,
// once all that was under way is finished or dropped.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/host/disk.h"
#include "common/host/task.h"
#include "storage/log/checkpoint.h"
#include "storage/log/format/names.h"

namespace weir::log {

struct Folder {
  std::string path;
  bool exists = false;
  std::optional<Checkpoint> checkpoint;
  // The checkpoint's file is there, whatever it holds.
  bool has_checkpoint_file = false;
  bool has_epochs = false;
  bool has_metadata = false;
  // Files of records, by base.
  std::set<Offset> bases;
  // Of producers, by end.
  std::set<Offset> snapshots;

  std::string Path(std::string_view name) const { return path + "/" + std::string(name); }
  // As the checkpoint lists it.
  const Checkpoint::File* Listed(Offset base) const;
};

// Lists the folder, finishes or drops what was under way, and removes what is left over. Nothing is
// there where the folder is not.
host::Task<Result<Folder>> TidyFolder(host::Disk& disk, std::string path);

}  // namespace weir::log
