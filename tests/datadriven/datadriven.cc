// SPDX-License-Identifier: Apache-2.0
#include "tests/datadriven/datadriven.h"

#include <glog/logging.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::datadriven {
namespace {

constexpr std::string_view kSeparator = "----";

int64_t ParseNumber(const std::string& text, const std::string& place) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  CHECK(error == std::errc() && end == text.data() + text.size())
      << place << ": \"" << text << "\" is not a number";
  return number;
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool IsComment(const std::string& line) { return line.starts_with('#'); }

// Where the word that begins at `from` ends: a space, but none within parentheses.
size_t EndOfWord(std::string_view line, size_t from) {
  int depth = 0;
  size_t end = from;
  for (; end < line.size() && (depth > 0 || line[end] != ' '); ++end) {
    if (line[end] == '(') ++depth;
    if (line[end] == ')') --depth;
  }
  return end;
}

std::string RunCase(const std::vector<Command>& commands, const Handlers& handlers) {
  std::string shown;
  for (const Command& command : commands) {
    auto handler = handlers.find(command.name);
    CHECK(handler != handlers.end()) << command.place << ": no command \"" << command.name << '"';
    std::string output = handler->second(command);
    if (!output.empty() && output.back() != '\n') output += '\n';
    shown += output;
  }
  return shown.empty() ? "ok\n" : shown;
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  CHECK(in) << "cannot read " << path << ": is it among the test's data?";
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

const std::string& Command::Word(size_t position) const {
  CHECK_LT(position, words.size()) << place << ": " << name << " needs more words";
  return words[position];
}

int64_t Command::Number(size_t position) const { return ParseNumber(Word(position), place); }

std::string Command::Value(const std::string& key, std::optional<std::string> otherwise) const {
  auto found = values.find(key);
  if (found != values.end()) return found->second;
  CHECK(otherwise) << place << ": " << name << " needs " << key << '=';
  return *otherwise;
}

int64_t Command::NumberOf(const std::string& key, std::optional<int64_t> otherwise) const {
  auto found = values.find(key);
  if (found != values.end()) return ParseNumber(found->second, place);
  CHECK(otherwise) << place << ": " << name << " needs " << key << '=';
  return *otherwise;
}

Command ParseCommand(std::string_view line, std::string place) {
  Command command{.place = std::move(place)};
  for (size_t from = 0; from < line.size();) {
    if (line[from] == ' ') {
      ++from;
      continue;
    }
    size_t end = EndOfWord(line, from);
    std::string word(line.substr(from, end - from));
    from = end;
    size_t equals = word.find('=');
    if (command.name.empty()) {
      command.name = std::move(word);
    } else if (equals == std::string::npos) {
      command.words.push_back(std::move(word));
    } else {
      std::string value = word.substr(equals + 1);
      if (value.starts_with('(') && value.ends_with(')')) {
        value = value.substr(1, value.size() - 2);
      }
      command.values[word.substr(0, equals)] = std::move(value);
    }
  }
  return command;
}

std::string Rewritten(const std::string& name, const std::string& text, const Handlers& handlers) {
  std::string result;
  std::vector<Command> commands;
  std::vector<std::string> lines = LinesOf(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    result += lines[i] + '\n';
    if (lines[i] == kSeparator) {
      CHECK(!commands.empty()) << name << ':' << i + 1 << ": no command before " << kSeparator;
      result += RunCase(commands, handlers);
      commands.clear();
      while (i + 1 < lines.size() && !lines[i + 1].empty()) ++i;
    } else if (!lines[i].empty() && !IsComment(lines[i])) {
      commands.push_back(ParseCommand(lines[i], name + ':' + std::to_string(i + 1)));
    }
  }
  CHECK(commands.empty()) << name << ": the last commands have no " << kSeparator;
  return result;
}

void Run(const std::string& path, const Handlers& handlers) {
  std::string text = ReadFile(path);
  std::string observed = Rewritten(path, text, handlers);
  const char* rewrite = std::getenv("WEIR_REWRITE");
  const char* sources = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (rewrite != nullptr && *rewrite != '\0') {
    CHECK(sources != nullptr) << "rewriting needs `bazel run`, which says where the sources are";
    std::ofstream(std::string(sources) + '/' + path) << observed;
    return;
  }
  // Case by case, so that the first difference is short.
  std::vector<std::string> expected = LinesOf(text);
  std::vector<std::string> actual = LinesOf(observed);
  for (size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
    std::string want = i < expected.size() ? expected[i] : "(the end)";
    std::string have = i < actual.size() ? actual[i] : "(the end)";
    if (want == have) continue;
    ADD_FAILURE() << path << ':' << i + 1 << ": expected\n  " << want << "\nobserved\n  " << have
                  << "\nAll that is observed:\n"
                  << observed;
    return;
  }
}

std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  CHECK(!files.empty()) << "no .txt file in " << folder;
  return files;
}

}  // namespace weir::datadriven
