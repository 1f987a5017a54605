// SPDX-License-Identifier: Apache-2.0
// The data folders of one process, opened together. Folders that were mixed up refuse the start;
// one that cannot be used is left out, and the process goes on with the others.
//
// Each folder knows the identities of the others. So a folder that stands empty while one of them
// is not there is taken for a volume that was not mounted, and is not used, unless a person has put
// a file "replaced" into it: then it is a new disk in the place of the old one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/host/disk.h"
#include "common/host/random.h"
#include "common/host/task.h"
#include "common/identity/data_folder.h"

namespace weir::identity {

// Where a process was told to keep its data: the disk there, or why there is none. Disks outlive
// all that is made of them.
struct DataPlace {
  std::string path;
  Result<host::Disk*> disk;
};

struct OpenFolder {
  std::string path;
  host::Disk* disk = nullptr;
  DataFolder identity;
  // It was empty.
  bool is_new = false;
};

struct DataFolders {
  // In the order of the places. Never none.
  std::vector<OpenFolder> open;
  // The places that cannot be used, and why.
  std::vector<std::pair<std::string, Error>> unusable;
  // What may lie in the unusable places: folders that this process had, and has no more.
  std::vector<DirectoryId> missing;
  // Nil until the process has joined one.
  ClusterId cluster;
};

// kInvalid if folders belong to another role or id, to several clusters, or are copies of each
// other; and the first place's error if none can be used. Brings every identity up to date.
host::Task<Result<DataFolders>> OpenDataFolders(std::vector<DataPlace> places, host::Random& random,
                                                std::string role, int32_t id);

// What was found at a place before anything is written there.
struct FoundFolder {
  std::string path;
  host::Disk* disk = nullptr;
  // Nothing: it is empty.
  std::optional<DataFolder> identity;
  // Somebody says that it stands for one that is gone.
  bool is_replacement = false;
};

// The judgement within OpenDataFolders. Pure, but for the new identities.
Result<DataFolders> JudgeFolders(std::vector<std::pair<std::string, Result<FoundFolder>>> found,
                                 host::Random& random, const std::string& role, int32_t id);

}  // namespace weir::identity
