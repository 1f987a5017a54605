// SPDX-License-Identifier: Apache-2.0
#include "cli/listing.h"

#include <algorithm>
#include <cctype>
#include <ostream>

namespace weir::cli {
namespace {

std::string Title(const std::string& column) {
  std::string title = column;
  for (char& c : title) c = c == '_' ? '-' : static_cast<char>(std::toupper(c));
  return title;
}

std::string Label(const std::string& member) {
  std::string label = member;
  std::ranges::replace(label, '_', ' ');
  if (!label.empty()) label[0] = static_cast<char>(std::toupper(label[0]));
  return label + ":";
}

// The last cell of a line is not padded: no line ends in blanks.
void PrintLine(std::ostream& out, const std::vector<std::string>& cells,
               const std::vector<size_t>& widths) {
  for (size_t i = 0; i < cells.size(); ++i) {
    out << cells[i];
    if (i + 1 < cells.size()) out << std::string(widths[i] - cells[i].size() + 2, ' ');
  }
  out << '\n';
}

}  // namespace

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "-";
  if (!value.is_array()) return value.dump();
  std::string text = "[";
  for (const Json& each : value) {
    if (text.size() > 1) text += ' ';
    text += TextOf(each);
  }
  return text + "]";
}

void Listing::Add(std::vector<Json> row) {
  row.resize(columns_.size());
  rows_.push_back(std::move(row));
}

void Listing::PrintText(std::ostream& out) const {
  std::vector<std::vector<std::string>> lines(1);
  for (const std::string& column : columns_) lines[0].push_back(Title(column));
  for (const auto& row : rows_) {
    auto& line = lines.emplace_back();
    for (const Json& value : row) {
      std::string text = TextOf(value);
      line.push_back(text.empty() ? "-" : text);
    }
  }
  std::vector<size_t> widths(columns_.size());
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) PrintLine(out, line, widths);
}

Json Listing::ToJson() const {
  Json list = Json::array();
  for (const auto& row : rows_) {
    Json object = Json::object();
    for (size_t i = 0; i < columns_.size(); ++i) object[columns_[i]] = row[i];
    list.push_back(std::move(object));
  }
  return list;
}

void PrintSheet(std::ostream& out, const Json& object) {
  auto is_list_of_objects = [](const Json& value) {
    return value.is_array() && !value.empty() && value[0].is_object();
  };
  size_t width = 0;
  for (const auto& [member, value] : object.items()) {
    if (!is_list_of_objects(value)) width = std::max(width, Label(member).size());
  }
  for (const auto& [member, value] : object.items()) {
    if (is_list_of_objects(value)) continue;
    std::string label = Label(member);
    out << label << std::string(width - label.size() + 2, ' ') << TextOf(value) << '\n';
  }
}

}  // namespace weir::cli
