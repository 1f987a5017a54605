// SPDX-License-Identifier: Apache-2.0
#include "controller/service/names.h"

#include <charconv>

namespace weir::service {
namespace {

constexpr int32_t kPageDefault = 100;
constexpr int32_t kPageMost = 1000;
// Tokens are ours to change: a version guards against one that an older controller gave out.
constexpr std::string_view kTokenVersion = "1:";

// What follows `prefix`, if that is how `text` begins and anything follows.
std::optional<std::string> After(std::string_view prefix, const std::string& text) {
  if (!text.starts_with(prefix) || text.size() == prefix.size()) return std::nullopt;
  return text.substr(prefix.size());
}

std::optional<int32_t> ParseNumber(std::string_view text) {
  int32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::optional<NodeId> ParseNode(std::string_view text) {
  auto number = ParseNumber(text);
  return number ? std::optional(NodeId(*number)) : std::nullopt;
}

}  // namespace

Answer<std::string> TopicIn(const std::string& name) {
  if (auto topic = After("topics/", name)) return *topic;
  return Refuse(ErrorCode::kInvalidRequest,
                "'" + name + "' is no topic's name; it should be topics/{topic}");
}

Answer<NodeId> NodeIn(const std::string& name) {
  if (auto text = After("nodes/", name)) {
    if (auto node = ParseNode(*text)) return *node;
  }
  return Refuse(ErrorCode::kInvalidRequest,
                "'" + name + "' is no node's name; it should be nodes/{id}, as in nodes/3");
}

Answer<PartitionOf> PartitionIn(const std::string& name) {
  constexpr std::string_view kMiddle = "/partitions/";
  size_t middle = name.rfind(kMiddle);
  if (middle != std::string::npos) {
    auto topic = After("topics/", name.substr(0, middle));
    auto index = ParseNumber(std::string_view(name).substr(middle + kMiddle.size()));
    if (topic && index) return PartitionOf{*topic, PartitionIndex(*index)};
  }
  return Refuse(ErrorCode::kInvalidRequest, "'" + name +
                                                "' is no partition's name; it should be "
                                                "topics/{topic}/partitions/{n}, n from 0");
}

Answer<std::string> FeatureIn(const std::string& name) {
  if (auto feature = After("features/", name)) return *feature;
  return Refuse(ErrorCode::kInvalidRequest,
                "'" + name + "' is no feature's name; it should be features/{name}");
}

Answer<std::optional<RequestId>> RequestIdIn(const std::string& bytes) {
  if (bytes.empty()) return std::optional<RequestId>();
  auto id = RequestId::FromBytes(bytes);
  if (!id) {
    return Refuse(ErrorCode::kInvalidRequest, "request_id must be 16 bytes, or empty; " +
                                                  std::to_string(bytes.size()) + " came");
  }
  return std::optional<RequestId>(*id);
}

Answer<ConfigTarget> ConfigTargetIn(const std::string& name) {
  if (name == "configs/cluster") return ClusterConfigs{};
  if (auto topic = After("configs/topics/", name)) return TopicConfigs{*topic};
  if (auto text = After("configs/nodes/", name)) {
    if (auto node = ParseNode(*text)) return NodeConfigs{*node};
  }
  return Refuse(ErrorCode::kInvalidRequest, "'" + name +
                                                "' names no configs; it should be configs/cluster, "
                                                "configs/topics/{topic} or configs/nodes/{id}");
}

Answer<Page> PageOf(int32_t page_size, const std::string& page_token) {
  if (page_size < 0 || page_size > kPageMost) {
    return Refuse(
        ErrorCode::kInvalidRequest,
        "page_size must be 0 (which means 100) to 1000, not " + std::to_string(page_size));
  }
  Page page{static_cast<size_t>(page_size == 0 ? kPageDefault : page_size), ""};
  if (page_token.empty()) return page;
  auto after = After(kTokenVersion, page_token);
  if (!after) {
    return Refuse(ErrorCode::kInvalidRequest,
                  "page_token is not one that a list gave out; leave it empty for the first page");
  }
  page.after = *after;
  return page;
}

std::string TokenAfter(const std::string& last_key) {
  return std::string(kTokenVersion) + last_key;
}

}  // namespace weir::service
