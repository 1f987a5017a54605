// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/commands.h"
#include "cli/quantity.h"

namespace weir::cli {
namespace {

namespace admin = weir::admin::v1;

struct CreateOptions {
  std::string topic;
  int partitions = 1;
  int replicas = 0;
  std::vector<std::string> configs;
};

host::Task<int> Create(Cluster& cluster, Common common, CreateOptions options) {
  admin::CreateTopicRequest request;
  request.set_topic(options.topic);
  request.set_partition_count(options.partitions);
  request.set_replication_factor(options.replicas);
  for (const std::string& text : options.configs) {
    auto setting = ParseSetting(text);
    if (!setting) co_return Complain(setting.error().message, kUsage);
    auto* config = request.add_configs();
    config->set_key(setting->first);
    config->set_value(setting->second);
  }
  auto answer = co_await host::Await<client::Outcome<admin::CreateTopicResponse>>(
      [&](auto done) { cluster.admin.CreateTopic(request, std::move(done)); });
  if (!answer) co_return Complain(answer.error());
  // The next command must find it, whichever node it asks.
  auto located =
      co_await host::Await<client::Outcome<weir::log::v1::LocateResponse>>([&](auto done) {
        cluster.routing.Locate({options.topic}, answer->metadata_index(), cluster.patience,
                               std::move(done));
      });
  if (!located) std::cerr << "weir: created, but no node has heard of it yet\n";
  Listing listing({"topic", "status", "partitions", "replicas", "topic_id"});
  listing.Add({options.topic, "OK", answer->topic().partition_count(),
               answer->topic().replication_factor(), IdText(answer->topic().topic_id())});
  Print(common, listing);
  co_return kOk;
}

host::Task<int> List(Cluster& cluster, Common common) {
  Listing listing({"topic", "partitions", "replicas", "topic_id"});
  admin::ListTopicsRequest request;
  request.set_page_size(1000);
  do {
    auto answer = co_await Ask<admin::ListTopicsResponse>(cluster, "Topics/ListTopics", request);
    if (!answer) co_return Complain(answer.error());
    for (const auto& topic : answer->topics()) {
      listing.Add({topic.name().substr(std::string("topics/").size()), topic.partition_count(),
                   topic.replication_factor(), IdText(topic.topic_id())});
    }
    request.set_page_token(answer->next_page_token());
  } while (!request.page_token().empty());
  Print(common, listing);
  co_return kOk;
}

host::Task<int> Describe(Cluster& cluster, Common common, std::string topic) {
  admin::GetTopicRequest request;
  request.set_name("topics/" + topic);
  auto answer = co_await Ask<admin::GetTopicResponse>(cluster, "Topics/GetTopic", request);
  if (!answer) co_return co_await ComplainOfTopic(cluster, topic, answer.error());
  admin::GetConfigsRequest ask;
  ask.set_name("configs/topics/" + topic);
  auto configs = co_await Ask<admin::GetConfigsResponse>(cluster, "Configs/GetConfigs", ask);
  if (!configs) co_return Complain(configs.error());

  Listing partitions({"partition", "leader", "leader_epoch", "replicas", "isr"});
  for (const auto& each : answer->partitions()) {
    partitions.Add({each.partition(), each.leader(), each.leader_epoch(), ListOf(each.replicas()),
                    ListOf(each.isr())});
  }
  Listing settings({"key", "value", "is_default"});
  for (const auto& each : configs->configs()) {
    settings.Add({each.key(), each.value(), each.is_default()});
  }
  Json object = {{"topic", topic},
                 {"topic_id", IdText(answer->topic().topic_id())},
                 {"partition_count", answer->topic().partition_count()},
                 {"replication_factor", answer->topic().replication_factor()}};
  if (common.json) {
    object["partitions"] = partitions.ToJson();
    object["configs"] = settings.ToJson();
    PrintObject(common, object);
    co_return kOk;
  }
  PrintObject(common, object);
  std::cout << "\nPARTITIONS\n==========\n";
  partitions.PrintText(std::cout);
  std::cout << "\nCONFIGS\n=======\n";
  settings.PrintText(std::cout);
  co_return kOk;
}

host::Task<int> AddPartitions(Cluster& cluster, Common common, std::string topic, int count) {
  admin::AddPartitionsRequest request;
  request.set_name("topics/" + topic);
  request.set_partition_count(count);
  auto answer =
      co_await AskToChange<admin::AddPartitionsResponse>(cluster, "Topics/AddPartitions", request);
  if (!answer) co_return co_await ComplainOfTopic(cluster, topic, answer.error());
  Listing listing({"topic", "status", "partitions"});
  listing.Add({topic, "OK", answer->partition_count()});
  Print(common, listing);
  co_return kOk;
}

host::Task<int> Delete(Cluster& cluster, Common common, std::vector<std::string> topics) {
  Listing listing({"topic", "status"});
  int code = kOk;
  for (const std::string& topic : topics) {
    admin::DeleteTopicRequest request;
    request.set_name("topics/" + topic);
    auto answer = co_await host::Await<client::Outcome<admin::DeleteTopicResponse>>(
        [&](auto done) { cluster.admin.DeleteTopic(request, std::move(done)); });
    if (!answer) code = co_await ComplainOfTopic(cluster, topic, answer.error());
    listing.Add({topic, answer ? std::string("OK") : answer.error().reason});
  }
  Print(common, listing);
  co_return code;
}

void AddCreate(CLI::App* noun, Invocation& invocation) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* create = noun->add_subcommand("create", "Create a topic");
  create->add_option("NAME", options->topic, "The topic's name")->required();
  create->add_option("-p,--partitions", options->partitions, "How many partitions it has")
      ->capture_default_str();
  create
      ->add_option("-r,--replicas", options->replicas,
                   "On how many nodes each partition lies; 0: three, or all nodes if fewer")
      ->capture_default_str();
  create->add_option("-c,--config", options->configs, "A setting, key=value; may be repeated");
  create->footer(
      "Examples:\n"
      "  weir topic create orders\n"
      "  weir topic create orders --partitions 6 --replicas 3 -c min.insync.replicas=2\n"
      "  weir topic create logs -c weir.durability=cache -c retention.ms=86400000");
  AddFormat(create, invocation);
  create->callback([&invocation, options] {
    invocation.run = [&invocation, options] {
      return RunOnCluster(invocation.common, [&](Cluster& cluster) {
        return Create(cluster, invocation.common, *options);
      });
    };
  });
}

void AddAddPartitions(CLI::App* noun, Invocation& invocation) {
  auto topic = std::make_shared<std::string>();
  auto count = std::make_shared<int>(0);
  CLI::App* add = noun->add_subcommand("add-partitions", "Give a topic more partitions");
  add->add_option("NAME", *topic, "The topic")->required();
  add->add_option("COUNT", *count, "How many it is to have in all")
      ->required()
      ->check(CLI::PositiveNumber);
  add->footer(
      "There is no way back, and records of a key that come later may go to another partition.\n"
      "Examples:\n  weir topic add-partitions orders 12");
  AddFormat(add, invocation);
  OnCluster(add, invocation, [topic, count](Cluster& cluster, Common common) {
    return AddPartitions(cluster, common, *topic, *count);
  });
}

void AddDelete(CLI::App* noun, Invocation& invocation) {
  auto topics = std::make_shared<std::vector<std::string>>();
  auto yes = std::make_shared<bool>(false);
  CLI::App* remove = noun->add_subcommand("delete", "Delete topics, with all that is in them");
  remove->add_option("NAME", *topics, "Topics")->required();
  remove->add_flag("-y,--yes", *yes, "Do not ask");
  remove->footer("Examples:\n  weir topic delete orders\n  weir topic delete orders logs --yes");
  AddFormat(remove, invocation);
  remove->callback([&invocation, topics, yes] {
    invocation.run = [&invocation, topics, yes] {
      if (!*yes) {
        std::string names;
        for (const std::string& topic : *topics) names += " " + topic;
        int code = Confirmed("deleting loses all records", "Delete" + names + " with all records?");
        if (code != kOk) return code;
      }
      return RunOnCluster(invocation.common, [&](Cluster& cluster) {
        return Delete(cluster, invocation.common, *topics);
      });
    };
  });
}

}  // namespace

void AddTopicCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* noun = app.add_subcommand("topic", "Create, list, describe and delete topics");
  noun->require_subcommand(1);
  AddCreate(noun, invocation);

  AddOffsetsCommand(noun, invocation);

  CLI::App* list = noun->add_subcommand("list", "List the topics");
  list->footer("Examples:\n  weir topic list\n  weir topic list --format json");
  AddFormat(list, invocation);
  list->callback([&invocation] {
    invocation.run = [&invocation] {
      return RunOnCluster(invocation.common,
                          [&](Cluster& cluster) { return List(cluster, invocation.common); });
    };
  });

  auto topic = std::make_shared<std::string>();
  CLI::App* describe = noun->add_subcommand("describe", "A topic's partitions and settings");
  describe->add_option("NAME", *topic, "The topic")->required();
  describe->footer(
      "Examples:\n  weir topic describe orders\n  weir topic describe orders --format json");
  AddFormat(describe, invocation);
  describe->callback([&invocation, topic] {
    invocation.run = [&invocation, topic] {
      return RunOnCluster(invocation.common, [&](Cluster& cluster) {
        return Describe(cluster, invocation.common, *topic);
      });
    };
  });

  AddAddPartitions(noun, invocation);
  AddDelete(noun, invocation);
}

}  // namespace weir::cli
