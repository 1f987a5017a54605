// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/birth.h"

#include <gtest/gtest.h>

#include "controller/quorum/memory/memory_quorum_log.h"
#include "controller/quorum/test_world.h"

namespace weir::quorum {
namespace {

using host::StatusCode;
using weir::raft::v1::DescribeResponse;
using weir::raft::v1::FoundRequest;
using weir::raft::v1::FoundResponse;

const ClusterId kCluster(Uuid::FromRandom(1, 2));
const raft::VoterId kSelf{ControllerId(1), DirectoryId(Uuid::FromRandom(3, 4))};

class BirthTest : public testing::Test {
 protected:
  struct Answer {
    host::CallStatus status;
    Bytes body;
  };

  // One life of the process.
  Result<void> Start(raft::VoterId self = kSelf) {
    birth_.reset();
    log_.reset();
    found_.reset();
    log_ = std::make_unique<MemoryQuorumLog>(strand_, strand_, disk_);
    birth_ = std::make_unique<Birth>(*log_, Birth::Self{self, "host1:9", "test"},
                                     [this](Birth::Found found) { found_ = std::move(found); });
    methods_ = birth_->Methods();
    std::optional<Result<void>> started;
    birth_->Start([&](Result<void> done) { started = done; });
    strand_.RunUntil([&] { return started.has_value(); });
    return *started;
  }
  Answer Call(const std::string& method, const std::string& request) {
    std::optional<Answer> answer;
    std::get<host::UnaryMethod>(methods_.at("/weir.raft.v1.Birth/" + method))(
        {}, Bytes::FromString(request), [&](host::CallStatus status, Pieces body) {
          answer = Answer{std::move(status), Join(body)};
        });
    strand_.RunUntil([&] { return answer.has_value(); });
    return *answer;
  }
  Answer Found(const FoundRequest& request) { return Call("Found", request.SerializeAsString()); }
  DescribeResponse Describe() {
    DescribeResponse response;
    response.ParseFromString(Call("Describe", "").body.ToString());
    return response;
  }
  static FoundRequest Request(ClusterId cluster = kCluster, raft::VoterId voter = kSelf) {
    FoundRequest request;
    request.set_cluster_id(cluster.ToBytes());
    request.set_controller_id(voter.controller.value());
    request.set_directory_id(voter.directory.ToBytes());
    request.set_snapshot(MakeFoundingSnapshot(cluster, {{voter, "host1:9"}}, WallTime{1}));
    return request;
  }

  TestStrand strand_;
  MemoryQuorumDisk disk_;
  std::unique_ptr<MemoryQuorumLog> log_;
  std::unique_ptr<Birth> birth_;
  host::Methods methods_;
  std::optional<Birth::Found> found_;
};

TEST_F(BirthTest, AnEmptyControllerWaitsUntilItIsFounded) {
  ASSERT_TRUE(Start());
  EXPECT_FALSE(found_);
  EXPECT_EQ(Describe().cluster_id(), "");
  Answer answer = Found(Request());
  ASSERT_TRUE(answer.status.ok()) << answer.status;
  ASSERT_TRUE(found_);
  EXPECT_EQ(found_->cluster, kCluster);
  EXPECT_EQ(found_->remembered.last, LogIndex(1));
  EXPECT_EQ(Describe().founding_snapshot(), Request().snapshot());
  EXPECT_EQ(disk_.snapshot->last, kFoundingPosition) << "it answers when it is on disk";
}

TEST_F(BirthTest, ARestartedControllerNeedsNoFounding) {
  ASSERT_TRUE(Start());
  ASSERT_TRUE(Found(Request()).status.ok());
  ASSERT_TRUE(Start());
  ASSERT_TRUE(found_);
  EXPECT_EQ(found_->snapshot.last, kFoundingPosition);
}

TEST_F(BirthTest, FoundedAgainForTheSameClusterItDoesNothing) {
  ASSERT_TRUE(Start());
  ASSERT_TRUE(Found(Request()).status.ok());
  FoundResponse response;
  ASSERT_TRUE(response.ParseFromString(Found(Request()).body.ToString()));
  EXPECT_TRUE(response.already());
}

TEST_F(BirthTest, RefusesWhatIsNotForIt) {
  ASSERT_TRUE(Start());
  raft::VoterId other{ControllerId(2), kSelf.directory};
  raft::VoterId wiped{ControllerId(1), DirectoryId(Uuid::FromRandom(8, 8))};
  EXPECT_EQ(Found(Request(kCluster, other)).status.code, StatusCode::kFailedPrecondition);
  EXPECT_EQ(Found(Request(kCluster, wiped)).status.code, StatusCode::kFailedPrecondition);
  FoundRequest without_me = Request();
  without_me.set_snapshot(MakeFoundingSnapshot(kCluster, {{other, "x:1"}}, WallTime{1}));
  EXPECT_EQ(Found(without_me).status.code, StatusCode::kInvalidArgument);
  FoundRequest broken = Request();
  broken.set_cluster_id("short");
  EXPECT_EQ(Found(broken).status.code, StatusCode::kInvalidArgument);
  EXPECT_FALSE(disk_.snapshot) << "nothing that was refused is written";
  ASSERT_TRUE(Found(Request()).status.ok());
  Answer second = Found(Request(ClusterId(Uuid::FromRandom(9, 9))));
  EXPECT_EQ(second.status.code, StatusCode::kAlreadyExists);
}

TEST_F(BirthTest, WillNotStartOnAnotherControllersFolder) {
  ASSERT_TRUE(Start());
  ASSERT_TRUE(Found(Request()).status.ok());
  auto started = Start({ControllerId(2), kSelf.directory});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, Error::Kind::kInvalid);
}

}  // namespace
}  // namespace weir::quorum
