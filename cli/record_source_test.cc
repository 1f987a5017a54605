// SPDX-License-Identifier: Apache-2.0
#include "cli/record_source.h"

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace weir::cli {
namespace {

// All records, and after them what was wrong.
std::vector<InputRecord> All(const std::string& text, InputShape shape,
                             std::string* trouble = nullptr) {
  std::istringstream in(text);
  RecordSource source(in, std::move(shape));
  std::vector<InputRecord> records;
  while (true) {
    auto record = source.Next();
    if (!record && trouble != nullptr) *trouble = record.error().message;
    if (!record || !*record) return records;
    records.push_back(**record);
  }
}

TEST(RecordSource, TakesEachLineAsAValue) {
  EXPECT_EQ(All("a\n\nb", {}), (std::vector<InputRecord>{
                                   {std::nullopt, "a"}, {std::nullopt, ""}, {std::nullopt, "b"}}));
}

TEST(RecordSource, SplitsALineAtTheFirstSeparator) {
  EXPECT_EQ(All("k::v::w\n", {.key_separator = "::"}), (std::vector<InputRecord>{{"k", "v::w"}}));
  std::string trouble;
  All("k:v\nnothing\n", {.key_separator = ":"}, &trouble);
  EXPECT_EQ(trouble, "line 2 has no key: there is no ':' in it");
}

TEST(RecordSource, SplitsStanzasAtEmptyLines) {
  std::string text =
      "\n\nPackage: vim\nDescription: an editor\n .\n with modes\n\n\n"
      "Version: 1\nPackage:  ed  \n";
  EXPECT_EQ(
      All(text, {.stanza_field = "Package"}),
      (std::vector<InputRecord>{{"vim", "Package: vim\nDescription: an editor\n .\n with modes"},
                                {"ed", "Version: 1\nPackage:  ed  "}}));
}

TEST(RecordSource, SaysWhichStanzaHasNoKey) {
  std::string trouble;
  auto records =
      All("Package: a\n\nPackages: b\nOther: c\n", {.stanza_field = "Package"}, &trouble);
  EXPECT_EQ(records.size(), 1u);
  EXPECT_EQ(trouble, "the stanza that begins in line 3 has no field Package");
}

}  // namespace
}  // namespace weir::cli
