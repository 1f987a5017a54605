// SPDX-License-Identifier: Apache-2.0
#include "tests/workload/administering.h"

#include <algorithm>
#include <utility>

namespace weir::workload {
namespace {

using checker::AdminHistory;
using checker::AdminModel;
using Input = AdminModel::Input;
using Output = AdminModel::Output;
using How = AdminModel::Output::How;
using Kind = AdminModel::Input::Kind;

constexpr char kTopicPrefix[] = "managed-";
// Keys that admins set, and the only ones that they look at.
constexpr const char* kKeys[] = {"max.message.bytes", "retention.ms"};

// Nothing: whether the call took effect, nobody knows.
std::optional<Output> OutputOf(const client::Failure& failure) {
  if (failure.reason == "TOPIC_ALREADY_EXISTS") return Output{.how = How::kTopicExists};
  if (failure.reason == "UNKNOWN_TOPIC_OR_PARTITION") return Output{.how = How::kNoTopic};
  // An attempt before the last one may have been taken.
  bool is_open = failure.is_transient() || failure.reason.empty() ||
                 failure.reason == "THROTTLING_QUOTA_EXCEEDED" ||
                 failure.reason == "REQUEST_TIMED_OUT";
  if (is_open) return std::nullopt;
  return Output{.how = How::kRefused};
}

Output OutputOf(const admin::v1::Topic& topic) {
  return {.how = How::kDone,
          .id = TopicId::FromBytes(topic.topic_id()),
          .partitions = topic.partition_count()};
}

Output OutputOf(const admin::v1::CreateTopicResponse& response) {
  return OutputOf(response.topic());
}
Output OutputOf(const admin::v1::GetTopicResponse& response) { return OutputOf(response.topic()); }
Output OutputOf(const admin::v1::DeleteTopicResponse&) { return {}; }
Output OutputOf(const admin::v1::UpdateConfigsResponse&) { return {}; }
Output OutputOf(const admin::v1::GetConfigsResponse& response) {
  Output output;
  output.configs.emplace();
  for (const auto& config : response.configs()) {
    bool is_ours = std::ranges::find(kKeys, config.key()) != std::end(kKeys);
    if (is_ours && !config.is_default()) (*output.configs)[config.key()] = config.value();
  }
  return output;
}

}  // namespace

class Administering::Person {
 public:
  Person(cluster::Cluster& cluster, const AdministeringShape& shape, int number,
         AdminHistory& history)
      : cluster_(cluster),
        host_(cluster.client_process().host()),
        shape_(shape),
        number_(number),
        history_(history),
        routing_(host_, Endpoints(cluster, number)),
        admin_(host_, routing_, {.overall = shape.patience}) {}

  void Begin() { CallNext(); }
  void End() { ended_ = true; }
  bool idle() const { return !under_way_; }

 private:
  // Each begins with another node.
  static std::vector<host::Endpoint> Endpoints(cluster::Cluster& cluster, int number) {
    std::vector<host::Endpoint> endpoints = cluster.bootstrap();
    std::ranges::rotate(endpoints, endpoints.begin() + number % static_cast<int>(endpoints.size()));
    return endpoints;
  }

  int Below(int limit) {
    return static_cast<int>(host_.random.Next() % static_cast<uint64_t>(limit));
  }
  std::string AnyTopic() { return kTopicPrefix + std::to_string(Below(shape_.topics)); }

  void CallNext() {
    if (ended_) return;
    under_way_ = true;
    invoked_ = cluster_.world().now();
    int choice = Below(100);
    if (choice < 25) return Create();
    if (choice < 38) return Delete();
    if (choice < 55) return Configure();
    if (choice < 80) return Get();
    if (choice < 92) return GetConfigs();
    List();
  }

  void Create() {
    std::string topic = AnyTopic();
    Input input{.kind = Kind::kCreate, .partitions = 1 + Below(3)};
    admin::v1::CreateTopicRequest request;
    request.set_topic(topic);
    request.set_partition_count(input.partitions);
    request.set_replication_factor(shape_.replicas);
    if (Below(2) == 0) {
      input.set[kKeys[1]] = std::to_string(100'000'000 + Below(1000));
      auto* config = request.add_configs();
      config->set_key(kKeys[1]);
      config->set_value(input.set[kKeys[1]]);
    }
    admin_.CreateTopic(request, Note<admin::v1::CreateTopicResponse>(topic, input));
  }

  void Delete() {
    std::string topic = AnyTopic();
    admin::v1::DeleteTopicRequest request;
    request.set_name("topics/" + topic);
    admin_.DeleteTopic(request,
                       Note<admin::v1::DeleteTopicResponse>(topic, Input{.kind = Kind::kDelete}));
  }

  void Configure() {
    std::string topic = AnyTopic();
    Input input{.kind = Kind::kConfigure};
    admin::v1::UpdateConfigsRequest request;
    request.set_name("configs/topics/" + topic);
    const char* key = kKeys[Below(2)];
    if (Below(4) == 0) {
      input.reset.push_back(key);
      request.add_reset(key);
    } else {
      input.set[key] = std::to_string(100'000'000 + Below(1000));
      auto* config = request.add_set();
      config->set_key(key);
      config->set_value(input.set[key]);
    }
    admin_.UpdateConfigs(request, Note<admin::v1::UpdateConfigsResponse>(topic, input));
  }

  void Get() {
    std::string topic = AnyTopic();
    admin::v1::GetTopicRequest request;
    request.set_name("topics/" + topic);
    admin_.Call<admin::v1::GetTopicResponse>(
        "Topics/GetTopic", request,
        Note<admin::v1::GetTopicResponse>(topic, Input{.kind = Kind::kGet}));
  }

  void GetConfigs() {
    std::string topic = AnyTopic();
    admin::v1::GetConfigsRequest request;
    request.set_name("configs/topics/" + topic);
    admin_.Call<admin::v1::GetConfigsResponse>(
        "Configs/GetConfigs", request,
        Note<admin::v1::GetConfigsResponse>(topic, Input{.kind = Kind::kGetConfigs}));
  }

  void List() {
    admin::v1::ListTopicsRequest request;
    request.set_page_size(1000);
    admin_.Call<admin::v1::ListTopicsResponse>(
        "Topics/ListTopics", request,
        lifetime_.Bind([this](client::Outcome<admin::v1::ListTopicsResponse> answer) {
          if (answer && answer->next_page_token().empty()) Listed(*answer);
          CallLater();
        }));
  }

  // One read of each name.
  void Listed(const admin::v1::ListTopicsResponse& response) {
    Told(response.metadata_index());
    for (int i = 0; i < shape_.topics; ++i) {
      std::string topic = kTopicPrefix + std::to_string(i);
      Output output{.how = How::kNoTopic};
      for (const auto& listed : response.topics()) {
        if (listed.name() == "topics/" + topic) output = OutputOf(listed);
      }
      Add(topic, Input{.kind = Kind::kGet}, output);
    }
  }

  template <class Response>
  Callback<void(client::Outcome<Response>)> Note(std::string topic, Input input) {
    return lifetime_.Bind([this, topic, input](client::Outcome<Response> answer) {
      std::optional<Output> output;
      if (answer) {
        Told(answer->metadata_index());
        output = OutputOf(*answer);
      } else {
        output = OutputOf(answer.error());
      }
      // A read without an answer says nothing.
      bool is_read = input.kind == Kind::kGet || input.kind == Kind::kGetConfigs;
      if (output || !is_read) Add(topic, input, output);
      CallLater();
    });
  }

  void Add(const std::string& topic, const Input& input, const std::optional<Output>& output) {
    AdminHistory::Call call{
        .process = number_, .invoked = invoked_, .input = input, .output = output};
    if (output) call.returned = cluster_.world().now();
    history_.Add(topic, std::move(call));
  }
  void Told(int64_t index) { history_.Told(invoked_, cluster_.world().now(), LogIndex(index)); }

  void CallLater() {
    under_way_ = false;
    Duration pause = shape_.pause_max * Below(1000) / 1000;
    host_.strand.RunAt(host_.clock.Now() + pause, lifetime_.Bind([this] { CallNext(); }));
  }

  cluster::Cluster& cluster_;
  host::Host host_;
  const AdministeringShape shape_;
  const int number_;
  AdminHistory& history_;
  client::Routing routing_;
  client::Admin admin_;
  bool ended_ = false;
  bool under_way_ = false;
  Instant invoked_;
  Lifetime lifetime_;
};

Administering::Administering(cluster::Cluster& cluster, AdministeringShape shape,
                             AdminHistory& history) {
  for (int number = 1; number <= shape.admins; ++number) {
    people_.push_back(std::make_unique<Person>(cluster, shape, number, history));
  }
}

Administering::~Administering() = default;

void Administering::Begin() {
  for (auto& person : people_) person->Begin();
}

void Administering::End() {
  for (auto& person : people_) person->End();
}

bool Administering::idle() const {
  return std::ranges::all_of(people_, [](const auto& person) { return person->idle(); });
}

}  // namespace weir::workload
