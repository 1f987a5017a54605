// SPDX-License-Identifier: Apache-2.0
#include "tests/tidy/tree.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>

namespace weir::tidy {
namespace {

namespace fs = std::filesystem;

bool IsNoSource(const std::string& name, bool at_root) {
  if (name == ".git" || name == ".weir" || name.ends_with(".swp")) return true;
  return at_root && (name.starts_with("bazel-") || name == "user.bazelrc");
}

void ReadFolder(const fs::path& folder, const std::string& prefix, Tree* tree) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (IsNoSource(name, prefix.empty())) continue;
    if (entry.is_symlink()) continue;
    if (entry.is_directory()) {
      ReadFolder(entry.path(), prefix + name + "/", tree);
    } else if (entry.is_regular_file()) {
      std::ifstream file(entry.path(), std::ios::binary);
      tree->emplace(prefix + name, std::string(std::istreambuf_iterator<char>(file), {}));
    }
  }
}

bool IsIdentifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Walks over C++ text once; what is not code becomes blanks.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text), out_(text) {}

  std::string Run() {
    while (at_ < text_.size()) Step();
    return std::move(out_);
  }

 private:
  bool Next(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void Step() {
    if (Next("#include") && AtLineStart()) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (Next("//")) {
      BlankTo(text_.find('\n', at_));
    } else if (Next("/*")) {
      BlankBehind("*/", 2);
    } else if (Next("R\"") && (at_ == 0 || !IsIdentifier(text_[at_ - 1]))) {
      BlankRawString();
    } else if (text_[at_] == '"' || (text_[at_] == '\'' && !IsDigitSeparator())) {
      BlankQuoted(text_[at_]);
    } else {
      ++at_;
    }
  }

  bool AtLineStart() const { return at_ == 0 || text_[at_ - 1] == '\n'; }
  bool IsDigitSeparator() const {
    return at_ > 0 && std::isxdigit(static_cast<unsigned char>(text_[at_ - 1]));
  }

  void BlankTo(size_t end) {
    end = std::min(end, text_.size());
    for (; at_ < end; ++at_) {
      if (out_[at_] != '\n') out_[at_] = ' ';
    }
  }

  void BlankBehind(std::string_view closing, size_t skip) {
    size_t end = text_.find(closing, at_ + skip);
    BlankTo(end == std::string_view::npos ? end : end + closing.size());
  }

  void BlankRawString() {
    size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) return BlankTo(open);
    std::string closing = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    BlankBehind(closing, open - at_);
  }

  void BlankQuoted(char quote) {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    BlankTo(end + 1);
  }

  std::string_view text_;
  std::string out_;
  size_t at_ = 0;
};

}  // namespace

Tree ReadTree(const fs::path& root) {
  Tree tree;
  ReadFolder(root, "", &tree);
  return tree;
}

std::string FolderOf(std::string_view path) {
  size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? "" : path.substr(0, slash));
}

std::string NameOf(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::string StemOf(std::string_view path) {
  std::string name = NameOf(path);
  return name.substr(0, name.find('.', 1));
}

std::set<std::string> FoldersOf(const Tree& tree) {
  std::set<std::string> folders;
  for (const auto& [path, text] : tree) {
    for (std::string f = FolderOf(path); !f.empty(); f = FolderOf(f)) folders.insert(f);
  }
  return folders;
}

bool IsWithin(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) &&
         (path.size() == folder.size() || folder.ends_with('/') || path[folder.size()] == '/');
}

bool IsWithinAny(std::string_view path, const std::vector<std::string>& folders) {
  return std::ranges::any_of(folders, [&](const auto& folder) { return IsWithin(path, folder); });
}

bool IsCpp(std::string_view path) { return path.ends_with(".cc") || path.ends_with(".h"); }
bool IsHeader(std::string_view path) { return path.ends_with(".h"); }
bool IsMarkdown(std::string_view path) { return path.ends_with(".md"); }
bool IsBuildFile(std::string_view path) {
  std::string name = NameOf(path);
  return name == "BUILD.bazel" || name == "BUILD";
}
bool IsScript(std::string_view path, std::string_view text) {
  return path.ends_with(".sh") || text.starts_with("#!");
}

bool IsTestCode(std::string_view path) {
  if (IsWithin(path, "tests")) return true;
  std::string folder = NameOf(FolderOf(path));
  if (folder == "testing" || folder == "contract") return true;
  std::string stem = StemOf(path);
  return std::ranges::any_of(std::array{"_test", "_contract", "_fuzz", "_fixture", "_world"},
                             [&](const char* suffix) { return stem.ends_with(suffix); });
}

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string CodeOnly(std::string_view text) { return Blanker(text).Run(); }

bool HasWord(std::string_view line, std::string_view word) {
  for (size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    bool begins = at == 0 || !IsIdentifier(line[at - 1]) || !IsIdentifier(word.front());
    size_t after = at + word.size();
    bool ends = after >= line.size() || !IsIdentifier(line[after]) || !IsIdentifier(word.back());
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace weir::tidy
