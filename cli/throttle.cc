// SPDX-License-Identifier: Apache-2.0
#include "cli/throttle.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace weir::cli {
namespace {

namespace admin = weir::admin::v1;

constexpr const char* kRates[] = {"leader.replication.throttled.rate",
                                  "follower.replication.throttled.rate"};
constexpr char kLeaders[] = "leader.replication.throttled.replicas";
constexpr char kFollowers[] = "follower.replication.throttled.replicas";

// Per topic: which replicas send, and which are made.
struct Lists {
  std::string leaders;
  std::string followers;
};

void Add(std::string& list, int32_t partition, int32_t node) {
  if (!list.empty()) list += ",";
  list += std::to_string(partition) + ":" + std::to_string(node);
}

host::Task<client::Outcome<int>> Update(Cluster& cluster, admin::UpdateConfigsRequest request) {
  auto answer =
      co_await AskToChange<admin::UpdateConfigsResponse>(cluster, "Configs/UpdateConfigs", request);
  if (!answer) co_return std::unexpected(answer.error());
  co_return kOk;
}

void Set(admin::UpdateConfigsRequest& request, const std::string& key, const std::string& value) {
  auto* config = request.add_set();
  config->set_key(key);
  config->set_value(value);
}

host::Task<client::Outcome<std::map<std::string, Lists>>> ListsOf(Cluster& cluster,
                                                                  std::vector<MoveWord> moves) {
  std::map<std::string, Lists> lists;
  for (const MoveWord& move : moves) {
    admin::GetTopicRequest request;
    request.set_name("topics/" + move.partition.topic);
    auto topic = co_await Ask<admin::GetTopicResponse>(cluster, "Topics/GetTopic", request);
    if (!topic) co_return std::unexpected(topic.error());
    Lists& of_topic = lists[move.partition.topic];
    for (const auto& partition : topic->partitions()) {
      if (partition.partition() != move.partition.partition) continue;
      for (int32_t node : partition.replicas()) Add(of_topic.leaders, partition.partition(), node);
      for (int32_t node : move.nodes) {
        if (std::ranges::count(partition.replicas(), node) > 0) continue;
        Add(of_topic.followers, partition.partition(), node);
      }
    }
  }
  co_return lists;
}

}  // namespace

host::Task<client::Outcome<int>> Throttle(Cluster& cluster, std::vector<MoveWord> moves,
                                          int64_t bytes_per_second) {
  auto lists = co_await ListsOf(cluster, std::move(moves));
  if (!lists) co_return std::unexpected(lists.error());
  for (const auto& [topic, of_topic] : *lists) {
    admin::UpdateConfigsRequest request;
    request.set_name("configs/topics/" + topic);
    Set(request, kLeaders, of_topic.leaders);
    Set(request, kFollowers, of_topic.followers);
    auto updated = co_await Update(cluster, request);
    if (!updated) co_return updated;
  }
  admin::UpdateConfigsRequest request;
  request.set_name("configs/cluster");
  for (const char* key : kRates) Set(request, key, std::to_string(bytes_per_second));
  co_return co_await Update(cluster, request);
}

host::Task<client::Outcome<int>> Unthrottle(Cluster& cluster, std::vector<MoveWord> moves) {
  std::set<std::string> topics;
  for (const MoveWord& move : moves) topics.insert(move.partition.topic);
  for (const std::string& topic : topics) {
    admin::UpdateConfigsRequest request;
    request.set_name("configs/topics/" + topic);
    request.add_reset(kLeaders);
    request.add_reset(kFollowers);
    auto updated = co_await Update(cluster, request);
    if (!updated) co_return updated;
  }
  admin::UpdateConfigsRequest request;
  request.set_name("configs/cluster");
  for (const char* key : kRates) request.add_reset(key);
  co_return co_await Update(cluster, request);
}

}  // namespace weir::cli
