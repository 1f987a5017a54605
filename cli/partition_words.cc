// SPDX-License-Identifier: Apache-2.0
#include "cli/partition_words.h"

#include <charconv>
#include <optional>

namespace weir::cli {
namespace {

std::optional<int32_t> ParseNumber(std::string_view text) {
  int32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool is_number = error == std::errc() && end == text.data() + text.size() && number >= 0;
  return is_number ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<PartitionWord> ParsePartition(std::string_view text) {
  size_t slash = text.rfind('/');
  auto number =
      slash == std::string_view::npos ? std::nullopt : ParseNumber(text.substr(slash + 1));
  if (slash == 0 || !number) {
    return Fail(Error::Kind::kInvalid,
                "'" + std::string(text) + "' is no partition; write TOPIC/NUMBER, as in orders/0");
  }
  return PartitionWord{std::string(text.substr(0, slash)), *number};
}

Result<MoveWord> ParseMove(std::string_view text) {
  std::string help = "'" + std::string(text) +
                     "' is no move; write TOPIC/NUMBER=NODE,NODE,..., as in orders/0=1,2,3";
  size_t equals = text.find('=');
  if (equals == std::string_view::npos) return Fail(Error::Kind::kInvalid, help);
  auto partition = ParsePartition(text.substr(0, equals));
  if (!partition) return std::unexpected(partition.error());
  MoveWord move{*partition, {}};
  for (std::string_view rest = text.substr(equals + 1);;) {
    size_t comma = rest.find(',');
    auto node = ParseNumber(rest.substr(0, comma));
    if (!node) return Fail(Error::Kind::kInvalid, help);
    move.nodes.push_back(*node);
    if (comma == std::string_view::npos) return move;
    rest.remove_prefix(comma + 1);
  }
}

std::string ShortName(const std::string& name) {
  constexpr std::string_view kTopics = "topics/";
  constexpr std::string_view kPartitions = "/partitions/";
  size_t middle = name.rfind(kPartitions);
  if (!name.starts_with(kTopics) || middle == std::string::npos) return name;
  return name.substr(kTopics.size(), middle - kTopics.size()) + "/" +
         name.substr(middle + kPartitions.size());
}

}  // namespace weir::cli
