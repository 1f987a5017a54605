// SPDX-License-Identifier: Apache-2.0
// What the test of a planted bug is called: the bug's words, as GoogleTest lets names be.
#pragma once

#include <cctype>
#include <string>
#include <string_view>

namespace weir {

inline std::string NameOfBug(std::string_view bug) {
  std::string name;
  for (char c : bug) {
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
    if (c == ' ' && !name.ends_with('_')) name += '_';
  }
  return name;
}

}  // namespace weir
