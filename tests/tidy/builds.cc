// SPDX-License-Identifier: Apache-2.0
// Every source is built, and by the macros of bazel/.
#include <algorithm>
#include <array>

#include "tests/tidy/rule.h"

namespace weir::tidy {
namespace {

// What stands between double quotes in a BUILD file, comments aside.
std::vector<std::string> StringsOf(std::string_view text) {
  std::vector<std::string> strings;
  for (const std::string& line : LinesOf(text)) {
    size_t at = line.find_first_of("\"#");
    while (at != std::string::npos && line[at] == '"') {
      size_t end = line.find('"', at + 1);
      if (end == std::string::npos) break;
      strings.push_back(line.substr(at + 1, end - at - 1));
      at = line.find_first_of("\"#", end + 1);
    }
  }
  return strings;
}

// Bazel's glob: "*" stays within a folder, "**" does not.
bool Matches(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  if (pattern.front() != '*') {
    return !path.empty() && pattern.front() == path.front() &&
           Matches(pattern.substr(1), path.substr(1));
  }
  bool deep = pattern.starts_with("**");
  if (deep && pattern.starts_with("**/") && Matches(pattern.substr(3), path)) return true;
  std::string_view rest = pattern.substr(deep ? 2 : 1);
  for (size_t taken = 0; taken <= path.size(); ++taken) {
    if (Matches(rest, path.substr(taken))) return true;
    if (taken < path.size() && path[taken] == '/' && !deep) return false;
  }
  return false;
}

// The BUILD file that `path` belongs to: the nearest one above it.
Tree::const_iterator BuildFileOf(const Tree& tree, const std::string& path) {
  std::string folder = FolderOf(path);
  while (true) {
    auto found = tree.find(folder.empty() ? "BUILD.bazel" : folder + "/BUILD.bazel");
    if (found != tree.end() || folder.empty()) return found;
    folder = FolderOf(folder);
  }
}

bool MustBeBuilt(const std::string& path) {
  if (IsCpp(path) || path.ends_with(".proto")) return true;
  return IsWithin(FolderOf(path) + "/", "testdata/") ||
         path.find("/testdata/") != std::string::npos || path.starts_with("tests/scenario/");
}

Findings EverySourceIsBuilt(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!MustBeBuilt(path) || IsBuildFile(path)) continue;
    auto build = BuildFileOf(tree, path);
    if (build == tree.end()) {
      findings.push_back({path, 0, "has no BUILD.bazel above it"});
      continue;
    }
    std::string folder = FolderOf(build->first);
    std::string label = folder.empty() ? path : path.substr(folder.size() + 1);
    bool named = std::ranges::any_of(StringsOf(build->second), [&](const std::string& pattern) {
      return Matches(pattern, label);
    });
    if (!named) findings.push_back({path, 0, "is not named in " + build->first});
  }
  return findings;
}

Findings RulesComeThroughLoad(const Tree& tree) {
  static const std::array kNative = {"cc_library(",       "cc_binary(",     "cc_test(",
                                     "cc_proto_library(", "proto_library(", "native."};
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsBuildFile(path) || IsWithin(path, "bazel")) continue;
    size_t number = 0;
    for (const std::string& line : LinesOf(text)) {
      ++number;
      for (const char* rule : kNative) {
        if (line.starts_with(rule)) findings.push_back({path, number, std::string(rule) + ")"});
      }
    }
  }
  return findings;
}

}  // namespace

std::vector<Rule> BuildRules() {
  return {
      {"EverySourceIsBuilt",
       "a file that nothing builds rots unseen: name it in its BUILD.bazel, or remove it.",
       EverySourceIsBuilt},
      {"RulesComeThroughLoad",
       "BUILD files use the macros of //bazel:weir.bzl (weir_library, weir_test, ...): warnings "
       "are "
       "errors in one place, and moving to a newer Bazel is a change of bazel/ alone.",
       RulesComeThroughLoad},
  };
}

std::vector<Rule> AllRules() {
  std::vector<Rule> all;
  for (auto* some : {&LayerRules, &SourceRules, &BuildRules, &DocumentRules}) {
    for (Rule& rule : (*some)()) all.push_back(std::move(rule));
  }
  return all;
}

}  // namespace weir::tidy
