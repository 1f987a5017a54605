// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/snapshot_fetch.h"

#include <glog/logging.h>

#include <utility>

#include "proto/raft/raft.pb.h"

namespace weir::quorum {
namespace {

constexpr char kReadSnapshot[] = "/weir.raft.v1.Peers/ReadSnapshot";
constexpr Duration kPatience = std::chrono::seconds(5);

}  // namespace

SnapshotFetch::SnapshotFetch(host::Host host, ClusterId cluster, raft::LogPosition last,
                             Callback<void(StoredSnapshot)> done)
    : host_(host), cluster_(cluster), last_(last), done_(std::move(done)) {}

void SnapshotFetch::Offered(const host::Endpoint& from) {
  from_ = from;
  if (!asking_ && done_) Ask();
}

void SnapshotFetch::Ask() {
  asking_ = true;
  weir::raft::v1::ReadSnapshotRequest request;
  request.set_cluster_id(cluster_.ToBytes());
  request.set_last_index(last_.index.value());
  request.set_last_term(last_.term.value());
  request.set_offset(static_cast<int64_t>(state_.size()));
  host_.network.Call(from_, kReadSnapshot, {Bytes::FromString(request.SerializeAsString())},
                     kPatience, lifetime_.Bind([this](host::CallStatus status, Bytes answer) {
                       Took(std::move(status), answer);
                     }));
}

void SnapshotFetch::Took(host::CallStatus status, const Bytes& answer) {
  asking_ = false;
  weir::raft::v1::ReadSnapshotResponse response;
  bool is_read = status.ok() &&
                 response.ParseFromArray(answer.data(), static_cast<int>(answer.size()));
  if (!is_read) {
    // The next offer asks again, or names a newer one.
    LOG(WARNING) << "the snapshot offered by " << from_ << " stops at byte " << state_.size()
                 << ": " << status.message;
    return;
  }
  state_ += response.piece();
  if (static_cast<int64_t>(state_.size()) < response.size()) {
    if (!response.piece().empty()) Ask();
    return;
  }
  std::exchange(done_, {})(StoredSnapshot{last_, Bytes::FromString(std::move(state_))});
}

}  // namespace weir::quorum
