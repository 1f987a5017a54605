// SPDX-License-Identifier: Apache-2.0
// What may stand in a source file, line by line.
#include <algorithm>
#include <array>
#include <cctype>

#include "tests/tidy/rule.h"

namespace weir::tidy {
namespace {

bool Contains(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

// Calls `judge(line)`, which returns what is wrong or nothing, for each line of `text`.
template <class Judge>
void ForEachLine(const std::string& path, std::string_view text, Findings* findings, Judge judge) {
  size_t number = 0;
  for (const std::string& line : LinesOf(text)) {
    ++number;
    std::string wrong = judge(line);
    if (!wrong.empty()) findings->push_back({path, number, wrong});
  }
}

// The first of `words` that stands in `line`, or nothing.
std::string FirstWord(const std::string& line, const std::vector<std::string>& words) {
  auto found = std::ranges::find_if(words, [&](const auto& word) { return HasWord(line, word); });
  return found == words.end() ? "" : *found;
}

const std::vector<std::string>& SleepingWords() {
  static const std::vector<std::string> kWords = {"sleep_for", "sleep_until", "sleep(", "usleep",
                                                  "nanosleep"};
  return kWords;
}

Findings WorldHasAPlace(const Tree& tree) {
  static const std::vector<std::string> kPlaces = {"bench", "cli", "common/host/posix",
                                                   "common/telemetry", "controller/quorum/rocksdb",
                                                   // Its strand waits for RocksDB's thread.
                                                   "controller/quorum/test_world.h",
                                                   // How long somebody waits for a hunt.
                                                   "tests/scenario/hunt.cc"};
  static const std::vector<std::string> kWords = {"steady_clock",
                                                  "system_clock",
                                                  "high_resolution_clock",
                                                  "clock_gettime",
                                                  "gettimeofday",
                                                  "time(nullptr)",
                                                  "random_device",
                                                  "rand(",
                                                  "std::thread",
                                                  "std::jthread",
                                                  "std::mutex",
                                                  "std::shared_mutex",
                                                  "std::async(",
                                                  "std::condition_variable",
                                                  "std::recursive_mutex"};
  Findings findings;
  for (const auto& [path, text] : tree) {
    bool polls_processes = IsWithinAny(path, {"tests/chaos", "tests/compat"});
    if (!IsCpp(path) || IsWithinAny(path, kPlaces) || polls_processes) continue;
    ForEachLine(path, CodeOnly(text), &findings, [&](const std::string& line) {
      std::string word = FirstWord(line, kWords);
      // A test's sleep has a rule, and a reason, of its own.
      if (word.empty() && !IsTestCode(path)) word = FirstWord(line, SleepingWords());
      return word.empty() ? "" : word + " outside the host";
    });
  }
  return findings;
}

Findings TestsNeverSleep(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsTestCode(path) || IsWithinAny(path, {"tests/chaos", "tests/compat"})) continue;
    if (IsCpp(path)) {
      ForEachLine(path, CodeOnly(text), &findings, [](const std::string& line) {
        std::string word = FirstWord(line, SleepingWords());
        return word.empty() ? "" : word + " in a test";
      });
    } else if (IsScript(path, text)) {
      ForEachLine(path, text, &findings, [](const std::string& line) {
        return HasWord(line.substr(0, line.find('#')), "sleep") ? "sleep in a test" : "";
      });
    }
  }
  return findings;
}

Findings FlagsOnlyInMain(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsCpp(path) || NameOf(path) == "main.cc" || NameOf(path).ends_with("_main.cc")) continue;
    ForEachLine(path, CodeOnly(text), &findings, [](const std::string& line) {
      for (const char* verb : {"DEFINE_", "DECLARE_"}) {
        for (const char* type :
             {"bool(", "int32(", "int64(", "uint32(", "uint64(", "double(", "string("}) {
          std::string macro = std::string(verb) + type;
          if (HasWord(line, macro)) return macro + ") outside main.cc";
        }
      }
      return std::string();
    });
  }
  return findings;
}

// "TODO(#123): sentence." is the one form.
bool IsFiledTodo(std::string_view rest) {
  if (!rest.starts_with("(#")) return false;
  size_t digits = 0;
  while (2 + digits < rest.size() && std::isdigit(static_cast<unsigned char>(rest[2 + digits]))) {
    ++digits;
  }
  return digits > 0 && rest.substr(2 + digits).starts_with("): ");
}

Findings TodosAreFiled(const Tree& tree) {
  // Put together here, so that this file does not find itself.
  static const std::string kTodo = std::string("TO") + "DO";
  static const std::string kFixme = std::string("FIX") + "ME";
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (IsMarkdown(path)) continue;
    ForEachLine(path, text, &findings, [](const std::string& line) -> std::string {
      if (HasWord(line, kFixme)) return "unfinished work";
      if (!HasWord(line, kTodo)) return "";
      return IsFiledTodo(line.substr(line.find(kTodo) + kTodo.size())) ? "" : "not filed as (#n)";
    });
  }
  return findings;
}

// The words of "isr_change_test" without what says which kind of file it is.
std::vector<std::string> WordsOf(std::string stem) {
  for (std::string suffix : {"_test", "_contract", "_fuzz"}) {
    if (stem.ends_with(suffix)) stem.resize(stem.size() - suffix.size());
  }
  std::vector<std::string> words(1);
  for (char c : stem) {
    if (c == '_' || c == '-') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

// Words that are vague wherever they stand, and words that are vague as the noun of a name:
// a data_folder is something, topic_data is not.
std::string VagueWord(const std::string& stem) {
  static const std::vector<std::string> kAnywhere = {"manager", "helper",    "helpers",   "util",
                                                     "utils",   "utilities", "impl",      "misc",
                                                     "wrapper", "stuff",     "processor", "fwd"};
  static const std::vector<std::string> kAsNoun = {"common", "types", "type",    "info",
                                                   "data",   "base",  "context", "handler"};
  std::vector<std::string> words = WordsOf(stem);
  for (const std::string& word : words) {
    if (Contains(kAnywhere, word)) return word;
  }
  return Contains(kAsNoun, words.back()) ? words.back() : "";
}

Findings NamesAreNouns(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsCpp(path) && !path.ends_with(".proto") && !IsScript(path, text)) continue;
    std::string word = VagueWord(StemOf(path));
    if (!word.empty()) findings.push_back({path, 0, "\"" + word + "\" names nothing"});
  }
  for (const std::string& folder : FoldersOf(tree)) {
    if (folder == "common" || folder == "common/base") continue;
    // Kustomize's own word for what overlays stand on.
    if (NameOf(folder) == "base" && tree.contains(folder + "/kustomization.yaml")) continue;
    std::string word = VagueWord(NameOf(folder));
    if (!word.empty()) findings.push_back({folder, 0, "\"" + word + "\" names nothing"});
  }
  return findings;
}

// The identifier behind "class " or "struct " in `line`, or nothing.
std::string DefinedName(const std::string& line) {
  for (std::string keyword : {"class ", "struct "}) {
    size_t at = line.find(keyword);
    if (at == std::string::npos) continue;
    size_t begin = at + keyword.size();
    size_t end = begin;
    while (end < line.size() && std::isalnum(static_cast<unsigned char>(line[end]))) ++end;
    return line.substr(begin, end - begin);
  }
  return "";
}

Findings ClassesAreNouns(const Tree& tree) {
  static const std::vector<std::string> kSuffixes = {"Manager", "Helper",  "Util",     "Utils",
                                                     "Impl",    "Wrapper", "Processor"};
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsCpp(path)) continue;
    ForEachLine(path, CodeOnly(text), &findings, [](const std::string& line) {
      std::string name = DefinedName(line);
      bool vague = std::ranges::any_of(kSuffixes, [&](const auto& s) { return name.ends_with(s); });
      return vague ? name + " says what kind of class it is, not what it is" : "";
    });
  }
  return findings;
}

Findings LicenceIsNamed(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsCpp(path) && !path.ends_with(".proto") && !IsScript(path, text)) continue;
    std::vector<std::string> lines = LinesOf(text);
    size_t at = text.starts_with("#!") ? 1 : 0;
    bool named = lines.size() > at && lines[at].ends_with("SPDX-License-Identifier: Apache-2.0");
    if (!named) findings.push_back({path, at + 1, "no \"SPDX-License-Identifier: Apache-2.0\""});
  }
  return findings;
}

Findings HeadersGuardThemselves(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsHeader(path)) continue;
    if (!Contains(LinesOf(CodeOnly(text)), "#pragma once")) {
      findings.push_back({path, 0, "no #pragma once"});
    }
    std::vector<std::string> lines = LinesOf(text);
    if (lines.size() < 2 || !lines[1].starts_with("// ")) {
      findings.push_back({path, 2, "does not open with what it is"});
    }
  }
  return findings;
}

Findings LinesFit(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsCpp(path)) continue;
    ForEachLine(path, text, &findings, [](const std::string& line) {
      // A code point of UTF-8 begins with any byte but 10xxxxxx.
      auto width = std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; });
      return width > 100 ? std::to_string(width) + " columns" : "";
    });
  }
  return findings;
}

Findings NoMachineIsNamed(const Tree& tree) {
  static const std::array kHomes = {std::string("/ho") + "me/", std::string("/ro") + "ot/",
                                    std::string("/wo") + "rk/", std::string("/Us") + "ers/"};
  Findings findings;
  for (const auto& [path, text] : tree) {
    ForEachLine(path, text, &findings, [](const std::string& line) {
      for (const std::string& home : kHomes) {
        size_t at = line.find(home);
        if (at == std::string::npos) continue;
        char before = at == 0 ? ' ' : line[at - 1];
        bool continues = std::isalnum(static_cast<unsigned char>(before)) || before == '_' ||
                         before == '-' || before == '.' || before == '}' || before == '/';
        if (!continues) return "the path " + home + "... of somebody's machine";
      }
      return std::string();
    });
  }
  return findings;
}

}  // namespace

std::vector<Rule> SourceRules() {
  return {
      {"WorldHasAPlace",
       "time, chance and threads come from the host alone; else the simulation is not the cluster, "
       "and a seed does not replay it.",
       WorldHasAPlace},
      {"TestsNeverSleep",
       "a test that sleeps is slow when it passes and wrong when the machine is busy; wait for the "
       "event, or move the virtual clock. (tests/chaos and tests/compat poll real processes.)",
       TestsNeverSleep},
      {"FlagsOnlyInMain",
       "a flag is a global; main.cc copies flags into a plain Config, and two nodes can live in "
       "one "
       "process.",
       FlagsOnlyInMain},
      {"TodosAreFiled", "what is not done is in the tracker, where somebody will find it.",
       TodosAreFiled},
      {"FilesAreNouns",
       "a file is named for the noun that it defines; a vague name attracts whatever has no home.",
       NamesAreNouns},
      {"ClassesAreNouns", "the same for classes: say what it is, and the suffix falls away.",
       ClassesAreNouns},
      {"LicenceIsNamed", "one line says it for each file, so that a file can travel alone.",
       LicenceIsNamed},
      {"HeadersOpenWell",
       "a header can be included twice, and its second line tells the reader what it is.",
       HeadersGuardThemselves},
      {"LinesFit", "100 columns: two files fit side by side.", LinesFit},
      {"NoMachineIsNamed", "the tree works wherever it is cloned.", NoMachineIsNamed},
  };
}

}  // namespace weir::tidy
