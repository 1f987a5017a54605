// SPDX-License-Identifier: Apache-2.0
// Managing a cluster: the admin API over any of its nodes. What changes something carries a request
// id, so that a repetition after a lost answer changes nothing twice. One strand.
#pragma once

#include <string>
#include <utility>

#include "client/driver/failure.h"
#include "client/driver/routing.h"
#include "common/host/host.h"
#include "proto/admin/admin.pb.h"

namespace weir::client {

class Admin {
 public:
  template <class Response>
  using Done = Callback<void(Outcome<Response>)>;

  Admin(host::Host host, Routing& routing, Routing::Patience patience = {})
      : host_(host), routing_(routing), patience_(patience) {}

  // Any method that is safe to repeat, for example Call<GetClusterResponse>("Cluster/GetCluster",
  // GetClusterRequest(), done).
  template <class Response>
  void Call(const std::string& method, const google::protobuf::MessageLite& request,
            Done<Response> done) {
    routing_.Call("/weir.admin.v1." + method, {Bytes::FromString(request.SerializeAsString())},
                  patience_, [done = std::move(done)](Outcome<Bytes> answer) mutable {
                    if (!answer) {
                      done(std::unexpected(std::move(answer.error())));
                      return;
                    }
                    Response response;
                    if (response.ParseFromArray(answer->data(), static_cast<int>(answer->size()))) {
                      done(std::move(response));
                    } else {
                      done(std::unexpected(Failure{.code = host::StatusCode::kInternal,
                                                   .message = "the answer is no Protobuf"}));
                    }
                  });
  }

  // These set the request id.
  void CreateTopic(weir::admin::v1::CreateTopicRequest request,
                   Done<weir::admin::v1::CreateTopicResponse> done) {
    request.set_request_id(host_.random.NextUuid().ToBytes());
    Call("Topics/CreateTopic", request, std::move(done));
  }
  void DeleteTopic(weir::admin::v1::DeleteTopicRequest request,
                   Done<weir::admin::v1::DeleteTopicResponse> done) {
    request.set_request_id(host_.random.NextUuid().ToBytes());
    Call("Topics/DeleteTopic", request, std::move(done));
  }
  void UpdateConfigs(weir::admin::v1::UpdateConfigsRequest request,
                     Done<weir::admin::v1::UpdateConfigsResponse> done) {
    request.set_request_id(host_.random.NextUuid().ToBytes());
    Call("Configs/UpdateConfigs", request, std::move(done));
  }

 private:
  host::Host host_;
  Routing& routing_;
  const Routing::Patience patience_;
};

}  // namespace weir::client
