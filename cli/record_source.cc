// SPDX-License-Identifier: Apache-2.0
#include "cli/record_source.h"

namespace weir::cli {

Result<std::optional<InputRecord>> RecordSource::Next() {
  return shape_.stanza_field.empty() ? NextLine() : NextStanza();
}

Result<std::optional<InputRecord>> RecordSource::NextLine() {
  std::string line;
  if (!std::getline(in_, line)) return std::nullopt;
  ++line_;
  if (shape_.key_separator.empty()) return InputRecord{std::nullopt, std::move(line)};
  size_t at = line.find(shape_.key_separator);
  if (at == std::string::npos) {
    return Fail(Error::Kind::kInvalid, "line " + std::to_string(line_) +
                                           " has no key: there is no '" + shape_.key_separator +
                                           "' in it");
  }
  return InputRecord{line.substr(0, at), line.substr(at + shape_.key_separator.size())};
}

Result<std::optional<InputRecord>> RecordSource::NextStanza() {
  std::string stanza;
  std::string line;
  int64_t first = 0;
  while (std::getline(in_, line)) {
    ++line_;
    if (line.empty()) {
      if (stanza.empty()) continue;
      break;
    }
    if (stanza.empty()) {
      first = line_;
    } else {
      stanza += '\n';
    }
    stanza += line;
  }
  if (stanza.empty()) return std::nullopt;
  auto key = FieldOf(stanza, shape_.stanza_field);
  if (!key) {
    return Fail(Error::Kind::kInvalid, "the stanza that begins in line " + std::to_string(first) +
                                           " has no field " + shape_.stanza_field);
  }
  return InputRecord{std::move(*key), std::move(stanza)};
}

std::optional<std::string> FieldOf(std::string_view stanza, std::string_view field) {
  while (!stanza.empty()) {
    size_t end = stanza.find('\n');
    std::string_view line = stanza.substr(0, end);
    stanza = end == std::string_view::npos ? "" : stanza.substr(end + 1);
    if (!line.starts_with(field) || line.size() <= field.size() || line[field.size()] != ':') {
      continue;
    }
    std::string_view value = line.substr(field.size() + 1);
    size_t from = value.find_first_not_of(" \t");
    if (from == std::string_view::npos) return "";
    return std::string(value.substr(from, value.find_last_not_of(" \t") - from + 1));
  }
  return std::nullopt;
}

}  // namespace weir::cli
