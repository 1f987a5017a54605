// SPDX-License-Identifier: Apache-2.0
// Methods are bytes under a name: that what processes serve is what the .proto files declare, and
// all of it, no compiler checks.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "controller/quorum/birth.h"
#include "controller/quorum/memory/memory_quorum_log.h"
#include "controller/quorum/quorum.h"
#include "controller/service/admin.h"
#include "controller/service/sessions.h"
#include "proto/admin/admin.pb.h"
#include "proto/log/log.pb.h"
#include "proto/node/replication.pb.h"
#include "proto/node/session.pb.h"
#include "proto/raft/raft.pb.h"
#include "storage/grpc/admin_forward.h"
#include "storage/grpc/log_service.h"
#include "storage/partition/healer.h"
#include "storage/partition/leader_feeds.h"
#include "tests/sim/world.h"

namespace weir {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

// Every rpc of the .proto files that have services.
std::map<std::string, const MethodDescriptor*> Declared() {
  std::map<std::string, const MethodDescriptor*> declared;
  for (const FileDescriptor* file :
       {admin::v1::GetClusterRequest::descriptor()->file(),
        log::v1::LocateRequest::descriptor()->file(), node::v1::FromNode::descriptor()->file(),
        node::v1::FromFollower::descriptor()->file(), raft::v1::Message::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const MethodDescriptor* method = file->service(s)->method(m);
        declared["/" + method->service()->full_name() + "/" + method->name()] = method;
      }
    }
  }
  return declared;
}

// The method maps of a process, with nothing behind them: nothing here is called that looks there.
class Methods : public testing::Test {
 protected:
  host::Methods OfController() {
    host::Methods methods = birth_.Methods();
    methods.merge(peers_.Methods());
    methods.merge(admin_.Methods());
    methods[service::kSessionMethod] = sessions_.Method();
    return methods;
  }

  host::Methods OfNodeForClients() {
    host::Methods methods = grpc_edge::LogMethods({nullptr, nullptr, nullptr});
    methods.merge(grpc_edge::AdminForwardMethods(host_, nullptr));
    return methods;
  }

  host::Methods OfNodeForNodes() {
    return {{partition::kFollowMethod, feeds_.Method()},
            {partition::kCopyMethod, healer_.Method()}};
  }

  sim::World world_{1};
  host::Host host_ = world_.AddProcess("one").host();
  quorum::MemoryQuorumDisk disk_;
  quorum::MemoryQuorumLog log_{host_.clock, host_.strand, disk_};
  quorum::Birth birth_{log_, {}, [](quorum::Birth::Found) {}};
  quorum::PeerService peers_;
  service::ActiveController active_;
  service::Sessions sessions_{host_, &active_};
  service::Admin admin_{host_, nullptr, &active_, [] { return nullptr; }};
  partition::LeaderFeeds feeds_{host_, [] { return ClusterId(); },
                                [](const PartitionId&) { return nullptr; }};
  partition::Healer healer_{host_, [] { return ClusterId(); },
                            [](const PartitionId&) { return nullptr; },
                            [](NodeId) { return std::nullopt; }};
};

TEST_F(Methods, AreDeclaredAsTheyAreServed) {
  auto declared = Declared();
  for (const host::Methods& served : {OfController(), OfNodeForClients(), OfNodeForNodes()}) {
    for (const auto& [name, method] : served) {
      ASSERT_TRUE(declared.contains(name)) << name << " is in no .proto file";
      const MethodDescriptor* rpc = declared[name];
      bool streams = rpc->client_streaming() || rpc->server_streaming();
      EXPECT_EQ(std::holds_alternative<host::StreamMethod>(method), streams) << name;
    }
  }
}

TEST_F(Methods, AreAllServed) {
  host::Methods served = OfController();
  served.merge(OfNodeForClients());
  served.merge(OfNodeForNodes());
  for (const auto& [name, rpc] : Declared()) {
    EXPECT_TRUE(served.contains(name)) << name << " is served by nobody";
  }
}

TEST_F(Methods, OfAdministrationAreServedByTheControllerAndForwardedByEveryNode) {
  host::Methods controller = OfController();
  host::Methods node = OfNodeForClients();
  for (const auto& [name, rpc] : Declared()) {
    if (rpc->file() != admin::v1::GetClusterRequest::descriptor()->file()) continue;
    EXPECT_TRUE(controller.contains(name)) << name;
    EXPECT_TRUE(node.contains(name)) << name;
  }
}

// What is no message at all is refused with the name of the message that was expected.
TEST_F(Methods, OfAdministrationReadTheRequestThatIsDeclared) {
  auto declared = Declared();
  for (auto& [name, method] : admin_.Methods()) {
    std::string refused;
    std::get<host::UnaryMethod>(method)(
        {}, Bytes::FromString("\xff"),
        [&](host::CallStatus status, Pieces) { refused = status.message; });
    EXPECT_TRUE(refused.ends_with(" " + declared.at(name)->input_type()->full_name()))
        << name << ": " << refused;
  }
}

}  // namespace
}  // namespace weir
