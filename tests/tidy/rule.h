// SPDX-License-Identifier: Apache-2.0
// What the tidy test judges by: each rule has a reason, and is a function of the tree alone.
#pragma once

#include <string>
#include <vector>

#include "tests/tidy/tree.h"

namespace weir::tidy {

struct Finding {
  std::string path;
  size_t line = 0;  // From 1; 0 is the whole file.
  std::string what;
};
using Findings = std::vector<Finding>;

struct Rule {
  std::string name;
  // Printed with each finding: a rule that nobody can explain goes.
  std::string why;
  Findings (*judge)(const Tree&);
};

// Who may include what, and which library shows where.
std::vector<Rule> LayerRules();
// What stands in a source file: clocks, sleeping, names, width, licence.
std::vector<Rule> SourceRules();
// Every source is built, and by our own macros.
std::vector<Rule> BuildRules();
// Links lead somewhere; ARCHITECTURE.md shows the tree that is there.
std::vector<Rule> DocumentRules();

std::vector<Rule> AllRules();

}  // namespace weir::tidy
