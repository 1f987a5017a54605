// SPDX-License-Identifier: Apache-2.0
#include "cli/comparison.h"

#include <algorithm>

namespace weir::cli {
namespace {

constexpr size_t kDifferencesShown = 10;

// Records without a key are filed under their value.
std::string FiledUnder(std::optional<std::string_view> key, std::string_view value) {
  return key ? "k" + std::string(*key) : "v" + std::string(value);
}

std::string NameOf(std::optional<std::string_view> key) {
  return key ? "key '" + std::string(*key) + "'" : "a record without a key";
}

}  // namespace

void Comparison::Note(std::string difference) {
  if (differences_.size() < kDifferencesShown) differences_.push_back(std::move(difference));
}

void Comparison::Expect(InputRecord record) {
  ++expected_;
  std::string file = FiledUnder(record.key, record.value);
  auto [it, fresh] = values_.try_emplace(file);
  if (fresh) order_.push_back(file);
  it->second.values.push_back(std::move(record.value));
  it->second.seen.push_back(false);
}

void Comparison::Found(std::optional<std::string_view> key, std::string_view value,
                       const std::string& where) {
  ++found_;
  auto it = values_.find(FiledUnder(key, value));
  if (it == values_.end()) {
    ++unexpected_;
    Note(where + ": " + NameOf(key) + " was never written");
    return;
  }
  Values& of_key = it->second;
  if (of_key.next < of_key.values.size() && of_key.values[of_key.next] == value) {
    of_key.seen[of_key.next++] = true;
    return;
  }
  // Not the one that is due: one written later, one that was read already, or none of them.
  auto at = std::ranges::find(of_key.values.begin() + static_cast<ptrdiff_t>(of_key.next),
                              of_key.values.end(), value);
  if (at != of_key.values.end()) {
    auto index = static_cast<size_t>(at - of_key.values.begin());
    ++reordered_;
    Note(where + ": " + NameOf(key) + " has its value number " + std::to_string(index + 1) +
         " before number " + std::to_string(of_key.next + 1));
    of_key.seen[index] = true;
    of_key.next = index + 1;
    return;
  }
  for (size_t i = 0; i < std::min(of_key.next, of_key.values.size()); ++i) {
    if (of_key.values[i] != value) continue;
    if (!of_key.seen[i]) {
      of_key.seen[i] = true;
      ++reordered_;
      Note(where + ": " + NameOf(key) + " has its value number " + std::to_string(i + 1) +
           " after number " + std::to_string(of_key.next));
    } else {
      ++duplicated_;
      Note(where + ": " + NameOf(key) + " has its value number " + std::to_string(i + 1) +
           " twice");
    }
    return;
  }
  ++changed_;
  Note(where + ": " + NameOf(key) + " has a value that was never written");
}

void Comparison::Finish() {
  for (const std::string& file : order_) {
    const Values& of_key = values_.at(file);
    for (size_t i = 0; i < of_key.seen.size(); ++i) {
      if (of_key.seen[i]) continue;
      ++lost_;
      Note("missing: " + std::string(file[0] == 'k' ? "key '" : "value '") + file.substr(1, 60) +
           "', its value number " + std::to_string(i + 1));
    }
  }
}

}  // namespace weir::cli
