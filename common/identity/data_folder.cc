// SPDX-License-Identifier: Apache-2.0
#include "common/identity/data_folder.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

namespace weir::identity {
namespace {

using host::Await;
using host::File;
using host::OpenMode;

constexpr char kFile[] = "identity";
constexpr int kFormat = 1;

std::string Encode(const DataFolder& folder) {
  std::ostringstream out;
  out << "format=" << kFormat << "\nrole=" << folder.role << "\nid=" << folder.id
      << "\ndirectory=" << folder.directory << "\n";
  if (!folder.cluster.is_nil()) out << "cluster=" << folder.cluster << "\n";
  if (!folder.siblings.empty()) {
    out << "siblings=";
    for (const DirectoryId& sibling : folder.siblings) {
      out << (sibling == folder.siblings.front() ? "" : ",") << sibling;
    }
    out << "\n";
  }
  return out.str();
}

// Nothing if one of them is no identity.
std::optional<std::vector<DirectoryId>> SiblingsIn(const std::string& text) {
  std::vector<DirectoryId> siblings;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) {
    auto sibling = DirectoryId::Parse(word);
    if (!sibling) return std::nullopt;
    siblings.push_back(*sibling);
  }
  std::ranges::sort(siblings);
  return siblings;
}

Result<DataFolder> Decode(const std::string& text) {
  std::map<std::string, std::string> fields;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    size_t equals = line.find('=');
    if (equals != std::string::npos) fields[line.substr(0, equals)] = line.substr(equals + 1);
  }
  auto directory = DirectoryId::Parse(fields["directory"]);
  auto cluster = fields.contains("cluster") ? ClusterId::Parse(fields["cluster"]) : ClusterId();
  const std::string& number = fields["id"];
  int32_t id = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id);
  bool has_id = error == std::errc() && end == number.data() + number.size() && id >= 0;
  auto siblings = SiblingsIn(fields["siblings"]);
  if (fields["format"] != std::to_string(kFormat) || !directory || !cluster ||
      fields["role"].empty() || !has_id || !siblings) {
    return Fail(Error::Kind::kCorrupt,
                "the file 'identity' of the data folder cannot be understood; restore it, or start "
                "this process with an empty folder");
  }
  return DataFolder{fields["role"], id, *directory, *cluster, std::move(*siblings)};
}

std::string FolderOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

host::Task<Result<std::string>> ReadFile(host::Disk& disk, std::string path) {
  auto file = co_await Await<Result<std::shared_ptr<File>>>(
      [&](auto done) { disk.Open(path, OpenMode::kRead, std::move(done)); });
  if (!file) co_return std::unexpected(file.error());
  auto size = co_await Await<Result<uint64_t>>([&](auto done) { (*file)->Size(std::move(done)); });
  if (!size) co_return std::unexpected(size.error());
  auto bytes =
      co_await Await<Result<Bytes>>([&](auto done) { (*file)->Read(0, *size, std::move(done)); });
  if (!bytes) co_return std::unexpected(bytes.error());
  co_return bytes->ToString();
}

host::Task<Result<void>> ReplaceFile(host::Disk& disk, std::string path, std::string contents) {
  std::string scratch = path + ".new";
  co_await Await<Result<void>>([&](auto done) { disk.Remove(scratch, std::move(done)); });
  auto file = co_await Await<Result<std::shared_ptr<File>>>(
      [&](auto done) { disk.Open(scratch, OpenMode::kCreate, std::move(done)); });
  if (!file) co_return std::unexpected(file.error());
  auto wrote = co_await Await<Result<void>>(
      [&](auto done) { (*file)->Write(0, {Bytes::FromString(contents)}, std::move(done)); });
  if (!wrote) co_return std::unexpected(wrote.error());
  auto synced = co_await Await<Result<void>>([&](auto done) { (*file)->Sync(std::move(done)); });
  if (!synced) co_return std::unexpected(synced.error());
  auto renamed =
      co_await Await<Result<void>>([&](auto done) { disk.Rename(scratch, path, std::move(done)); });
  if (!renamed) co_return std::unexpected(renamed.error());
  co_return co_await Await<Result<void>>(
      [&](auto done) { disk.SyncFolder(FolderOf(path), std::move(done)); });
}

host::Task<Result<void>> RemoveFile(host::Disk& disk, std::string path) {
  auto removed =
      co_await Await<Result<void>>([&](auto done) { disk.Remove(path, std::move(done)); });
  if (!removed) co_return std::unexpected(removed.error());
  co_return co_await Await<Result<void>>(
      [&](auto done) { disk.SyncFolder(FolderOf(path), std::move(done)); });
}

host::Task<Result<std::optional<DataFolder>>> ReadIdentity(host::Disk& disk) {
  auto text = co_await ReadFile(disk, kFile);
  if (!text && text.error().kind == Error::Kind::kNotFound) co_return std::nullopt;
  if (!text) co_return std::unexpected(text.error().While("reading whose the data folder is"));
  auto folder = Decode(*text);
  if (!folder) co_return std::unexpected(folder.error());
  co_return std::move(*folder);
}

host::Task<Result<void>> WriteIdentity(host::Disk& disk, DataFolder folder) {
  co_return co_await ReplaceFile(disk, kFile, Encode(folder));
}

Result<void> CheckOwner(const DataFolder& folder, const std::string& role, int32_t id) {
  if (folder.role == role && folder.id == id) return {};
  return Fail(Error::Kind::kInvalid, "the data folder belongs to " + folder.role + " " +
                                         std::to_string(folder.id) + ", and this is " + role + " " +
                                         std::to_string(id) +
                                         ": give --id and --data that belong together");
}

host::Task<Result<DataFolder>> OpenDataFolder(host::Disk& disk, host::Random& random,
                                              std::string role, int32_t id) {
  auto known = co_await ReadIdentity(disk);
  if (!known) co_return std::unexpected(known.error());
  if (*known) {
    if (auto owned = CheckOwner(**known, role, id); !owned)
      co_return std::unexpected(owned.error());
    co_return std::move(**known);
  }
  DataFolder folder{.role = role, .id = id, .directory = DirectoryId(random.NextUuid())};
  auto written = co_await WriteIdentity(disk, folder);
  if (!written) co_return std::unexpected(written.error().While("making the data folder ours"));
  co_return folder;
}

host::Task<Result<void>> JoinCluster(host::Disk& disk, DataFolder folder, ClusterId cluster) {
  folder.cluster = cluster;
  co_return co_await WriteIdentity(disk, std::move(folder));
}

}  // namespace weir::identity
