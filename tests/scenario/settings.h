// SPDX-License-Identifier: Apache-2.0
// The "key=value" words of a scenario's line. A value "3..5" is a number that the seed draws, a
// value "flush|cache" one of these. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "tests/sim/chance.h"

namespace weir::scenario {

using Settings = std::map<std::string, std::string>;

// One such value: "30..100ms" becomes "42ms".
std::string Draw(const std::string& value, sim::Chance& chance);

// Draws in the order of the words.
Settings DrawSettings(const std::vector<std::string>& words, sim::Chance& chance);

int NumberOr(const Settings& settings, const std::string& key, int otherwise);

// "2s", "500ms". CHECKs that it is one.
Duration ParseDuration(const std::string& text);

// The words from `from` on, with spaces between.
std::string Join(const std::vector<std::string>& words, size_t from);

}  // namespace weir::scenario
