// SPDX-License-Identifier: Apache-2.0
#include "common/identity/data_folders.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace weir::identity {
namespace {

using host::Await;

// Put there by a person, and removed once it was heard.
constexpr char kReplacedFile[] = "replaced";
// Without an identity beside them, records are nobody's.
constexpr char kRecordsFolder[] = "partitions";

using Looked = std::pair<std::string, Result<FoundFolder>>;

host::Task<Result<FoundFolder>> Look(std::string path, host::Disk* disk) {
  auto identity = co_await ReadIdentity(*disk);
  if (!identity) co_return std::unexpected(identity.error());
  FoundFolder found{path, disk, std::move(*identity)};
  if (found.identity) co_return found;
  auto names = co_await Await<Result<std::vector<std::string>>>(
      [disk](auto done) { disk->List("", std::move(done)); });
  if (!names) co_return std::unexpected(names.error());
  if (std::ranges::count(*names, kRecordsFolder) > 0) {
    co_return Fail(
        Error::Kind::kCorrupt,
        "it holds records, and no file 'identity' says whose: restore that file, or give "
        "an empty folder");
  }
  found.is_replacement = std::ranges::count(*names, kReplacedFile) > 0;
  co_return found;
}

host::Task<Result<void>> Found(host::Disk* disk, DataFolder identity) {
  auto written = co_await WriteIdentity(*disk, std::move(identity));
  if (!written) co_return std::unexpected(written.error().While("making the data folder ours"));
  co_return co_await RemoveFile(*disk, kReplacedFile);
}

Error At(const std::string& path, const Error& error) { return error.While("data folder " + path); }

std::string Among(const std::vector<DirectoryId>& ids) {
  std::string words;
  for (const DirectoryId& id : ids) words += (words.empty() ? "" : ", ") + id.ToString();
  return words;
}

// All of them are of one process, of one cluster, and no two of them the same.
Result<ClusterId> CheckMixture(const std::vector<FoundFolder>& folders, const std::string& role,
                               int32_t id) {
  std::map<DirectoryId, std::string> seen;
  const FoundFolder* joined = nullptr;
  for (const FoundFolder& folder : folders) {
    if (!folder.identity) continue;
    const DataFolder& identity = *folder.identity;
    if (auto owned = CheckOwner(identity, role, id); !owned) {
      return std::unexpected(At(folder.path, owned.error()));
    }
    auto [twin, is_first] = seen.try_emplace(identity.directory, folder.path);
    if (!is_first) {
      return Fail(Error::Kind::kInvalid, "the data folders " + twin->second + " and " +
                                             folder.path +
                                             " have the same identity: one is a copy of the other; "
                                             "give the one that was in use last");
    }
    if (identity.cluster.is_nil()) continue;
    if (joined && joined->identity->cluster != identity.cluster) {
      return Fail(Error::Kind::kInvalid, "data folder " + joined->path + " is of cluster " +
                                             joined->identity->cluster.ToString() + ", and " +
                                             folder.path + " of cluster " +
                                             identity.cluster.ToString() +
                                             ": give folders that belong together");
    }
    joined = &folder;
  }
  return joined ? joined->identity->cluster : ClusterId();
}

// The folders that those found know of, and that are not among them; ascending.
std::vector<DirectoryId> MissingOf(const std::vector<FoundFolder>& folders) {
  std::set<DirectoryId> missing;
  for (const FoundFolder& folder : folders) {
    if (!folder.identity) continue;
    missing.insert(folder.identity->siblings.begin(), folder.identity->siblings.end());
  }
  for (const FoundFolder& folder : folders) {
    if (folder.identity) missing.erase(folder.identity->directory);
  }
  return {missing.begin(), missing.end()};
}

// Leaves out those that could not be written: `written` has the outcomes of all that `is_meant`.
template <class IsMeant>
void Leave(DataFolders& folders, const std::vector<Result<void>>& written, IsMeant is_meant) {
  auto outcome = written.begin();
  std::erase_if(folders.open, [&](const OpenFolder& folder) {
    if (!is_meant(folder)) return false;
    const Result<void>& how = *outcome++;
    if (!how) folders.unusable.emplace_back(folder.path, At(folder.path, how.error()));
    return !how.has_value();
  });
}

// With the cluster and the siblings that it has now; false if it had them.
bool BringUpToDate(DataFolder& identity, const DataFolders& folders) {
  std::set<DirectoryId> siblings(folders.missing.begin(), folders.missing.end());
  for (const OpenFolder& folder : folders.open) siblings.insert(folder.identity.directory);
  siblings.erase(identity.directory);
  DataFolder before = identity;
  identity.cluster = folders.cluster;
  identity.siblings = {siblings.begin(), siblings.end()};
  return identity != before;
}

}  // namespace

Result<DataFolders> JudgeFolders(std::vector<Looked> found, host::Random& random,
                                 const std::string& role, int32_t id) {
  DataFolders result;
  std::vector<FoundFolder> usable;
  for (auto& [path, folder] : found) {
    if (folder) {
      usable.push_back(std::move(*folder));
    } else {
      result.unusable.emplace_back(path, At(path, folder.error()));
    }
  }
  auto cluster = CheckMixture(usable, role, id);
  if (!cluster) return std::unexpected(cluster.error());
  result.cluster = *cluster;
  result.missing = MissingOf(usable);
  std::erase_if(usable, [&](const FoundFolder& folder) {
    if (folder.identity || folder.is_replacement || result.missing.empty()) return false;
    result.unusable.emplace_back(
        folder.path,
        Error{Error::Kind::kNotFound, "data folder " + folder.path +
                                          " is empty, and this process had a folder with the "
                                          "identity " +
                                          Among(result.missing) +
                                          " that is not there: mount its volume; if the "
                                          "disk was replaced by an empty one, make a file '" +
                                          kReplacedFile + "' in the folder, and start again"});
    return true;
  });
  if (usable.empty()) return std::unexpected(result.unusable.front().second);
  // Every place can be used: what is missing was taken away, and is not waited for.
  if (result.unusable.empty()) result.missing.clear();
  for (FoundFolder& folder : usable) {
    bool is_new = !folder.identity;
    DataFolder identity = is_new ? DataFolder{.role = role,
                                              .id = id,
                                              .directory = DirectoryId(random.NextUuid()),
                                              .cluster = result.cluster}
                                 : std::move(*folder.identity);
    result.open.push_back({folder.path, folder.disk, std::move(identity), is_new});
  }
  return result;
}

host::Task<Result<DataFolders>> OpenDataFolders(std::vector<DataPlace> places, host::Random& random,
                                                std::string role, int32_t id) {
  std::vector<host::Task<Result<FoundFolder>>> looks;
  for (const DataPlace& place : places) {
    if (place.disk) looks.push_back(Look(place.path, *place.disk));
  }
  auto looked = co_await host::All(std::move(looks));
  std::vector<Looked> found;
  auto next = looked.begin();
  for (const DataPlace& place : places) {
    if (place.disk) {
      found.emplace_back(place.path, std::move(*next++));
    } else {
      found.emplace_back(place.path, std::unexpected(place.disk.error()));
    }
  }
  auto judged = JudgeFolders(std::move(found), random, role, id);
  if (!judged) co_return judged;

  // What takes no identity never was one: it must not be missed later.
  std::vector<host::Task<Result<void>>> writes;
  for (const OpenFolder& folder : judged->open) {
    if (folder.is_new) writes.push_back(Found(folder.disk, folder.identity));
  }
  auto founded = co_await host::All(std::move(writes));
  Leave(*judged, founded, [](const OpenFolder& folder) { return folder.is_new; });

  writes.clear();
  std::vector<DirectoryId> changed;
  for (OpenFolder& folder : judged->open) {
    if (!BringUpToDate(folder.identity, *judged)) continue;
    changed.push_back(folder.identity.directory);
    writes.push_back(WriteIdentity(*folder.disk, folder.identity));
  }
  auto updated = co_await host::All(std::move(writes));
  for (size_t i = 0; i < changed.size(); ++i) {
    if (!updated[i]) judged->missing.push_back(changed[i]);
  }
  Leave(*judged, updated, [&](const OpenFolder& folder) {
    return std::ranges::count(changed, folder.identity.directory) > 0;
  });
  if (judged->open.empty()) co_return std::unexpected(judged->unusable.front().second);
  co_return judged;
}

}  // namespace weir::identity
