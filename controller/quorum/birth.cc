// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/birth.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "proto/raft/raft.pb.h"

namespace weir::quorum {
namespace {

void Refuse(host::Reply& reply, host::StatusCode code, std::string why) {
  reply({.code = code, .message = std::move(why), .details = {}}, {});
}

template <class Message>
void Answer(host::Reply& reply, const Message& message) {
  reply(host::CallStatus::Ok(), {Bytes::FromString(message.SerializeAsString())});
}

bool IsVoter(const Founding& founding, const raft::VoterId& id) {
  return std::any_of(founding.voters.begin(), founding.voters.end(),
                     [&](const Voter& voter) { return voter.id == id; });
}

std::string Text(const raft::VoterId& id) {
  return "controller " + std::to_string(id.controller.value()) + " with directory " +
         id.directory.ToString();
}

}  // namespace

Birth::Birth(QuorumLog& log, Self self, Callback<void(Found)> found)
    : log_(log), self_(std::move(self)), found_(std::move(found)) {}

void Birth::Start(Callback<void(Result<void>)> done) {
  log_.Load(lifetime_.Bind([this, done = std::move(done)](Result<Remembered> remembered) mutable {
    Loaded(std::move(remembered), std::move(done));
  }));
}

void Birth::Loaded(Result<Remembered> remembered, Callback<void(Result<void>)> done) {
  if (!remembered) {
    done(std::unexpected(remembered.error()));
    return;
  }
  remembered_ = std::move(*remembered);
  log_.ReadSnapshot(lifetime_.Bind([this, done = std::move(done)](
                                       Result<std::optional<StoredSnapshot>> snapshot) mutable {
    if (!snapshot) {
      done(std::unexpected(snapshot.error()));
      return;
    }
    if (*snapshot) {
      auto founding = ParseFounding((*snapshot)->state.view());
      if (!founding) {
        done(std::unexpected(founding.error().While("reading this controller's snapshot")));
        return;
      }
      for (const Voter& voter : founding->voters) {
        if (voter.id.directory != self_.id.directory || voter.id == self_.id) continue;
        done(Fail(Error::Kind::kInvalid,
                  "this folder is that of " + Text(voter.id) + ", not of " + Text(self_.id) +
                      ": start each controller on its own"));
        return;
      }
      // One that joined, or was removed, may have a snapshot of a time when it was no member.
      if (!IsVoter(*founding, self_.id)) {
        LOG(WARNING) << Text(self_.id) << " is not a member of cluster " << founding->cluster
                     << " by its last snapshot: it follows, and votes only if it is added";
      }
      snapshot_ = std::move(**snapshot);
      founding_ = std::move(*founding);
    }
    loaded_ = true;
    done({});
    if (founding_) TellFound();
  }));
}

void Birth::TellFound() {
  if (!found_) return;
  std::exchange(found_, {})(
      Found{founding_->cluster, remembered_, snapshot_.value_or(StoredSnapshot{})});
}

bool Birth::Join(ClusterId cluster) {
  if (!loaded_ || saving_ || founding_) return false;
  LOG(INFO) << Text(self_.id) << " was added to cluster " << cluster;
  founding_ = Founding{cluster, {}};
  TellFound();
  return true;
}

host::Methods Birth::Methods() {
  host::Methods methods;
  methods["/weir.raft.v1.Birth/Describe"] = host::UnaryMethod(
      [this](const host::Caller&, Bytes, host::Reply reply) { Describe(std::move(reply)); });
  methods["/weir.raft.v1.Birth/Found"] =
      host::UnaryMethod([this](const host::Caller&, Bytes request, host::Reply reply) {
        TakeFound(std::move(request), std::move(reply));
      });
  return methods;
}

void Birth::Describe(host::Reply reply) const {
  if (!loaded_) {
    Refuse(reply, host::StatusCode::kUnavailable, "this controller is still starting");
    return;
  }
  weir::raft::v1::DescribeResponse response;
  response.set_controller_id(self_.id.controller.value());
  response.set_directory_id(self_.id.directory.ToBytes());
  response.set_endpoint(self_.endpoint);
  response.set_version(self_.version);
  if (founding_) response.set_cluster_id(founding_->cluster.ToBytes());
  if (snapshot_ && snapshot_->last == kFoundingPosition) {
    response.set_founding_snapshot(snapshot_->state.ToString());
  }
  Answer(reply, response);
}

void Birth::TakeFound(Bytes bytes, host::Reply reply) {
  using host::StatusCode;
  weir::raft::v1::FoundRequest request;
  auto cluster = request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))
                     ? ClusterId::FromBytes(request.cluster_id())
                     : std::nullopt;
  auto directory = DirectoryId::FromBytes(request.directory_id());
  if (!cluster || !directory) {
    Refuse(reply, StatusCode::kInvalidArgument,
           "cluster_id and directory_id must be 16 bytes each");
    return;
  }
  if (!loaded_ || saving_) {
    Refuse(reply, StatusCode::kUnavailable, "this controller is still starting: try again");
    return;
  }
  raft::VoterId meant{ControllerId(request.controller_id()), *directory};
  if (meant != self_.id) {
    Refuse(reply, StatusCode::kFailedPrecondition,
           "this is " + Text(self_.id) + ", not " + Text(meant));
    return;
  }
  if (founding_ && founding_->cluster != *cluster) {
    Refuse(reply, StatusCode::kAlreadyExists,
           Text(self_.id) + " belongs to cluster " + founding_->cluster.ToString() + " already");
    return;
  }
  if (founding_) {
    weir::raft::v1::FoundResponse response;
    response.set_already(true);
    Answer(reply, response);
    return;
  }
  auto founding = ParseFounding(request.snapshot());
  if (!founding || founding->cluster != *cluster || !IsVoter(*founding, self_.id)) {
    Refuse(reply, StatusCode::kInvalidArgument,
           founding ? "the snapshot must be of that cluster, and name " + Text(self_.id) +
                          " among its voters"
                    : founding.error().message);
    return;
  }
  Write(StoredSnapshot{kFoundingPosition, Bytes::FromString(request.snapshot())},
        std::move(*founding), std::move(reply));
}

void Birth::Write(StoredSnapshot snapshot, Founding founding, host::Reply reply) {
  saving_ = true;
  log_.Save(
      LogWrite{.install = snapshot},
      lifetime_.Bind([this, snapshot, founding = std::move(founding),
                      reply = std::move(reply)](Result<void> saved) mutable {
        saving_ = false;
        if (!saved) {
          Refuse(reply, host::StatusCode::kInternal,
                 saved.error().While("writing the founding snapshot").message);
          return;
        }
        LOG(INFO) << "controller " << self_.id.controller << " is a voter of cluster "
                  << founding.cluster;
        remembered_ = {.snapshot = snapshot.last,
                       .begin = snapshot.last,
                       .last = snapshot.last.index};
        remembered_.terms.Assign(snapshot.last.term, snapshot.last.index);
        snapshot_ = std::move(snapshot);
        founding_ = std::move(founding);
        Answer(reply, weir::raft::v1::FoundResponse());
        TellFound();
      }));
}

}  // namespace weir::quorum
