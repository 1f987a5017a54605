// SPDX-License-Identifier: Apache-2.0
// Who may include what. Bazel's visibility says the same, target by target; this says it at once.
#include <algorithm>

#include "tests/tidy/rule.h"

namespace weir::tidy {
namespace {

struct Include {
  size_t line = 0;
  std::string header;
};

std::vector<Include> IncludesOf(const std::string& text) {
  std::vector<Include> includes;
  size_t number = 0;
  for (const std::string& line : LinesOf(CodeOnly(text))) {
    ++number;
    if (!line.starts_with("#include")) continue;
    size_t open = line.find_first_of("\"<");
    size_t close = line.find_last_of("\">");
    if (open == std::string::npos || close <= open) continue;
    includes.push_back({number, line.substr(open + 1, close - open - 1)});
  }
  return includes;
}

// Calls `judge(path, include)`, which returns what is wrong or nothing, for each include there is.
template <class Judge>
Findings ForEachInclude(const Tree& tree, Judge judge) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsCpp(path)) continue;
    for (const Include& include : IncludesOf(text)) {
      std::string wrong = judge(path, include.header);
      if (!wrong.empty()) findings.push_back({path, include.line, wrong});
    }
  }
  return findings;
}

struct Layer {
  std::string folder;
  std::vector<std::string> never;
};

// `weir cluster init` plans the founding that controllers then check: one pure plan, for both.
constexpr const char* kFoundingPlan = "controller/quorum/founding.h";

Findings Down(const Tree& tree) {
  static const std::vector<Layer> kLayers = {
      {"common", {"controller", "storage", "client", "cli", "console", "bench"}},
      {"controller", {"storage", "client", "cli", "console", "bench"}},
      {"storage", {"controller", "client", "cli", "console", "bench"}},
      {"client", {"controller", "storage", "cli", "console", "bench"}},
      {"cli", {"controller", "storage", "bench"}},
  };
  return ForEachInclude(tree, [](const std::string& path, const std::string& header) {
    for (const Layer& layer : kLayers) {
      if (IsWithin(path, "cli") && header == kFoundingPlan) continue;
      if (IsWithin(path, layer.folder) && IsWithinAny(header, layer.never)) {
        return layer.folder + "/ may not include " + header;
      }
    }
    return std::string();
  });
}

const std::vector<std::string>& PureFolders() {
  static const std::vector<std::string> kPure = {
      "client/core",       "common/codec",    "common/collections",
      "common/machine",    "common/metadata", "common/records",
      "controller/decide", "controller/raft", "storage/compaction/core",
      "storage/replica",
  };
  return kPure;
}

bool IsPure(const std::string& path) {
  return IsWithinAny(path, PureFolders()) && !IsTestCode(path);
}

// What a pure package reads of ours is itself pure, or words without behaviour.
Findings PureSeesNoHost(const Tree& tree) {
  static const std::vector<std::string> kOurs = {"client",  "common", "controller",
                                                 "storage", "cli",    "tests"};
  return ForEachInclude(tree, [](const std::string& path, const std::string& header) {
    if (!IsPure(path) || !IsWithinAny(header, kOurs)) return std::string();
    if (IsWithinAny(header, PureFolders()) || IsWithin(header, "common/base")) return std::string();
    return "pure code may not include " + header;
  });
}

Findings PureLogsNothing(const Tree& tree) {
  Findings findings;
  for (const auto& [path, text] : tree) {
    if (!IsCpp(path) || !IsPure(path)) continue;
    size_t number = 0;
    for (const std::string& line : LinesOf(CodeOnly(text))) {
      ++number;
      for (const char* word : {"LOG(", "VLOG(", "LOG_IF(", "LOG_EVERY_N(", "std::cerr"}) {
        if (HasWord(line, word))
          findings.push_back({path, number, std::string(word) + " in pure code"});
      }
    }
  }
  return findings;
}

Findings TestsAreNotIncluded(const Tree& tree) {
  return ForEachInclude(tree, [](const std::string& path, const std::string& header) {
    bool of_tests = IsWithin(header, "tests") || (IsCpp(header) && IsTestCode(header)) ||
                    header.starts_with("gtest/") || header.starts_with("gmock/");
    return of_tests && !IsTestCode(path) ? "includes " + header : std::string();
  });
}

struct Library {
  std::string headers;
  std::vector<std::string> places;
};

Findings LibrariesHaveAPlace(const Tree& tree) {
  static const std::vector<Library> kLibraries = {
      {"grpc/", {"common/host/posix"}},
      {"grpcpp/", {"common/host/posix"}},
      {"rocksdb/", {"controller/quorum/rocksdb"}},
      {"isa-l/", {"common/codec"}},
      {"isa-l.h", {"common/codec"}},
      {"CLI/", {"cli"}},
      {"benchmark/", {"bench"}},
  };
  return ForEachInclude(tree, [](const std::string& path, const std::string& header) {
    for (const Library& library : kLibraries) {
      if (header.starts_with(library.headers) && !IsWithinAny(path, library.places)) {
        return "<" + header + "> belongs in " + library.places.front() + " alone";
      }
    }
    return std::string();
  });
}

}  // namespace

std::vector<Rule> LayerRules() {
  return {
      {"LayersPointDown",
       "common knows neither service, the services never see each other, and nobody below knows "
       "the client: so each can be read, built and replaced alone.",
       Down},
      {"PureCodeSeesNoHost",
       "a core, a machine or a value is a function of its inputs; whatever of the world it needs, "
       "it is told. Only so can it be replayed from a seed.",
       PureSeesNoHost},
      {"PureCodeLogsNothing",
       "a core that wants a log line is missing an effect; its driver logs. (CHECK stays.)",
       PureLogsNothing},
      {"NobodyIncludesTests",
       "what production needs lives in production; test code may be slow, lax and full of fakes.",
       TestsAreNotIncluded},
      {"LibrariesHaveAPlace",
       "a library that shows in one folder can be replaced there; gRPC's headers also cost ten "
       "seconds for each file that sees them, and the simulation must link none of it.",
       LibrariesHaveAPlace},
  };
}

}  // namespace weir::tidy
