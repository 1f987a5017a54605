// SPDX-License-Identifier: Apache-2.0
// Links lead somewhere, and the architecture page shows the tree that is there.
#include <algorithm>
#include <cctype>
#include <optional>

#include "tests/tidy/rule.h"

namespace weir::tidy {
namespace {

struct Link {
  size_t line = 0;
  std::string target;
};

// The lines of a page outside its ``` blocks; those inside are empty.
std::vector<std::string> ProseOf(const std::string& text) {
  std::vector<std::string> lines = LinesOf(text);
  bool fenced = false;
  for (std::string& line : lines) {
    bool fence = line.find_first_not_of(' ') == line.find("```") && line.contains("```");
    if (fence) fenced = !fenced;
    if (fence || fenced) line.clear();
  }
  return lines;
}

// The targets of [words](target).
std::vector<Link> LinksOf(const std::string& text) {
  std::vector<Link> links;
  size_t number = 0;
  for (const std::string& line : ProseOf(text)) {
    ++number;
    for (size_t at = line.find("]("); at != std::string::npos; at = line.find("](", at + 1)) {
      size_t end = line.find(')', at);
      if (end != std::string::npos) links.push_back({number, line.substr(at + 2, end - at - 2)});
    }
  }
  return links;
}

// What a heading is called in a link: "## First five minutes" is "first-five-minutes".
std::string AnchorOf(std::string_view heading) {
  std::string anchor;
  for (char c : heading.substr(heading.find_first_not_of("# "))) {
    unsigned char u = static_cast<unsigned char>(c);
    if (std::isalnum(u) || c == '-' || c == '_' || u >= 0x80) {
      anchor += static_cast<char>(std::tolower(u));
    } else if (c == ' ') {
      anchor += '-';
    }
  }
  return anchor;
}

bool HasAnchor(const std::string& page, const std::string& anchor) {
  return std::ranges::any_of(ProseOf(page), [&](const std::string& line) {
    return line.starts_with("#") && line.find_first_not_of("# ") != std::string::npos &&
           AnchorOf(line) == anchor;
  });
}

// Where `target` leads from `folder`, or nothing where it climbs out of the tree.
std::optional<std::string> Resolve(const std::string& folder, const std::string& target) {
  std::filesystem::path path = (std::filesystem::path(folder) / target).lexically_normal();
  std::string text = path.generic_string();
  while (text.ends_with('/')) text.pop_back();
  if (text == "..") return std::nullopt;
  return text.starts_with("../") ? std::nullopt : std::optional(text);
}

std::string JudgeLink(const Tree& tree, const std::set<std::string>& folders,
                      const std::string& page, const std::string& target) {
  if (target.contains("://") || target.starts_with("mailto:")) return "";
  size_t hash = std::min(target.find('#'), target.size());
  std::optional<std::string> path = page;
  if (hash > 0) path = Resolve(FolderOf(page), target.substr(0, hash));
  if (!path) return target + " leads out of the tree";
  auto found = tree.find(*path);
  if (found == tree.end()) {
    bool is_folder = *path == "." || folders.contains(*path);
    return is_folder && hash == target.size() ? "" : target + " leads nowhere";
  }
  if (hash == target.size() || !IsMarkdown(*path)) return "";
  return HasAnchor(found->second, target.substr(hash + 1)) ? "" : target + ": no such heading";
}

Findings LinksLeadSomewhere(const Tree& tree) {
  std::set<std::string> folders = FoldersOf(tree);
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsMarkdown(path)) continue;
    for (const Link& link : LinksOf(text)) {
      std::string wrong = JudgeLink(tree, folders, path, link.target);
      if (!wrong.empty()) findings.push_back({path, link.line, wrong});
    }
  }
  return findings;
}

// Pages that code and other pages name in passing, by their path from the root.
Findings NamedPagesExist(const Tree& tree) {
  static const std::string kDocs = "docs/";
  Findings findings;
  for (const auto& [path, text] : tree) {
    size_t number = 0;
    for (const std::string& line : LinesOf(text)) {
      ++number;
      for (size_t at = line.find(kDocs); at != std::string::npos; at = line.find(kDocs, at + 1)) {
        size_t end = line.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./", at);
        std::string page = line.substr(at, std::min(end, line.size()) - at);
        while (page.ends_with('.')) page.pop_back();
        bool begins = at == 0 || !std::isalnum(static_cast<unsigned char>(line[at - 1]));
        // The literals of a test are its examples.
        bool example = IsCpp(path) && IsTestCode(path) && line.find("//") > at;
        bool from_root = at == 0 || (line[at - 1] != '/' && line[at - 1] != '.');
        if (begins && from_root && !example && IsMarkdown(page) && !tree.contains(page)) {
          findings.push_back({path, number, page + " does not exist"});
        }
      }
    }
  }
  return findings;
}

constexpr const char* kArchitecture = "docs/ARCHITECTURE.md";

struct ShownFolder {
  size_t line = 0;
  std::string path;
};

// The folders of the fenced block below "## The tree": one a line, two blanks of indent a level,
// "name/" and a caption. "a/b/" shows b, and a with it.
std::vector<ShownFolder> ShownFolders(const std::string& page) {
  std::vector<ShownFolder> shown;
  std::vector<std::string> parents;
  bool in_section = false;
  bool in_block = false;
  size_t number = 0;
  for (const std::string& line : LinesOf(page)) {
    ++number;
    if (line.starts_with("```")) {
      in_block = in_section && !in_block;
    } else if (!in_block) {
      if (line.starts_with("#")) in_section = line == "## The tree";
    } else if (size_t indent = line.find_first_not_of(' '); indent != std::string::npos) {
      std::string name = line.substr(indent, line.find(' ', indent) - indent);
      if (!name.ends_with('/')) continue;
      name.pop_back();
      parents.resize(std::min(indent / 2, parents.size()));
      std::string path = parents.empty() ? name : parents.back() + "/" + name;
      for (std::string f = path; f.size() > (parents.empty() ? 0 : parents.back().size());
           f = FolderOf(f)) {
        shown.push_back({number, f});
      }
      parents.push_back(path);
    }
  }
  return shown;
}

bool NeedsNoCaption(const std::string& folder) {
  return folder.starts_with(".") || NameOf(folder) == "testdata" || folder.contains("/testdata/");
}

Findings ArchitectureShowsTheTree(const Tree& tree) {
  auto page = tree.find(kArchitecture);
  if (page == tree.end()) return {{kArchitecture, 0, "is missing"}};
  std::set<std::string> folders = FoldersOf(tree);
  std::set<std::string> shown;
  Findings findings;
  for (const ShownFolder& folder : ShownFolders(page->second)) {
    if (!folders.contains(folder.path)) {
      findings.push_back({kArchitecture, folder.line, folder.path + "/ is not in the tree"});
    } else if (!shown.insert(folder.path).second) {
      findings.push_back({kArchitecture, folder.line, folder.path + "/ is shown twice"});
    }
  }
  for (const std::string& folder : folders) {
    if (!NeedsNoCaption(folder) && !shown.contains(folder)) {
      findings.push_back({kArchitecture, 0, folder + "/ is not shown"});
    }
  }
  return findings;
}

}  // namespace

std::vector<Rule> DocumentRules() {
  return {
      {"LinksLeadSomewhere", "a dead link costs each reader a minute and the page its trust.",
       LinksLeadSomewhere},
      {"NamedPagesExist", "code refers to the page that says why; the page must be there.",
       NamedPagesExist},
      {"ArchitectureShowsTheTree",
       "a page about the tree is right on the day it is written; only a test keeps it so. Add the "
       "folder with a caption below \"The tree\", or ask whether it needs to be a folder.",
       ArchitectureShowsTheTree},
  };
}

}  // namespace weir::tidy
