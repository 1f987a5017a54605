// SPDX-License-Identifier: Apache-2.0
// What a command has found, for people (aligned text) and for programs (JSON).
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace weir::cli {

using Json = nlohmann::ordered_json;

// Rows under columns. A column is named as in JSON, "leader_epoch"; as text it is LEADER-EPOCH.
class Listing {
 public:
  explicit Listing(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  // As many values as there are columns.
  void Add(std::vector<Json> row);
  size_t size() const { return rows_.size(); }

  void PrintText(std::ostream& out) const;
  Json ToJson() const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Json>> rows_;
};

// "Name:  value" for each member of an object; members that are lists of objects are left out.
void PrintSheet(std::ostream& out, const Json& object);

// A value as text: strings bare, lists as [1 2 3].
std::string TextOf(const Json& value);

}  // namespace weir::cli
