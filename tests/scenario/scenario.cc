// SPDX-License-Identifier: Apache-2.0
#include "tests/scenario/scenario.h"

#include <glog/logging.h>

#include <algorithm>
#include <iostream>
#include <sstream>

#include "tests/checker/liveness.h"

namespace weir::scenario {

Verdict Scenario::Run() {
  std::istringstream in(text_);
  for (std::string line; std::getline(in, line) && verdict_.wrong.empty();) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream split(line);
    Words words;
    for (std::string word; split >> word;) words.push_back(word);
    Do(words);
    if (everything_) {
      for (const std::string& found : everything_->findings().all()) Wrong(found);
    }
    if (!verdict_.wrong.empty()) verdict_.wrong.back() += "   (at: " + line + ")";
  }
  if (cluster_) {
    verdict_.trace_hash = cluster_->world().TraceHash();
    verdict_.events = cluster_->world().events();
  }
  for (const auto& [topic, history] : histories_) {
    verdict_.sent += history.sent();
    verdict_.acknowledged += history.acknowledged();
  }
  producing_.clear();
  consuming_.clear();
  creating_.reset();
  administering_.reset();
  replacing_.clear();
  recreating_.reset();
  moving_.reset();
  swarm_.reset();
  everything_.reset();
  cluster_.reset();
  return verdict_;
}

void Scenario::Do(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "cluster") return MakeCluster(words);
  CHECK(cluster_) << "a scenario begins with: cluster controllers=3 nodes=3";
  if (verb == "topic") return MakeTopic(words);
  if (verb == "produce") return Produce(words);
  if (verb == "consume") return Consume(words.at(1), words.size() > 2 ? words[2] : "");
  if (verb == "administer") return Administer();
  if (verb == "replace" && words.at(1) == "voters") return ReplaceVoters(words);
  if (verb == "recreate") return Recreate(words);
  if (verb == "move") return Move(words);
  if (verb == "create" && words.at(1) == "topics") {
    Settings settings = DrawSettings(words, shape_);
    settings.try_emplace("every", "10ms");
    creating_ = std::make_unique<workload::Creating>(*cluster_, ParseDuration(settings["every"]));
    return creating_->Begin();
  }
  if (verb == "run") {
    return cluster_->world().RunFor(ParseDuration(Draw(words.at(1), shape_)));
  }
  if (verb == "faults") return RunFaults(words);
  if (verb == "restart") return Restart(words);
  if (verb == "heal" && words.at(1) == "network") return cluster_->world().network().HealAll();
  if (verb == "heal" && words.at(1) == "within") return Heal(ParseDuration(words.at(2)));
  if (verb == "stop" && words.at(1) == "producing") return EndProducing();
  if (verb == "expect" && words.at(1) == "all") return ExpectAll();
  Fault(words);
}

void Scenario::MakeCluster(const Words& words) {
  auto settings = DrawSettings(words, shape_);
  cluster::ClusterShape shape{NumberOr(settings, "controllers", 3), NumberOr(settings, "nodes", 3)};
  shape.spares = NumberOr(settings, "spares", 0);
  shape.racks = NumberOr(settings, "racks", 0) == 1;
  shape.disks = NumberOr(settings, "disks", 1);
  voters_ = shape.controllers;
  if (settings.contains("sync")) shape.sync_max = ParseDuration(settings["sync"]);
  cluster_ = std::make_unique<cluster::Cluster>(seed_, shape);
  if (options_.trace) {
    cluster_->world().ListenToTrace(
        [](Instant when, std::string_view line) { std::cerr << when << "  " << line << '\n'; });
  }
  everything_ = std::make_unique<checker::Everything>(*cluster_);
  cluster_->world().Observe([this] { everything_->Look(); });
  if (!cluster_->Boot()) {
    Wrong("the cluster did not come up in 30 s");
    for (const std::string& failure : cluster_->failures()) Wrong(failure);
  }
}

void Scenario::MakeTopic(const Words& words) {
  auto settings = DrawSettings(words, shape_);
  int partitions = NumberOr(settings, "partitions", 1);
  int replicas = NumberOr(settings, "replicas", 3);
  settings.erase("partitions");
  settings.erase("replicas");
  topics_[words.at(1)] = settings;
  if (!cluster_->CreateTopic(words.at(1), partitions, replicas, settings)) {
    Wrong("the topic was not created");
  }
}

void Scenario::Produce(const Words& words) {
  auto settings = DrawSettings(words, shape_);
  workload::ProducingShape shape;
  shape.topic = words.at(1);
  shape.rate = NumberOr(settings, "rate", shape.rate);
  shape.keys = NumberOr(settings, "keys", shape.keys);
  if (settings.contains("acks"))
    shape.acks = settings["acks"] == "all" ? -1 : NumberOr(settings, "acks", -1);
  // One leader's word, or none, is no promise; nor is the page cache, unless the scenario says so.
  Settings& configs = topics_[shape.topic];
  bool is_weak = shape.acks != -1 || configs["weir.durability"] == "cache";
  checker::History& history = histories_[shape.topic];
  if (is_weak && std::ranges::count(words, "kept") == 0) history.AllowLoss();
  if (configs["cleanup.policy"] == "compact") history.AllowCompaction();
  if (configs.contains("retention.ms")) {
    history.AllowForgetting(std::chrono::milliseconds(NumberOr(configs, "retention.ms", 0)));
  }
  auto& producing = producing_[shape.topic];
  producing = std::make_unique<workload::Producing>(*cluster_, cluster_->routing(), shape, history);
  producing->Begin();
}

void Scenario::RunFaults(const Words& words) {
  CHECK(!swarm_ && words.at(1) == "for") << "a scenario has faults once: faults for 60s";
  Duration time = ParseDuration(words.at(2));
  Settings settings = DrawSettings(words, shape_);
  auto faults =
      options_.schedule ? *options_.schedule : DrawSwarm(seed_, time, settings, *cluster_);
  std::vector<sim::Fault> kept;
  for (size_t number = 1; number <= faults.size(); ++number) {
    if (!options_.keep.empty() && !options_.keep.contains(number)) continue;
    kept.push_back(faults[number - 1]);
    if (options_.on_fault) options_.on_fault(number, kept.back());
  }
  swarm_ = std::make_unique<Swarm>(*cluster_, *everything_);
  swarm_->Begin(kept);
  cluster_->world().RunFor(time);
}

void Scenario::Fault(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "cut") {
    // cut A from B; everyone is every other node and controller, but no client.
    auto from = std::ranges::find(words, std::string("from"));
    CHECK(from != words.end()) << "cut A from B";
    Words left(words.begin() + 1, from);
    Words right(from + 1, words.end());
    auto a = cluster_->Resolve(Join(left, 0));
    if (a && right == Words{"everyone"}) return CutOff(*a);
    auto b = cluster_->Resolve(Join(right, 0));
    if (a && b && *a != *b) cluster_->world().network().Cut(*a, *b, sim::CutKind::kStalls);
    return;
  }
  bool in_order = verb == "stop" && words.at(1) == "in";
  if (in_order && words.at(3) == "all") {
    down_ = cluster_->node_names();
    if (!cluster_->Stop(down_)) Wrong("the nodes did not stop in order in a minute");
    return;
  }
  bool power = verb == "power";
  size_t skip = in_order ? 3 : power ? 2 : 1;
  std::string who = Join(words, skip);
  // During an election nobody is active; a scenario waits for one as a person would.
  cluster_->world().RunUntil([&] { return cluster_->Resolve(who).has_value(); },
                             std::chrono::seconds(10));
  auto name = cluster_->Resolve(who);
  if (!name) return Wrong("there is no " + who);
  if (verb == "pause") return cluster_->world().process(*name).Pause();
  if (verb == "resume") return cluster_->world().process(*name).Resume();
  down_.push_back(*name);
  if (in_order) {
    if (!cluster_->Stop({*name})) Wrong(*name + " did not stop in order in a minute");
  } else if (power) {
    cluster_->PowerLoss(*name);
  } else {
    CHECK_EQ(verb, "kill") << "is no verb of a scenario";
    cluster_->Kill(*name);
  }
}

void Scenario::CutOff(const std::string& name) {
  for (const auto& names : {cluster_->controller_names(), cluster_->node_names()}) {
    for (const std::string& other : names) {
      if (other != name) cluster_->world().network().Cut(name, other, sim::CutKind::kStalls);
    }
  }
}

void Scenario::Restart(const Words& words) {
  std::vector<std::string> names =
      words.at(1) == "all" ? down_ : std::vector<std::string>{words.at(1)};
  for (const std::string& name : names) {
    std::erase(down_, name);
    cluster_->Restart(name);
  }
}

void Scenario::Consume(const std::string& topic, const std::string& rack) {
  auto& consuming = consuming_[rack.empty() ? topic : topic + " from " + rack];
  workload::ConsumingShape shape;
  shape.topic = topic;
  if (!rack.empty()) shape.name = "consumer in " + rack;
  shape.rack = rack;
  consuming = std::make_unique<workload::Consuming>(*cluster_, cluster_->routing(), shape,
                                                    histories_[topic]);
  consuming->Begin();
}

void Scenario::Administer() {
  workload::AdministeringShape shape;
  // They may be gone, or others, when a record comes.
  for (int i = 0; i < shape.topics; ++i) judged_elsewhere_.insert("managed-" + std::to_string(i));
  administering_ = std::make_unique<workload::Administering>(*cluster_, shape, admin_history_);
  administering_->Begin();
}

void Scenario::ReplaceVoters(const Words& words) {
  auto settings = DrawSettings(words, shape_);
  settings.try_emplace("every", "500ms");
  for (int admin = 0; admin < NumberOr(settings, "admins", 1); ++admin) {
    replacing_.push_back(std::make_unique<workload::ReplacingVoters>(
        *cluster_, ParseDuration(settings["every"]), NumberOr(settings, "least", voters_ - 1)));
    replacing_.back()->Begin();
  }
}

void Scenario::Recreate(const Words& words) {
  Settings settings = DrawSettings(words, shape_);
  workload::RecreatingShape shape{.topic = words.at(1)};
  shape.partitions = NumberOr(settings, "partitions", shape.partitions);
  shape.replicas = NumberOr(settings, "replicas", shape.replicas);
  judged_elsewhere_.insert(shape.topic);
  recreating_ = std::make_unique<workload::Recreating>(*cluster_, cluster_->routing(), shape);
  recreating_->Begin();
}

void Scenario::Move(const Words& words) {
  Settings settings = DrawSettings(words, shape_);
  settings.try_emplace("every", "500ms");
  moving_ =
      std::make_unique<workload::Moving>(*cluster_, words.at(1), ParseDuration(settings["every"]));
  moving_->Begin();
}

void Scenario::EndProducing() {
  has_ended_producing_ = true;
  for (auto& replacing : replacing_) replacing->End();
  if (recreating_) recreating_->End();
  if (moving_) moving_->End();
  for (auto& [topic, producing] : producing_) producing->End();
  if (creating_) creating_->End();
  if (administering_) administering_->End();
}

bool Scenario::IsSettled() const {
  auto is_idle = [](const auto& entry) { return entry.second->idle(); };
  return std::ranges::all_of(producing_, is_idle) && (!creating_ || creating_->idle()) &&
         (!administering_ || administering_->idle()) && (!recreating_ || recreating_->idle()) &&
         (!moving_ || moving_->idle()) &&
         std::ranges::all_of(replacing_, [](const auto& replacing) { return replacing->idle(); });
}

void Scenario::Heal(Duration within) {
  cluster_->world().network().HealAll();
  for (const auto& names : {cluster_->controller_names(), cluster_->node_names()}) {
    for (const std::string& name : names) {
      sim::Process& process = cluster_->world().process(name);
      if (process.alive()) process.Resume();
    }
  }
  Words all{"restart", "all"};
  Restart(all);
  for (const std::string& words :
       checker::RecoverWithin(*cluster_, within, histories_, judged_elsewhere_)) {
    Wrong(words);
  }
  if (swarm_ && !cluster_->world().RunUntil([this] { return swarm_->idle(); }, within)) {
    Wrong("a controller with a new disk does not vote again in time");
  }
  // While more is sent all the time there may be no moment without some under way.
  if (has_ended_producing_ &&
      !cluster_->world().RunUntil([this] { return IsSettled(); }, std::chrono::seconds(130))) {
    Wrong("records, or admins, wait for ever to be answered");
  }
}

void Scenario::ExpectAll() {
  // The last change of the voters may have been the leader's leave.
  auto is_led = [this] { return cluster_->active() && cluster_->active()->machine().is_active(); };
  if (!cluster_->world().RunUntil(is_led, std::chrono::seconds(10))) {
    return Wrong("no controller is active");
  }
  for (const std::string& failure : cluster_->failures()) Wrong(failure);
  for (auto& [topic, consuming] : consuming_) {
    if (!consuming->failure().empty()) Wrong("reading " + topic + ": " + consuming->failure());
    consuming->End();
  }
  checker::Judgement administered = admin_history_.Judge();
  if (administered.verdict == checker::Verdict::kBroken) Wrong(administered.words);
  ExpectOfWorkloads();
  const Instant now = cluster_->client_process().host().clock.Now();
  for (auto& [topic, history] : histories_) {
    if (history.acknowledged() == 0) Wrong("nothing was acknowledged in " + topic);
    ReadBack(topic);
    for (const std::string& words : history.Judge(now)) Wrong(words);
  }
  // What followers know of the high watermark may lag a moment.
  cluster_->world().RunFor(std::chrono::seconds(2));
  for (const std::string& words : checker::CompareReplicas(*cluster_)) Wrong(words);
  everything_->LookInFull();
}

void Scenario::ExpectOfWorkloads() {
  if (!replacing_.empty() &&
      std::ranges::all_of(replacing_, [](const auto& each) { return each->changed() == 0; })) {
    Wrong("no voter came or went");
  }
  if (swarm_) {
    for (const std::string& words : swarm_->wrong()) Wrong(words);
  }
  if (recreating_) {
    if (recreating_->judged() == 0) Wrong("no topic was created anew, written and read");
    for (const std::string& words : recreating_->wrong()) Wrong(words);
  }
  if (creating_) {
    const metadata::Image& image = cluster_->active()->machine().committed();
    for (const std::string& name : creating_->acknowledged()) {
      if (!image.TopicNamed(name)) Wrong("topic " + name + " was acknowledged and is not there");
    }
    // With all nodes gone a topic is rightly refused.
    if (!swarm_) {
      for (const std::string& words : creating_->refused()) Wrong("refused: " + words);
    }
  }
  if (!moving_) return;
  if (moving_->moved() == 0) Wrong("no replica was moved");
  // A move that was begun last may still copy.
  auto is_still = [this] {
    return cluster_->active() && moving_->Wrong(cluster_->active()->machine().committed()).empty();
  };
  if (cluster_->world().RunUntil(is_still, std::chrono::seconds(10))) return;
  if (!cluster_->active()) return Wrong("no controller is active");
  for (const auto& words : moving_->Wrong(cluster_->active()->machine().committed())) Wrong(words);
}

void Scenario::ReadBack(const std::string& topic) {
  std::vector<std::pair<PartitionIndex, client::ReadRecord>> found;
  Answer<void> read;
  // Where a topic forgets, it may forget what is read next.
  for (int tries = topics_[topic].contains("retention.ms") ? 5 : 1; tries > 0; --tries) {
    found.clear();
    read = ReadAll(topic, &found);
    if (read || read.error().code != ErrorCode::kOffsetOutOfRange) break;
  }
  for (const auto& [partition, record] : found) {
    histories_[topic].Found(partition, record.offset, record.key ? record.key->ToString() : "",
                            record.value ? record.value->ToString() : "");
  }
  if (!read) Wrong("reading " + topic + " back: " + read.error().message);
}

Answer<void> Scenario::ReadAll(const std::string& topic,
                               std::vector<std::pair<PartitionIndex, client::ReadRecord>>* found) {
  std::optional<Answer<void>> ended;
  client::ConsumerConfig config;
  config.topic = topic;
  config.until_end = true;
  client::Consumer consumer(
      cluster_->client_process().host(), cluster_->routing(), config,
      {.records =
           [&](PartitionIndex partition, std::vector<client::ReadRecord> records) {
             for (auto& record : records) found->emplace_back(partition, std::move(record));
           },
       .end = [&](Answer<void> how) { ended = std::move(how); }});
  consumer.Start();
  cluster_->world().RunUntil([&] { return ended.has_value(); }, std::chrono::minutes(2));
  if (!ended) return Refuse(ErrorCode::kRequestTimedOut, "it does not end");
  return *ended;
}

}  // namespace weir::scenario
