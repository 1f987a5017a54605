// SPDX-License-Identifier: Apache-2.0
// Whether a topic holds what was written to it: for every key all values, unchanged, in order,
// once. Records without a key have no order to keep; each value must be there as often as it was
// written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cli/record_source.h"

namespace weir::cli {

class Comparison {
 public:
  // All that was written comes first.
  void Expect(InputRecord record);
  // Then all that is read, in its order within each partition. `where` is for the words only.
  void Found(std::optional<std::string_view> key, std::string_view value, const std::string& where);
  // After the last: what is missing.
  void Finish();

  int64_t expected() const { return expected_; }
  int64_t found() const { return found_; }
  int64_t keys() const { return static_cast<int64_t>(values_.size()); }
  int64_t lost() const { return lost_; }
  int64_t duplicated() const { return duplicated_; }
  int64_t changed() const { return changed_; }
  int64_t unexpected() const { return unexpected_; }
  int64_t reordered() const { return reordered_; }
  bool equal() const { return lost_ + duplicated_ + changed_ + unexpected_ + reordered_ == 0; }
  // The first of them in words.
  const std::vector<std::string>& differences() const { return differences_; }

 private:
  struct Values {
    std::vector<std::string> values;
    std::vector<bool> seen;
    // The value that should come next.
    size_t next = 0;
  };

  void Note(std::string difference);

  std::unordered_map<std::string, Values> values_;
  // In the order of the input, so that what is missing is named in that order.
  std::vector<std::string> order_;
  int64_t expected_ = 0;
  int64_t found_ = 0;
  int64_t lost_ = 0;
  int64_t duplicated_ = 0;
  int64_t changed_ = 0;
  int64_t unexpected_ = 0;
  int64_t reordered_ = 0;
  std::vector<std::string> differences_;
};

}  // namespace weir::cli
