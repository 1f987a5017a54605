// SPDX-License-Identifier: Apache-2.0
// A node's session with a controller that says whatever it likes. The node neither ends nor
// believes, and is ready for the true controller afterwards.
#include <glog/logging.h>

#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"
#include "proto/node/session.pb.h"
#include "storage/session/session.h"
#include "tests/fuzz/target.h"
#include "tests/sim/world.h"

namespace weir::fuzz {
namespace {

using node::v1::FromController;

const ClusterId kCluster(Uuid::FromRandom(5, 5));

struct Deaf : host::StreamEvents {
  void OnMessage(Bytes) override {}
  void OnEnd(host::CallStatus) override {}
};

struct Ignored : session::SessionEvents {
  void OnRegistered(NodeEpoch) override {}
  void OnImage(const metadata::Image& before, const metadata::Image& after) override {
    CHECK(after.index >= before.index);
    CHECK(after.cluster_id == kCluster) << after.cluster_id;
  }
  void OnIsrRefused(PartitionId, PartitionEpoch, const Refusal&) override {}
  void OnMayStop() override {}
  void OnRefused(const Refusal&) override {}
};

// The first stream is told the input, later ones nothing.
void Feed(std::string_view bytes) {
  sim::World world(1);
  sim::Process& controller = world.AddProcess("controller");
  sim::Process& node = world.AddProcess("node");
  std::vector<std::shared_ptr<host::Stream>> streams;
  host::Methods methods;
  methods["/weir.node.v1.Sessions/Open"] = host::StreamMethod(
      [&](const host::Caller&,
          std::shared_ptr<host::Stream> stream) -> std::shared_ptr<host::StreamEvents> {
        if (streams.empty()) {
          for (std::string& message : Unframed(bytes)) {
            stream->Send({Bytes::FromString(std::move(message))});
          }
        }
        streams.push_back(std::move(stream));
        return std::make_shared<Deaf>();
      });
  CHECK(controller.host().network.Listen("controller:9190", std::move(methods)));
  Ignored ignored;
  session::SessionConfig config;
  config.node = NodeId(1);
  config.cluster = kCluster;
  config.incarnation = Incarnation(Uuid::FromRandom(6, 6));
  config.controllers = {"controller:9190"};
  config.directories = {DirectoryId(Uuid::FromRandom(7, 7))};
  auto session = std::make_unique<session::Session>(node.host(), config, &ignored);
  session->Start({});
  world.RunFor(std::chrono::milliseconds(100));
  session.reset();
  node.Kill();
  controller.Kill();
}

std::string Registered(const ClusterId& cluster) {
  FromController message;
  message.mutable_registered()->set_cluster_id(cluster.ToBytes());
  message.mutable_registered()->set_term(3);
  message.mutable_registered()->set_node_epoch(7);
  message.mutable_registered()->set_lease_ms(3000);
  return message.SerializeAsString();
}

std::string Snapshot() {
  metadata::v1::Snapshot snapshot;
  snapshot.set_last_index(7);
  snapshot.set_last_term(3);
  *snapshot.add_records() = metadata::ToClusterRecord(kCluster, WallTime{5});
  *snapshot.add_records() = metadata::ToFeatureRecord("metadata", 1);
  FromController message;
  message.set_snapshot(snapshot.SerializeAsString());
  return message.SerializeAsString();
}

std::string Entries() {
  FromController message;
  message.mutable_entries()->set_term(3);
  for (int64_t index : {8, 9}) {
    auto& entry = *message.mutable_entries()->add_entries();
    entry.set_index(index);
    entry.set_term(3);
    std::string value = std::to_string(index);
    *entry.mutable_entry()->add_records() =
        metadata::ToRecord({metadata::ConfigScope::kCluster, "", "key"}, &value);
  }
  return message.SerializeAsString();
}

std::string Refused() {
  FromController message;
  message.mutable_isr_refused()->set_topic_id(std::string(16, 't'));
  message.mutable_isr_refused()->set_message("no");
  return message.SerializeAsString();
}

}  // namespace

Target MakeTarget() {
  FromController may_stop;
  may_stop.mutable_may_stop();
  const std::string registered = Registered(kCluster);
  return {.seeds = {Framed({registered, Snapshot(), Entries(), Refused()}),
                    Framed({registered, Snapshot(), may_stop.SerializeAsString(), Entries()}),
                    Framed({registered, Entries()}),
                    Framed({Registered(ClusterId(Uuid::FromRandom(8, 8))), Snapshot()}),
                    Framed({Snapshot(), registered})},
          .feed = Feed,
          .bytes_per_byte_max = 1000,
          .inputs = 8'000};
}

}  // namespace weir::fuzz
