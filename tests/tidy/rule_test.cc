// SPDX-License-Identifier: Apache-2.0
// Each rule finds its small bad example, and leaves the good one beside it in peace.
#include "tests/tidy/rule.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::tidy {
namespace {

const std::string kLicence = "// SPDX-License-Identifier: Apache-2.0\n";
const std::string kTodo = std::string("// TO") + "DO";

struct Example {
  std::string rule;
  std::string path;
  std::string bad;
  std::string good;
  // What else is in the tree.
  Tree around = {};
  // Where the good text stands, if elsewhere.
  std::string good_path = path;
};

void PrintTo(const Example& example, std::ostream* out) {
  *out << example.rule << " in " << example.path;
}

std::vector<Example> Layers() {
  return {
      {"LayersPointDown", "common/codec/a.h", "#include \"controller/raft/raft.h\"\n",
       "#include \"common/base/ids.h\"\n"},
      {"LayersPointDown", "controller/quorum/a.cc", "#include \"storage/log/log.h\"\n",
       "#include \"common/machine/machine_log.h\"\n"},
      {"LayersPointDown", "storage/broker/a.cc", "#include \"controller/service/b.h\"\n",
       "// #include \"controller/service/b.h\"\n"},
      {"LayersPointDown", "client/core/a.cc", "#include \"storage/broker/b.h\"\n",
       "const char* kText = R\"(\n#include \"storage/broker/b.h\"\n)\";\n"},
      {"LayersPointDown", "cli/a.cc", "#include \"controller/quorum/quorum.h\"\n",
       "#include \"controller/quorum/founding.h\"\n"},
      {"PureCodeSeesNoHost", "controller/raft/raft.h", "#include \"common/host/clock.h\"\n",
       "#include \"common/base/time.h\"\n"},
      {"PureCodeSeesNoHost", "storage/replica/a.h", "#include \"storage/partition/b.h\"\n",
       "#include \"common/collections/epoch_history.h\"\n"},
      {"PureCodeLogsNothing", "storage/replica/a.cc", "  LOG(INFO) << 1;\n",
       "  CHECK(x) << 1;\n  CATALOG(y);\n"},
      {"NobodyIncludesTests", "storage/log/log.cc", "#include \"tests/sim/world.h\"\n",
       "#include \"storage/log/log.h\"\n"},
      {"NobodyIncludesTests", "storage/log/log.cc", "#include <gtest/gtest.h>\n",
       "#include <string>\n"},
      {"NobodyIncludesTests", "storage/log/log.cc", "#include \"storage/log/log_fixture.h\"\n",
       "#include <gtest/gtest.h>\n", {}, "storage/log/log_fixture.h"},
      {"LibrariesHaveAPlace", "storage/grpc/a.cc", "#include <grpcpp/grpcpp.h>\n",
       "#include \"common/host/network.h\"\n"},
      {"LibrariesHaveAPlace", "controller/quorum/a.cc", "#include <rocksdb/db.h>\n",
       "#include \"controller/quorum/rocksdb/b.h\"\n"},
  };
}

std::vector<Example> Sources() {
  return {
      {"WorldHasAPlace", "storage/log/a.cc", "  auto t = std::chrono::steady_clock::now();\n",
       "  auto t = clock.Now();  // Not steady_clock.\n"},
      {"WorldHasAPlace", "storage/log/a_test.cc", "  std::thread t(f);\n",
       "  std::this_thread::get_id();\n"},
      {"WorldHasAPlace", "common/machine/a.cc", "  usleep(3);\n", "  strand.RunAt(t, f);\n"},
      {"TestsNeverSleep", "common/host/posix/a_test.cc", "  std::this_thread::sleep_for(1ms);\n",
       "  Log(\"sleep_for\");\n"},
      {"TestsNeverSleep", "tests/kubernetes/try.sh", "sleep 3\n", "# No sleep.\nkubectl wait\n"},
      {"FlagsOnlyInMain", "storage/log/a.cc", "DEFINE_int32(a, 1, \"\");\n",
       "#define DEFINE_NOTHING\n"},
      {"TodosAreFiled", "storage/log/a.cc", kTodo + ": later\n", kTodo + "(#12): Later.\n"},
      {"TodosAreFiled", "storage/log/b.cc", std::string("// FIX") + "ME\n", "// FIXED\n"},
      {"FilesAreNouns", "storage/log/segment_util.h", "", "", {}, "storage/log/segment.h"},
      {"FilesAreNouns", "deploy/other/base/a.yaml", "", "", {}, "deploy/b/base/kustomization.yaml"},
      {"FilesAreNouns", "storage/topic_data/a.h", "", "", {}, "common/identity/data_folder.h"},
      {"ClassesAreNouns", "storage/log/a.h", "class LogManager {\n", "class Log;  // LogManager\n"},
      {"LicenceIsNamed", "proto/a.proto", "syntax = \"proto3\";\n", kLicence},
      {"LicenceIsNamed", "run", "#!/bin/bash\necho\n",
       "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n"},
      {"HeadersOpenWell", "storage/a.h", kLicence + "// A.\n", kLicence + "// A.\n#pragma once\n"},
      {"HeadersOpenWell", "storage/a.h", kLicence + "#pragma once\n",
       kLicence + "// A.\n#pragma once\n"},
      {"LinesFit", "storage/a.cc", std::string(101, '/'), std::string(98, '/') + "\u00e9\u00e9"},
      {"NoMachineIsNamed", "docs/a.md", std::string("cd /ho") + "me/me/weir\n",
       "cd weir; the net/work/ of others\n"},
  };
}

std::vector<Example> Builds() {
  return {
      {"EverySourceIsBuilt",
       "storage/BUILD.bazel",
       "# \"log.cc\"\n",
       "srcs = [\"log.cc\"],\n",
       {{"storage/log.cc", ""}}},
      {"EverySourceIsBuilt",
       "a/BUILD.bazel",
       "glob([\"*.txt\"])\n",
       "glob([\"testdata/*.txt\"])\n",
       {{"a/testdata/one.txt", ""}}},
      {"EverySourceIsBuilt",
       "a/BUILD.bazel",
       "glob([\"b/*.cc\"])\n",
       "glob([\"**/*.cc\"])\n",
       {{"a/b/c/d.cc", ""}}},
      {"EverySourceIsBuilt", "b/BUILD.bazel", "", "\"c.h\"\n", {{"b/c.h", ""}}},
      {"RulesComeThroughLoad", "a/BUILD.bazel", "cc_library(\n", "weir_library(\n"},
  };
}

std::vector<Example> Documents() {
  const std::string shown = "## The tree\n```\na/   one\n  b/c/   two\nREADME.md\n```\ndocs/\n";
  return {
      {"LinksLeadSomewhere",
       "docs/a.md",
       "[x](b.md)\n",
       "[x](../README.md) [y](../docs/)\n",
       {{"README.md", ""}}},
      {"LinksLeadSomewhere", "docs/a.md", "[x](#two)\n# One\n", "[x](#one-and-2)\n## One, and 2\n"},
      {"LinksLeadSomewhere", "docs/a.md", "[x](../../out.md)\n", "```\n[x](../../out.md)\n```\n"},
      {"NamedPagesExist",
       "a.cc",
       "// See do" "cs/decisions/0009-none.md.\n",
       "// See docs/STYLE.md, or https://x.org/docs/none.md.\n",
       {{"docs/STYLE.md", ""}}},
      {"NamedPagesExist", "a_test.cc", "  F(1);  // See do" "cs/none.md.\n",
       "  F(\"do" "cs/none.md\");\n"},
      {"ArchitectureShowsTheTree",
       "docs/ARCHITECTURE.md",
       "# No tree\n",
       "## The tree\n```\na/  one\n  b/c/   two\ndocs/  three\n```\n",
       {{"a/b/c/d.h", ""}}},
      {"ArchitectureShowsTheTree",
       "docs/ARCHITECTURE.md",
       "## The tree\n```\na/  one\ndocs/  two\ngone/  three\n```\n",
       "## The tree\n```\na/  one\ndocs/  two\n```\n",
       {{"a/d.h", ""}, {"a/testdata/e.txt", ""}}},
  };
}

std::vector<Example> AllExamples() {
  std::vector<Example> all;
  for (auto* some : {&Layers, &Sources, &Builds, &Documents}) {
    for (Example& example : (*some)()) all.push_back(std::move(example));
  }
  return all;
}

Rule RuleNamed(const std::string& name) {
  for (Rule& rule : AllRules()) {
    if (rule.name == name) return rule;
  }
  ADD_FAILURE() << "no rule " << name;
  return AllRules().front();
}

Findings Judge(const Example& example, const std::string& path, const std::string& text) {
  Tree tree = example.around;
  tree[path] = text;
  return RuleNamed(example.rule).judge(tree);
}

class RuleExample : public testing::TestWithParam<Example> {};

TEST_P(RuleExample, FindsTheBadOne) {
  EXPECT_FALSE(Judge(GetParam(), GetParam().path, GetParam().bad).empty());
}

TEST_P(RuleExample, LeavesTheGoodOne) {
  for (const Finding& finding : Judge(GetParam(), GetParam().good_path, GetParam().good)) {
    ADD_FAILURE() << finding.path << ":" << finding.line << ": " << finding.what;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RuleExample, testing::ValuesIn(AllExamples()));

TEST(Rules, EachHasAnExampleAndAReason) {
  std::vector<Example> examples = AllExamples();
  for (const Rule& rule : AllRules()) {
    EXPECT_TRUE(std::ranges::any_of(examples, [&](const Example& example) {
      return example.rule == rule.name;
    })) << rule.name;
    EXPECT_FALSE(rule.why.empty()) << rule.name;
  }
}

TEST(CodeOnly, BlanksWhatIsNotCode) {
  EXPECT_EQ(CodeOnly("a; // b\nc /* d\ne */ f"), "a;     \nc     \n     f");
  EXPECT_EQ(CodeOnly("x = 1'000'000; y = 'q'; z"), "x = 1'000'000; y =    ; z");
  EXPECT_EQ(CodeOnly("s = \"a\\\"b\"; t"), "s =       ; t");
  EXPECT_EQ(CodeOnly("R\"x(a\")\")x\"; u"), std::string(11, ' ') + "; u");
  EXPECT_EQ(CodeOnly("#include \"a.h\"\n\"b\""), "#include \"a.h\"\n   ");
}

TEST(HasWord, MindsWhereIdentifiersEnd) {
  EXPECT_TRUE(HasWord("std::rand();", "rand("));
  EXPECT_FALSE(HasWord("operand();", "rand("));
  EXPECT_FALSE(HasWord("std::thread_local_x", "std::thread"));
  EXPECT_TRUE(HasWord("(std::thread)", "std::thread"));
}

}  // namespace
}  // namespace weir::tidy
