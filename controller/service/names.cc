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

std::optional<NodeId> ParseNode(const std::string& text) {
  int32_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0) return std::nullopt;
  return NodeId(id);
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
