// SPDX-License-Identifier: Apache-2.0
// Settings of topics and of the cluster, and the levels of its features.
#include <iostream>

#include "cli/commands.h"
#include "cli/quantity.h"

namespace weir::cli {
namespace {

namespace admin = weir::admin::v1;

struct ConfigOptions {
  // "": the cluster.
  std::string topic;
  std::vector<std::string> words;
  bool dry_run = false;
  std::string name() const { return topic.empty() ? "configs/cluster" : "configs/topics/" + topic; }
};

host::Task<int> ComplainOf(Cluster& cluster, ConfigOptions options, client::Failure failure) {
  if (options.topic.empty()) co_return Complain(failure);
  co_return co_await ComplainOfTopic(cluster, options.topic, std::move(failure));
}

host::Task<int> Get(Cluster& cluster, Common common, ConfigOptions options) {
  admin::GetConfigsRequest request;
  request.set_name(options.name());
  auto answer = co_await Ask<admin::GetConfigsResponse>(cluster, "Configs/GetConfigs", request);
  if (!answer) co_return co_await ComplainOf(cluster, options, answer.error());
  Listing listing({"key", "value", "is_default", "description"});
  for (const auto& config : answer->configs()) {
    bool is_wanted = options.words.empty() || std::ranges::count(options.words, config.key()) > 0;
    if (!is_wanted) continue;
    listing.Add({config.key(), config.value(), config.is_default(), config.description()});
  }
  Print(common, listing);
  co_return kOk;
}

host::Task<int> Update(Cluster& cluster, Common common, ConfigOptions options,
                       admin::UpdateConfigsRequest request) {
  request.set_name(options.name());
  request.set_validate_only(options.dry_run);
  auto answer =
      co_await AskToChange<admin::UpdateConfigsResponse>(cluster, "Configs/UpdateConfigs", request);
  if (!answer) co_return co_await ComplainOf(cluster, options, answer.error());
  std::string status = options.dry_run ? "POSSIBLE" : "OK";
  Listing listing({"key", "status", "value"});
  for (const auto& config : request.set()) listing.Add({config.key(), status, config.value()});
  for (const std::string& key : request.reset()) listing.Add({key, status, Json()});
  Print(common, listing);
  co_return kOk;
}

host::Task<int> Set(Cluster& cluster, Common common, ConfigOptions options) {
  admin::UpdateConfigsRequest request;
  for (const std::string& word : options.words) {
    auto setting = ParseSetting(word);
    if (!setting) co_return Complain(setting.error().message, kUsage);
    auto* config = request.add_set();
    config->set_key(setting->first);
    config->set_value(setting->second);
  }
  co_return co_await Update(cluster, common, options, std::move(request));
}

host::Task<int> Reset(Cluster& cluster, Common common, ConfigOptions options) {
  admin::UpdateConfigsRequest request;
  for (const std::string& word : options.words) request.add_reset(word);
  co_return co_await Update(cluster, common, options, std::move(request));
}

using ConfigCommand = host::Task<int> (*)(Cluster&, Common, ConfigOptions);

struct Verb {
  const char* name;
  const char* help;
  const char* word;
  const char* word_help;
  const char* footer;
  bool changes;
};

void AddVerb(CLI::App* noun, const Verb& verb, Invocation& invocation, ConfigCommand command) {
  auto options = std::make_shared<ConfigOptions>();
  CLI::App* added = noun->add_subcommand(verb.name, verb.help);
  auto* words = added->add_option(verb.word, options->words, verb.word_help);
  added->add_option("-t,--topic", options->topic, "Of this topic; else of the whole cluster");
  if (verb.changes) {
    words->required();
    added->add_flag("--dry-run", options->dry_run, "Only say whether it can be done");
  }
  added->footer(verb.footer);
  AddFormat(added, invocation);
  OnCluster(added, invocation, [options, command](Cluster& cluster, Common common) {
    return command(cluster, common, *options);
  });
}

std::string FeatureName(const std::string& name) {
  constexpr std::string_view kPrefix = "features/";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

host::Task<int> ListFeatures(Cluster& cluster, Common common) {
  auto answer = co_await Ask<admin::ListFeaturesResponse>(cluster, "Features/ListFeatures",
                                                          admin::ListFeaturesRequest());
  if (!answer) co_return Complain(answer.error());
  Listing listing({"feature", "level", "min_level", "max_level"});
  for (const auto& feature : answer->features()) {
    listing.Add(
        {FeatureName(feature.name()), feature.level(), feature.min_level(), feature.max_level()});
  }
  Print(common, listing);
  co_return kOk;
}

struct UpgradeOptions {
  std::string feature;
  int level = 0;
  bool dry_run = false;
};

host::Task<int> Upgrade(Cluster& cluster, Common common, UpgradeOptions options) {
  admin::UpgradeFeatureRequest request;
  request.set_name("features/" + options.feature);
  request.set_level(options.level);
  request.set_validate_only(options.dry_run);
  auto answer = co_await AskToChange<admin::UpgradeFeatureResponse>(
      cluster, "Features/UpgradeFeature", request);
  if (!answer) co_return Complain(answer.error());
  Listing listing({"feature", "status", "level"});
  listing.Add({options.feature, options.dry_run ? "POSSIBLE" : "OK", options.level});
  Print(common, listing);
  co_return kOk;
}

}  // namespace

void AddConfigCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* noun =
      app.add_subcommand("config", "Settings of topics, and what holds for all topics");
  noun->require_subcommand(1);
  AddVerb(noun,
          {"get", "What is set, and what holds by default", "KEY", "Only these",
           "Examples:\n  weir config get --topic orders\n"
           "  weir config get --topic orders retention.ms\n  weir config get",
           false},
          invocation, Get);
  AddVerb(noun,
          {"set", "Set something", "KEY=VALUE", "What, and to what",
           "Of the cluster: what holds for every topic that has no value of its own.\n"
           "Examples:\n  weir config set --topic orders retention.ms=86400000\n"
           "  weir config set min.insync.replicas=2",
           true},
          invocation, Set);
  AddVerb(noun,
          {"reset", "Have the default hold again", "KEY", "What",
           "Examples:\n  weir config reset --topic orders retention.ms", true},
          invocation, Reset);
}

void AddFeatureCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* noun = app.add_subcommand("feature", "What all processes of the cluster agree on");
  noun->require_subcommand(1);
  CLI::App* list =
      noun->add_subcommand("list", "Levels in force, and how far they could be raised");
  list->footer("Examples:\n  weir feature list\n  weir feature list --format json");
  AddFormat(list, invocation);
  OnCluster(list, invocation, ListFeatures);

  auto options = std::make_shared<UpgradeOptions>();
  CLI::App* upgrade =
      noun->add_subcommand("upgrade", "Raise a level, once all processes run the new version");
  upgrade->add_option("FEATURE", options->feature, "Its name")->required();
  upgrade->add_option("LEVEL", options->level, "The new level")
      ->required()
      ->check(CLI::PositiveNumber);
  upgrade->add_flag("--dry-run", options->dry_run, "Only say whether it can be done");
  upgrade->footer("There is no way back.\nExamples:\n  weir feature upgrade metadata 2 --dry-run");
  AddFormat(upgrade, invocation);
  OnCluster(upgrade, invocation, [options](Cluster& cluster, Common common) {
    return Upgrade(cluster, common, *options);
  });
}

}  // namespace weir::cli
