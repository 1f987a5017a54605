// SPDX-License-Identifier: Apache-2.0
// Creates topics through the admin API of a running cluster, and says when they were committed and
// when each partition's leader served it. Prints one line of `name value` pairs; asserts nothing.
// Usage: partitions ENDPOINT[,ENDPOINT...] TOPICS PARTITIONS REPLICAS
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/edge/methods.h"
#include "common/host/posix/process.h"
#include "proto/admin/admin.pb.h"
#include "proto/log/log.pb.h"

namespace weir::bench {
namespace {

using host::CallStatus;

constexpr Duration kPatience = std::chrono::seconds(60);
constexpr Duration kPause = std::chrono::milliseconds(50);
// Questions under way at a time.
constexpr size_t kDepth = 256;

struct Plan {
  std::string endpoint;
  int topics = 1;
  int partitions = 10'000;
  int replicas = 3;
};

class Creation {
 public:
  explicit Creation(Plan plan) : plan_(std::move(plan)) {}

  void Run() {
    begin_ = world_.host().clock.Now();
    begin_wall_ = world_.host().clock.WallNow();
    CreateNext();
    world_.loop().Run();
  }

 private:
  struct Partition {
    std::string topic_id;
    int32_t index;
    std::string leader;
  };

  double MsNow() const {
    return static_cast<double>((world_.host().clock.Now() - begin_).count()) / 1e6;
  }

  template <class Response, class Request, class Done>
  void Call(const std::string& to, const std::string& method, const Request& request, Done done) {
    world_.network().Call(to, method, edge::Encode(request), kPatience,
                          [done](CallStatus status, Bytes bytes) mutable {
                            Response response;
                            if (status.ok() && !edge::Decode(bytes, &response)) std::abort();
                            done(status, std::move(response));
                          });
  }

  void CreateNext() {
    if (created_ == plan_.topics) return Locate();
    admin::v1::CreateTopicRequest request;
    request.set_topic("bench-" + std::to_string(begin_wall_.ms) + "-" + std::to_string(created_));
    request.set_partition_count(plan_.partitions);
    request.set_replication_factor(plan_.replicas);
    // Asked again after a failover, it is known.
    request.set_request_id(world_.host().random.NextUuid().ToBytes());
    names_.push_back(request.topic());
    Ask(request, world_.host().clock.Now());
  }

  void Ask(const admin::v1::CreateTopicRequest& request, Instant asked) {
    Call<admin::v1::CreateTopicResponse>(
        plan_.endpoint, "/weir.admin.v1.Topics/CreateTopic", request,
        [this, request, asked](CallStatus status, const admin::v1::CreateTopicResponse& response) {
          if (!status.ok()) return AskAgain(request, asked, status);
          index_ = response.metadata_index();
          ++created_;
          double took = static_cast<double>((world_.host().clock.Now() - asked).count()) / 1e6;
          slowest_ = std::max(slowest_, took);
          CreateNext();
        });
  }

  // As a client does that meets a failover.
  void AskAgain(const admin::v1::CreateTopicRequest& request, Instant asked,
                const CallStatus& status) {
    Instant now = world_.host().clock.Now();
    if (now - asked > kPatience) {
      std::fprintf(stderr, "not created: %s\n", status.message.c_str());
      std::exit(1);
    }
    ++repeats_;
    world_.loop().RunAt(now + kPause, [this, request, asked] { Ask(request, asked); });
  }

  void Locate() {
    if (committed_ == 0) committed_ = MsNow();
    log::v1::LocateRequest request;
    for (const std::string& name : names_) request.add_topics(name);
    request.set_min_metadata_index(index_);
    Call<log::v1::LocateResponse>(
        plan_.endpoint, "/weir.log.v1.Log/Locate", request,
        [this](CallStatus status, const log::v1::LocateResponse& response) {
          if (!status.ok()) {
            std::fprintf(stderr, "not located: %s\n", status.message.c_str());
            std::exit(1);
          }
          Located(response);
        });
  }

  void Located(const log::v1::LocateResponse& response) {
    std::map<int32_t, std::string> endpoints;
    for (const auto& node : response.nodes()) endpoints[node.node_id()] = node.endpoint();
    for (const auto& topic : response.topics()) {
      for (const auto& partition : topic.partitions()) {
        if (seen_.contains({topic.topic_id(), partition.partition()})) continue;
        unled_.push_back({topic.topic_id(), partition.partition(), endpoints[partition.leader()]});
      }
    }
    total_ = led_ + unled_.size();
    for (size_t i = 0; i < kDepth; ++i) AskNext();
  }

  void AskNext() {
    if (unled_.empty()) return;
    Partition partition = std::move(unled_.front());
    unled_.pop_front();
    ++asked_;
    log::v1::OffsetsRequest request;
    request.set_topic_id(partition.topic_id);
    request.set_partition(partition.index);
    Call<log::v1::OffsetsResponse>(partition.leader, "/weir.log.v1.Log/Offsets", request,
                                   [this, partition](CallStatus status, const auto&) {
                                     --asked_;
                                     if (status.ok()) {
                                       ++led_;
                                       seen_.insert({partition.topic_id, partition.index});
                                     }
                                     if (led_ == total_) return Finish();
                                     AskNext();
                                     // The rest again, from where they are led by now.
                                     if (asked_ == 0) Locate();
                                   });
  }

  void Finish() {
    std::printf(
        "begin_ms %lld committed_ms %.1f slowest_ms %.1f led_ms %.1f repeats %d partitions %zu\n",
        static_cast<long long>(begin_wall_.ms), committed_, slowest_, MsNow(), repeats_, total_);
    world_.loop().Stop();
  }

  const Plan plan_;
  mutable host::PosixHost world_{host::PosixHost::Config{}};
  Instant begin_;
  WallTime begin_wall_;
  std::vector<std::string> names_;
  int created_ = 0;
  int64_t index_ = 0;
  double committed_ = 0;
  // The longest that one topic took.
  double slowest_ = 0;
  // Requests that were refused, for example since the active controller had lost the lead.
  int repeats_ = 0;
  std::deque<Partition> unled_;
  size_t asked_ = 0;
  size_t led_ = 0;
  std::set<std::pair<std::string, int32_t>> seen_;
  size_t total_ = 0;
};

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: partitions ENDPOINT[,ENDPOINT...] TOPICS PARTITIONS REPLICAS\n");
    return 2;
  }
  std::string endpoints = argv[1];
  weir::bench::Plan plan{.endpoint = endpoints.substr(0, endpoints.find(',')),
                         .topics = std::atoi(argv[2]),
                         .partitions = std::atoi(argv[3]),
                         .replicas = std::atoi(argv[4])};
  weir::bench::Creation(plan).Run();
  return 0;
}
