// SPDX-License-Identifier: Apache-2.0
// Snapshots: taken of what is committed so that the log can forget it, given to who lacks what was
// forgotten, and fetched where this voter is the one.
#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "controller/quorum/quorum.h"
#include "proto/raft/raft.pb.h"

namespace weir::quorum {
namespace {

constexpr size_t kPieceBytesMax = size_t{1} << 20;
// How long a snapshot is kept in memory for who fetches it.
constexpr Duration kServedFor = std::chrono::seconds(10);

}  // namespace

void Quorum::MaybeTakeSnapshot() {
  if (writing_ || stopped_ || delivered_ <= raft_->snapshot().index) return;
  // Others may have committed what is not yet written here: then it waits for the write.
  if (delivered_ > raft_->saved()) return;
  const Compaction& when = config_.compaction;
  bool is_due = entries_since_snapshot_ >= when.after_entries ||
                bytes_since_snapshot_ >= std::max(when.after_bytes, snapshot_size_);
  if (!is_due) return;
  auto source = events_.TakeSnapshot();
  if (!source) return;
  entries_since_snapshot_ = 0;
  bytes_since_snapshot_ = 0;
  writing_ = Writing{{delivered_, *raft_->TermAt(delivered_)}, std::move(source), {}};
  WriteSnapshot();
}

// A piece in each turn of the strand, so that nothing waits for long.
void Quorum::WriteSnapshot() {
  host_.strand.Post(lifetime_.Bind([this] {
    if (!writing_) return;
    Bytes piece = writing_->source->Next();
    if (!piece.empty()) {
      writing_->pieces.push_back(std::move(piece));
      return WriteSnapshot();
    }
    raft::LogPosition last = writing_->last;
    // It ends before what is saved here, and after what the log forgets.
    LogIndex begin = std::max(raft_->begin().index,
                              last.index - config_.compaction.kept_entries);
    StoredSnapshot snapshot{last, Join(std::exchange(writing_->pieces, {}))};
    snapshot_size_ = snapshot.state.size();
    log_.SaveSnapshot(std::move(snapshot), begin,
                      lifetime_.Bind([this, last, begin](Result<void> saved) {
                        SnapshotSaved(last, begin, std::move(saved));
                      }));
  }));
}

void Quorum::SnapshotSaved(raft::LogPosition last, LogIndex begin, Result<void> saved) {
  writing_.reset();
  if (stopped_) return;
  if (!saved) return Fail(saved.error().While("writing a snapshot of the quorum's log"));
  ProposeGathered();
  raft_->Compacted(last, begin);
  CarryOut({});
}

void Quorum::ServeSnapshot(const Bytes& bytes, host::Reply reply) {
  auto refuse = [&reply](host::StatusCode code, std::string why) {
    reply({.code = code, .message = std::move(why), .details = {}}, {});
  };
  weir::raft::v1::ReadSnapshotRequest request;
  auto cluster = request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))
                     ? ClusterId::FromBytes(request.cluster_id())
                     : std::nullopt;
  if (!cluster || request.offset() < 0) {
    return refuse(host::StatusCode::kInvalidArgument, "not a question for a snapshot");
  }
  if (*cluster != config_.cluster || stopped_) {
    return refuse(host::StatusCode::kFailedPrecondition,
                  "this controller belongs to cluster " + config_.cluster.ToString());
  }
  raft::LogPosition last{LogIndex(request.last_index()), Term(request.last_term())};
  auto offset = static_cast<size_t>(request.offset());
  if (served_ && served_->last == last) return Reply(*served_, offset, reply);
  log_.ReadSnapshot(lifetime_.Bind([this, last, offset, reply = std::move(reply)](
                                       Result<std::optional<StoredSnapshot>> read) mutable {
    if (read && *read && (*read)->last == last) {
      served_ = std::move(**read);
      return Reply(*served_, offset, reply);
    }
    reply({.code = host::StatusCode::kNotFound,
           .message = read ? "this snapshot has been replaced by a newer one"
                           : read.error().message,
           .details = {}},
          {});
  }));
}

void Quorum::Reply(const StoredSnapshot& snapshot, size_t offset, host::Reply& reply) {
  host_.strand.Cancel(served_timer_);
  served_timer_ =
      host_.strand.RunAt(Now() + kServedFor, lifetime_.Bind([this] { served_.reset(); }));
  weir::raft::v1::ReadSnapshotResponse response;
  response.set_size(static_cast<int64_t>(snapshot.state.size()));
  std::string_view state = snapshot.state.view();
  if (offset < state.size()) {
    response.set_piece(std::string(state.substr(offset, kPieceBytesMax)));
  }
  reply(host::CallStatus::Ok(), {Bytes::FromString(response.SerializeAsString())});
}

void Quorum::Fetch(const raft::Fetch& fetch) {
  host::Endpoint from = EndpointOf(fetch.from);
  if (from.empty()) return;
  if (!fetch_ || fetch_->last() != fetch.last) {
    LOG(INFO) << "controller " << config_.self.controller << " fetches the snapshot up to "
              << fetch.last << " from " << from;
    fetch_ = std::make_unique<SnapshotFetch>(
        host_, config_.cluster, fetch.last,
        lifetime_.Bind([this](StoredSnapshot snapshot) {
          // Not within a call of what it replaces.
          host_.strand.Post(lifetime_.Bind([this, snapshot = std::move(snapshot)]() mutable {
            fetch_.reset();
            Fetched(std::move(snapshot));
          }));
        }));
  }
  fetch_->Offered(from);
}

void Quorum::Fetched(StoredSnapshot snapshot) {
  if (stopped_) return;
  auto voters = config_.voters_in(snapshot.state.view());
  if (!voters) {
    LOG(ERROR) << "a snapshot that was fetched cannot be used: " << voters.error();
    return;
  }
  Learn(*voters);
  ProposeGathered();
  installing_ = snapshot;
  if (raft_->InstallSnapshot(snapshot.last, MembershipOf(*voters), Now())) {
    writing_.reset();
    entries_since_snapshot_ = 0;
    bytes_since_snapshot_ = 0;
    snapshot_size_ = snapshot.state.size();
    Tell(TellSnapshot{std::move(snapshot)});
  }
  CarryOut({});
  installing_.reset();
}

}  // namespace weir::quorum
