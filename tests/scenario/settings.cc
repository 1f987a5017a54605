// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/settings.h"

#include <glog/logging.h>

#include <sstream>

namespace weir::scenario {

std::string Draw(const std::string& value, sim::Chance& chance) {
  size_t dots = value.find("..");
  if (dots != std::string::npos) {
    size_t unit = 0;
    int64_t high = std::stoll(value.substr(dots + 2), &unit);
    int64_t drawn = chance.Between(std::stoll(value.substr(0, dots)), high);
    return std::to_string(drawn) + value.substr(dots + 2 + unit);
  }
  std::vector<std::string> choices;
  std::istringstream in(value);
  for (std::string choice; std::getline(in, choice, '|');) choices.push_back(choice);
  return choices.size() < 2 ? value : choices[chance.Below(choices.size())];
}

Settings DrawSettings(const std::vector<std::string>& words, sim::Chance& chance) {
  Settings settings;
  for (const std::string& word : words) {
    size_t equals = word.find('=');
    if (equals == std::string::npos) continue;
    settings[word.substr(0, equals)] = Draw(word.substr(equals + 1), chance);
  }
  return settings;
}

int NumberOr(const Settings& settings, const std::string& key, int otherwise) {
  auto found = settings.find(key);
  return found == settings.end() ? otherwise : std::stoi(found->second);
}

Duration ParseDuration(const std::string& text) {
  size_t unit = 0;
  long long number = std::stoll(text, &unit);
  std::string suffix = text.substr(unit);
  CHECK(suffix == "s" || suffix == "ms") << "'" << text << "' is no duration, as 2s or 500ms are";
  return suffix == "s" ? Duration(std::chrono::seconds(number))
                       : Duration(std::chrono::milliseconds(number));
}

std::string Join(const std::vector<std::string>& words, size_t from) {
  std::string text;
  for (size_t i = from; i < words.size(); ++i) text += (i > from ? " " : "") + words[i];
  return text;
}

}  // namespace weir::scenario
