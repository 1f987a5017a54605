// SPDX-License-Identifier: Apache-2.0
#include "storage/partition/healer.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/codec/message.h"
#include "common/codec/payload.h"
#include "common/edge/refusal_status.h"
#include "proto/node/replication.pb.h"
#include "storage/partition/partition.h"
#include "storage/partition/proto_ids.h"

namespace weir::partition {
namespace {

constexpr Duration kBackoff = std::chrono::milliseconds(100);
constexpr Duration kBackoffMax = std::chrono::seconds(30);
constexpr size_t kCopyBytes = 1 << 20;
constexpr Duration kCopyTimeout = std::chrono::seconds(10);
// Nothing under way takes as long, unless the partition went away with it.
constexpr Duration kRoundMax = std::chrono::seconds(60);

}  // namespace

Healer::Healer(host::Host host, std::function<ClusterId()> cluster,
               std::function<Partition*(const PartitionId&)> find,
               std::function<std::optional<host::Endpoint>(NodeId)> endpoint_of)
    : host_(host),
      cluster_(std::move(cluster)),
      find_(std::move(find)),
      endpoint_of_(std::move(endpoint_of)),
      timer_(host.strand, [this] {
        if (present_) return Later("it takes too long");
        ServeNext();
      }) {}

template <class F>
auto Healer::InRound(F f) {
  return lifetime_.Bind([this, round = round_, f = std::move(f)](auto&&... args) mutable {
    if (round == round_) f(std::forward<decltype(args)>(args)...);
  });
}

void Healer::Heal(const PartitionId& id) {
  Ward& ward = wards_[id];
  ward.due = std::min(ward.due, host_.clock.Now());
  ServeNext();
}

void Healer::ServeNext() {
  if (present_) return;
  auto next =
      std::ranges::min_element(wards_, {}, [](const auto& entry) { return entry.second.due; });
  if (next == wards_.end()) return timer_.Set(Instant::Never());
  if (next->second.due > host_.clock.Now()) return timer_.Set(next->second.due);
  present_ = next->first;
  Begin();
}

void Healer::Begin() {
  ++round_;
  timer_.Set(host_.clock.Now() + kRoundMax);
  Partition* partition = find_(*present_);
  // What failed is looked at again when it is opened again.
  if (!partition || partition->failure()) return Leave();
  partition->Diagnose(
      InRound([this](Result<std::optional<log::Damage>> damage) { Diagnosed(std::move(damage)); }));
}

void Healer::Diagnosed(Result<std::optional<log::Damage>> damage) {
  Partition* partition = find_(*present_);
  if (!partition) return Leave();
  if (!damage) return Later(damage.error().message);
  if (!*damage) {
    LOG(INFO) << *present_ << " is whole";
    return Leave();
  }
  if ((*damage)->bytes == 0) {
    return Later((*damage)->file + " has lost more than can be put back in its place");
  }
  Ask(*partition, **damage);
}

void Healer::Ask(Partition& partition, const log::Damage& damage) {
  const auto epoch = partition.shared_epoch();
  const auto holders = partition.HoldersOf(damage.from, damage.to);
  if (!epoch || holders.empty()) return Later("no other replica is known to hold it now");
  const NodeId holder = holders[wards_.at(*present_).asked++ % holders.size()];
  auto endpoint = endpoint_of_(holder);
  if (!endpoint) return Later("nobody knows where the other replica is");
  node::v1::CopyRequest request;
  request.set_cluster_id(cluster_().ToBytes());
  PutId(*present_, &request);
  request.set_leader_epoch(epoch->value());
  request.set_from(std::max(damage.from, partition.log()->start()).value());
  request.set_to(damage.to.value());
  request.set_max_bytes(static_cast<int32_t>(kCopyBytes));
  host_.network.Call(
      *endpoint, kCopyMethod, {Bytes::FromString(request.SerializeAsString())}, kCopyTimeout,
      InRound([this, holder, epoch = *epoch](const host::CallStatus& status, const Bytes& message) {
        Copied(epoch, holder, status, message);
      }));
}

void Healer::Copied(LeaderEpoch epoch, NodeId from, const host::CallStatus& status,
                    const Bytes& message) {
  Partition* partition = find_(*present_);
  if (!partition) return Leave();
  const std::string source = "node " + std::to_string(from.value());
  if (!status.ok()) return Later(source + " has none for it: " + status.message);
  node::v1::CopyResponse header;
  auto records = codec::SplitPayload(message, node::v1::CopyResponse::kRecordsFieldNumber, &header);
  if (!records) return Later(source + " answers what is no CopyResponse");
  const size_t bytes = records->size();
  partition->Mend(epoch, std::move(*records), InRound([this, from, bytes](Result<void> mended) {
                    Mended(from, bytes, mended);
                  }));
}

void Healer::Mended(NodeId from, size_t bytes, const Result<void>& mended) {
  if (!mended) {
    return Later("what node " + std::to_string(from.value()) + " has is " + mended.error().message);
  }
  mended_bytes_ += bytes;
  LOG(INFO) << *present_ << ": " << bytes << " damaged bytes are replaced by those of node "
            << from;
  Ward& ward = wards_.at(*present_);
  ward.backoff = Duration::zero();
  // Others have their turn between two ranges.
  ward.due = host_.clock.Now();
  ++round_;
  present_.reset();
  ServeNext();
}

void Healer::Later(const std::string& complaint) {
  Ward& ward = wards_.at(*present_);
  ward.backoff = std::clamp(ward.backoff * 2, kBackoff, kBackoffMax);
  ward.due = host_.clock.Now() + ward.backoff;
  if (std::exchange(ward.complaint, complaint) != complaint) {
    LOG(WARNING) << *present_ << " is damaged, and cannot be mended now: " << complaint;
  }
  ++round_;
  present_.reset();
  ServeNext();
}

void Healer::Leave() {
  wards_.erase(*present_);
  ++round_;
  present_.reset();
  ServeNext();
}

host::UnaryMethod Healer::Method() {
  return [this](const host::Caller&, Bytes bytes, host::Reply reply) {
    node::v1::CopyRequest request;
    std::optional<PartitionId> id;
    if (codec::ParseMessage(bytes.view(), &request)) id = IdOf(request);
    if (!id) {
      return reply(edge::ToStatus({ErrorCode::kInvalidRequest, "not a CopyRequest"}), {});
    }
    const ClusterId ours = cluster_();
    if (ours == ClusterId() || request.cluster_id() != ours.ToBytes()) {
      return reply(edge::ToStatus({ErrorCode::kInconsistentClusterId,
                                   "this node belongs to cluster " + ours.ToString()}),
                   {});
    }
    Partition* partition = find_(*id);
    if (!partition) {
      return reply(edge::ToStatus({ErrorCode::kNotLeaderOrFollower, "it has no replica here"}), {});
    }
    const size_t most = request.max_bytes() > 0
                            ? std::min(static_cast<size_t>(request.max_bytes()), kCopyBytes)
                            : kCopyBytes;
    partition->CopyFor(LeaderEpoch(request.leader_epoch()), Offset(request.from()),
                       Offset(request.to()), most,
                       [reply = std::move(reply)](Answer<Bytes> copied) mutable {
                         if (!copied) return reply(edge::ToStatus(copied.error()), {});
                         reply(host::CallStatus::Ok(),
                               codec::WithPayload(node::v1::CopyResponse(),
                                                  node::v1::CopyResponse::kRecordsFieldNumber,
                                                  std::move(*copied)));
                       });
  };
}

}  // namespace weir::partition
