// SPDX-License-Identifier: Apache-2.0
// Whose a data folder is: written once when the folder is first used, checked ever after. A process
// that is started on another's folder stops with words that say so; a wiped folder is a new one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/host/disk.h"
#include "common/host/random.h"
#include "common/host/task.h"

namespace weir::identity {

struct DataFolder {
  std::string role;  // "controller" or "storage".
  int32_t id = 0;    // Of the controller or storage node.
  DirectoryId directory;
  ClusterId cluster;  // Nil until it has joined one.
  // The other data folders that the process had when this was written, ascending.
  std::vector<DirectoryId> siblings;

  bool operator==(const DataFolder&) const = default;
};

// Reads the identity out of the root of `disk`, or gives an empty folder one.
// kInvalid: it belongs to another role or id. kCorrupt: the file cannot be understood.
host::Task<Result<DataFolder>> OpenDataFolder(host::Disk& disk, host::Random& random,
                                              std::string role, int32_t id);

// The parts of it. Nothing where the folder has no identity yet; kCorrupt as above.
host::Task<Result<std::optional<DataFolder>>> ReadIdentity(host::Disk& disk);
host::Task<Result<void>> WriteIdentity(host::Disk& disk, DataFolder folder);
// kInvalid, in words for a person, if the folder is another's.
Result<void> CheckOwner(const DataFolder& folder, const std::string& role, int32_t id);

// Writes down the cluster that the folder joined.
host::Task<Result<void>> JoinCluster(host::Disk& disk, DataFolder folder, ClusterId cluster);

// A small file replaced as a whole: old or new after a crash, never a mixture.
host::Task<Result<void>> ReplaceFile(host::Disk& disk, std::string path, std::string contents);
// kNotFound where there is none.
host::Task<Result<std::string>> ReadFile(host::Disk& disk, std::string path);
host::Task<Result<void>> RemoveFile(host::Disk& disk, std::string path);

}  // namespace weir::identity
