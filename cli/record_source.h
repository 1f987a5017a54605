// SPDX-License-Identifier: Apache-2.0
// Splits an input into keyed records: lines, lines with a key before a separator, or the stanzas of
// Debian's control files.
#pragma once

#include <istream>
#include <optional>
#include <string>

#include "common/base/error.h"

namespace weir::cli {

struct InputRecord {
  std::optional<std::string> key;
  std::string value;
  bool operator==(const InputRecord&) const = default;
};

struct InputShape {
  // Lines: what comes before it is the key. Empty: lines have no key.
  std::string key_separator;
  // Stanzas (blocks between empty lines): the field whose value is the key. Empty: lines.
  std::string stanza_field;
};

class RecordSource {
 public:
  RecordSource(std::istream& in, InputShape shape) : in_(in), shape_(std::move(shape)) {}

  // The next record; nothing at the end. Refused: a line without the separator, a stanza without
  // the field.
  Result<std::optional<InputRecord>> Next();

 private:
  Result<std::optional<InputRecord>> NextLine();
  Result<std::optional<InputRecord>> NextStanza();

  std::istream& in_;
  const InputShape shape_;
  int64_t line_ = 0;
};

// The value of a field in a stanza, "Package: vim" gives "vim".
std::optional<std::string> FieldOf(std::string_view stanza, std::string_view field);

}  // namespace weir::cli
