// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/file_tree.h"

#include <glog/logging.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace weir::sim {

namespace {

constexpr size_t kChangesMax = 4096;
constexpr size_t kPage = 4096;

std::vector<std::string> SplitPath(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view name = path.substr(0, slash);
    CHECK(!name.empty() && name != "." && name != "..")
        << "paths are plain names with single slashes between, not \"" << path << '"';
    names.emplace_back(name);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    CHECK(slash == std::string_view::npos || !path.empty()) << "a path does not end with a slash";
  }
  return names;
}

// Every node that is reachable now or on stable storage.
void Collect(const std::shared_ptr<Node>& node, std::vector<std::shared_ptr<Node>>& order,
             std::set<const Node*>& seen) {
  if (!seen.insert(node.get()).second) return;
  order.push_back(node);
  for (const auto& [name, child] : node->names) Collect(child, order, seen);
  for (const auto& [name, child] : node->stable_names) Collect(child, order, seen);
}

// How much of what was not synced a crash keeps.
enum class Keeps { kNothing, kEverything, kSome };

Keeps DrawKeeps(Chance& chance) {
  switch (chance.Below(4)) {
    case 0:
      return Keeps::kNothing;
    case 1:
      return Keeps::kEverything;
    default:
      return Keeps::kSome;
  }
}

bool Survives(Keeps keeps, Chance& chance) {
  return keeps == Keeps::kEverything || (keeps == Keeps::kSome && chance.Coin());
}

}  // namespace

void Content::Apply(std::string& content, const Change& change, std::string_view text) {
  if (change.truncates) {
    content.resize(change.offset);
  } else if (!text.empty()) {
    if (content.size() < change.offset + text.size()) content.resize(change.offset + text.size());
    std::copy(text.begin(), text.end(), content.begin() + static_cast<ptrdiff_t>(change.offset));
  }
}

void Content::Note(Change change) {
  Apply(now_, change, change.text);
  changes_.push_back(std::move(change));
  if (changes_.size() <= kChangesMax) return;
  Apply(stable_, changes_.front(), changes_.front().text);
  changes_.pop_front();
}

void Content::Write(uint64_t offset, std::string_view text) {
  if (!text.empty()) Note({++last_change_, false, offset, std::string(text)});
}

void Content::Truncate(uint64_t size) { Note({++last_change_, true, size, {}}); }

void Content::Sync(uint64_t mark) { SyncRange(0, UINT64_MAX, mark); }

void Content::SyncRange(uint64_t from, uint64_t to, uint64_t mark) {
  bool is_all = std::ranges::any_of(changes_, &Change::truncates);
  std::deque<Change> rest;
  for (Change& change : changes_) {
    bool touches = is_all || (change.offset < to && from < change.offset + change.text.size());
    if (touches && change.number <= mark) {
      Apply(stable_, change, change.text);
    } else {
      rest.push_back(std::move(change));
    }
  }
  changes_ = std::move(rest);
}

void Content::Forget(uint64_t mark, Chance& chance) {
  for (; !changes_.empty() && changes_.front().number <= mark; changes_.pop_front()) {
    const Change& change = changes_.front();
    if (change.truncates || chance.Coin()) Apply(stable_, change, change.text);
  }
}

void Content::Crash(Chance& chance) {
  if (!changes_.empty()) {
    Keeps keeps = DrawKeeps(chance);
    for (const Change& change : changes_) {
      if (!Survives(keeps, chance)) continue;
      bool last = change.number == changes_.back().number;
      std::string_view text = change.text;
      if (!last || change.truncates || chance.Coin()) {
        Apply(stable_, change, text);
      } else if (chance.Coin()) {
        Apply(stable_, change, text.substr(0, chance.Below(text.size())));
      } else {
        // Pages reach the device in no order.
        for (size_t from = 0; from < text.size(); from += kPage) {
          Change page{change.number, false, change.offset + from, {}};
          if (chance.Coin()) Apply(stable_, page, text.substr(from, kPage));
        }
      }
    }
  }
  changes_.clear();
  now_ = stable_;
}

void Content::Flip(uint64_t offset) {
  CHECK_LT(offset, now_.size()) << "no such byte to corrupt";
  now_[offset] = static_cast<char>(now_[offset] ^ 0x20);
  if (offset < stable_.size()) stable_[offset] = now_[offset];
}

FileTree::FileTree() : root_(std::make_shared<Node>()) { root_->is_folder = true; }

std::shared_ptr<Node> FileTree::Find(std::string_view path) const {
  std::shared_ptr<Node> node = root_;
  for (const std::string& name : SplitPath(path)) {
    auto found = node->names.find(name);
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

Result<FileTree::Place> FileTree::PlaceOf(const std::string& path) const {
  size_t slash = path.rfind('/');
  std::string above = slash == std::string::npos ? "" : path.substr(0, slash);
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  CHECK(!name.empty()) << "the root folder cannot be made, renamed or removed";
  std::shared_ptr<Node> folder = Find(above);
  if (folder == nullptr || !folder->is_folder) {
    return Fail(Error::Kind::kNotFound, "no folder \"" + above + '"');
  }
  return Place{std::move(folder), std::move(name)};
}

void FileTree::Store(const Change& change) {
  for (const NameChange& name : change.names) {
    if (name.node == nullptr) {
      name.folder->stable_names.erase(name.name);
    } else {
      name.folder->stable_names[name.name] = name.node;
    }
  }
}

void FileTree::Do(std::vector<NameChange> names) {
  for (const NameChange& name : names) {
    if (name.node == nullptr) {
      name.folder->names.erase(name.name);
    } else {
      name.folder->names[name.name] = name.node;
    }
  }
  changes_.push_back({++last_change_, std::move(names)});
  if (changes_.size() <= kChangesMax) return;
  Store(changes_.front());
  changes_.pop_front();
}

Result<std::shared_ptr<Node>> FileTree::Create(const std::string& path) {
  auto place = PlaceOf(path);
  if (!place) return std::unexpected(place.error());
  auto node = std::make_shared<Node>();
  Do({{place->folder, place->name, node}});
  return node;
}

Result<void> FileTree::MakeFolder(const std::string& path) {
  std::string made;
  for (const std::string& name : SplitPath(path)) {
    made += (made.empty() ? "" : "/") + name;
    std::shared_ptr<Node> there = Find(made);
    if (there != nullptr && there->is_folder) continue;
    if (there != nullptr) return Fail(Error::Kind::kIo, '"' + made + "\" is a file, not a folder");
    auto node = std::make_shared<Node>();
    node->is_folder = true;
    Do({{PlaceOf(made)->folder, name, node}});
  }
  return {};
}

Result<std::vector<std::string>> FileTree::List(const std::string& path) const {
  std::shared_ptr<Node> folder = Find(path);
  if (folder == nullptr) return Fail(Error::Kind::kNotFound, "no folder \"" + path + '"');
  if (!folder->is_folder) return Fail(Error::Kind::kIo, '"' + path + "\" is a file, not a folder");
  std::vector<std::string> names;
  for (const auto& [name, node] : folder->names) names.push_back(name);
  return names;
}

Result<void> FileTree::Rename(const std::string& from, const std::string& to) {
  auto source = PlaceOf(from);
  if (!source) return std::unexpected(source.error());
  auto target = PlaceOf(to);
  if (!target) return std::unexpected(target.error());
  std::shared_ptr<Node> node = Find(from);
  if (node == nullptr) return Fail(Error::Kind::kNotFound, "no file \"" + from + '"');
  if (to.starts_with(from + '/')) {
    return Fail(Error::Kind::kInvalid, "folder \"" + from + "\" cannot move into itself");
  }
  std::shared_ptr<Node> replaced = Find(to);
  if (replaced == node) return {};
  if (replaced != nullptr && replaced->is_folder != node->is_folder) {
    return Fail(Error::Kind::kIo, "a file and a folder cannot replace each other: \"" + to + '"');
  }
  if (replaced != nullptr && !replaced->names.empty()) {
    return Fail(Error::Kind::kIo, "folder \"" + to + "\" is not empty");
  }
  Do({{source->folder, source->name, nullptr}, {target->folder, target->name, node}});
  return {};
}

Result<void> FileTree::Remove(const std::string& path) {
  auto place = PlaceOf(path);
  if (!place) return {};
  std::shared_ptr<Node> node = Find(path);
  if (node == nullptr) return {};
  // Name by name, from below, as a real removal is: a crash may leave any part of it.
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  for (const std::string& name : names) {
    auto removed = Remove(path + '/' + name);
    if (!removed) return removed;
  }
  Do({{place->folder, place->name, nullptr}});
  return {};
}

void FileTree::SyncFolder(const Node& folder, uint64_t mark) {
  std::deque<Change> rest;
  for (Change& change : changes_) {
    bool touches = std::ranges::any_of(
        change.names, [&](const NameChange& name) { return name.folder.get() == &folder; });
    if (touches && change.number <= mark) {
      Store(change);
    } else {
      rest.push_back(std::move(change));
    }
  }
  changes_ = std::move(rest);
}

void FileTree::Crash(Chance& chance) {
  Keeps keeps = changes_.empty() ? Keeps::kEverything : DrawKeeps(chance);
  for (const Change& change : changes_) {
    if (Survives(keeps, chance)) Store(change);
  }
  changes_.clear();
  std::vector<std::shared_ptr<Node>> nodes;
  std::set<const Node*> seen;
  Collect(root_, nodes, seen);
  for (const auto& node : nodes) node->names = node->stable_names;
  nodes.clear();
  seen.clear();
  // Only what is still there draws, in the order of names, so that a run repeats.
  Collect(root_, nodes, seen);
  for (const auto& node : nodes) node->content.Crash(chance);
}

std::vector<std::string> FileTree::Files() const {
  std::vector<std::string> files;
  auto walk = [&](auto& self, const Node& folder, const std::string& prefix) -> void {
    for (const auto& [name, node] : folder.names) {
      if (node->is_folder) {
        self(self, *node, prefix + name + '/');
      } else {
        files.push_back(prefix + name);
      }
    }
  };
  walk(walk, *root_, "");
  return files;
}

uint64_t FileTree::TotalSize() const {
  uint64_t size = 0;
  for (const std::string& file : Files()) size += Find(file)->content.now().size();
  return size;
}

}  // namespace weir::sim
