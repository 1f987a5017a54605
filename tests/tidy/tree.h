// SPDX-License-Identifier: Apache-2.0
// The source tree as a value: what the tidy rules judge. Rules never touch the disk.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tidy {

// Path from the root ("common/base/ids.h") to text.
using Tree = std::map<std::string, std::string>;

// Everything below `root` but what git and Bazel keep there, and what .gitignore names.
Tree ReadTree(const std::filesystem::path& root);

// "common/base" of "common/base/ids.h"; empty at the root.
std::string FolderOf(std::string_view path);
// "ids.h" of "common/base/ids.h".
std::string NameOf(std::string_view path);
// "ids" of "common/base/ids.h".
std::string StemOf(std::string_view path);

// Every folder that holds a file, and those above it, without the root.
std::set<std::string> FoldersOf(const Tree& tree);

// Whether `path` is `folder` or lies below it.
bool IsWithin(std::string_view path, std::string_view folder);
bool IsWithinAny(std::string_view path, const std::vector<std::string>& folders);

bool IsCpp(std::string_view path);
bool IsHeader(std::string_view path);
bool IsMarkdown(std::string_view path);
bool IsBuildFile(std::string_view path);
// A shell script: by its name, or by its first line.
bool IsScript(std::string_view path, std::string_view text);
// What only a test links: files of tests/, of folders named testing/ or contract/, and *_test,
// *_contract, *_fuzz, *_fixture, *_world anywhere.
bool IsTestCode(std::string_view path);

std::vector<std::string> LinesOf(std::string_view text);

// C++ with comments and literals blanked out, line for line. #include lines stay as they are.
std::string CodeOnly(std::string_view text);

// Whether `word` stands in `line` by itself, not as a part of a longer identifier.
bool HasWord(std::string_view line, std::string_view word);

}  // namespace weir::tidy
