// SPDX-License-Identifier: Apache-2.0
// More than one entry may hold: a sequence of them, each of which leaves a lawful image.
#include <gtest/gtest.h>

#include "common/metadata/records.h"
#include "controller/decide/metadata_machine.h"

namespace weir::decide {
namespace {

using metadata::Image;
using metadata::Partition;

template <class Id>
Id Made(uint64_t number) {
  return Id(Uuid::FromRandom(number * 0x9e3779b97f4a7c15u, number));
}

class LargeWork : public testing::Test {
 protected:
  static constexpr int kTopicsOfThem = 3;
  static constexpr int32_t kEach = 5'000;

  LargeWork() {
    metadata::v1::Entry born;
    *born.add_records() = metadata::ToFeatureRecord("metadata", 1);
    Write(born);
    for (int32_t i = 1; i <= 3; ++i) {
      RegisterNode command{.node = NodeId(i), .incarnation = Made<Incarnation>(1)};
      command.directories = {Made<DirectoryId>(static_cast<uint64_t>(i))};
      command.features = {{"metadata", 1, 1}};
      EXPECT_EQ(Decide(command), 1);
      if (i < 3) Unfence(i);
    }
    for (uint64_t t = 0; t < kTopicsOfThem; ++t) {
      CreateTopic command{.name = "t" + std::to_string(t), .partition_count = kEach};
      command.replication_factor = 2;
      command.configs = {{"min.insync.replicas", "2"}};
      command.new_id = Made<TopicId>(100 + t);
      EXPECT_EQ(Decide(command), 1);
    }
  }

  void Unfence(int32_t node) {
    Decide(UnfenceNode{NodeId(node), image_.nodes.Find(NodeId(node))->epoch, image_.index});
  }

  // How many decisions it took.
  int Decide(const Command& command) {
    for (int parts = 1;; ++parts) {
      Decision decision = machine_.Decide(image_, command, {});
      EXPECT_TRUE(decision.answer) << decision.answer.error();
      if (!decision.answer) return parts;
      if (decision.entry) Write(*decision.entry);
      if (!std::holds_alternative<DecidedInPart>(*decision.answer)) return parts;
      EXPECT_TRUE(decision.entry && decision.entry->request_id().empty())
          << "a part writes something, and is not yet the answer";
    }
  }

  void Write(const metadata::v1::Entry& entry) {
    EXPECT_LE(entry.ByteSizeLong(), kEntryBytesMax);
    EXPECT_LE(entry.records_size(), kPartitionsMax + 100);
    image_ = machine_.Apply(image_, entry, {image_.index.value() + 1, 1});
    EXPECT_EQ(metadata::Violations(image_), std::vector<std::string>());
  }

  int Count(bool (*holds)(const Partition&)) const {
    int count = 0;
    for (const auto& [id, partition] : image_.partitions) count += holds(partition) ? 1 : 0;
    return count;
  }

  MetadataMachine machine_{ControllerId(1)};
  Image image_;
};

TEST_F(LargeWork, IsDecidedInParts) {
  constexpr int kAll = kTopicsOfThem * kEach;
  NodeEpoch epoch = image_.nodes.Find(NodeId(2))->epoch;
  EXPECT_GT(Decide(FenceNode{NodeId(2), epoch}), 1);
  auto is_alone = [](const Partition& p) { return p.isr == std::vector{NodeId(1)}; };
  auto has_eligible = [](const Partition& p) { return !p.eligible_leaders.empty(); };
  EXPECT_EQ(Count(is_alone), kAll);
  EXPECT_EQ(Count(has_eligible), kAll);
  UpdateConfigs configs{.scope = metadata::ConfigScope::kCluster};
  configs.set = {{"weir.durability", "cache"}};
  EXPECT_EQ(Decide(configs), 1);
  configs.set = {{"weir.durability", "flush"}};
  configs.request_id = Made<RequestId>(1);
  EXPECT_GT(Decide(configs), 1);
  EXPECT_EQ(Count(has_eligible), 0);
  EXPECT_EQ(*image_.configs.Find({metadata::ConfigScope::kCluster, "", "weir.durability"}),
            "flush");
}

TEST_F(LargeWork, OfADrainingNodeHandsOverAllThatItLeads) {
  Unfence(3);
  EXPECT_GE(Decide(DrainNode{.node = NodeId(1), .request_id = Made<RequestId>(1)}), 1);
  EXPECT_EQ(Count([](const Partition& p) { return p.leader == NodeId(1); }), 0);
  EXPECT_EQ(Decide(DrainStep{.moving_max = 100}), 1);
  EXPECT_EQ(Count([](const Partition& p) { return p.is_moving(); }), 100);
}

TEST_F(LargeWork, IsRefusedWhereItIsTooLargeForACluster) {
  CreateTopic command{.name = "more", .partition_count = kPartitionsMax};
  command.replication_factor = 1;
  Answer<Outcome> answer = Decided{};
  for (uint64_t t = 0; t < 50 && answer; ++t) {
    command.name = "more" + std::to_string(t);
    command.new_id = Made<TopicId>(200 + t);
    Decision decision = machine_.Decide(image_, command, {});
    answer = decision.answer;
    if (decision.entry) {
      image_ = machine_.Apply(image_, *decision.entry, {image_.index.value() + 1, 1});
    }
  }
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kPolicyViolation) << answer.error();
  EXPECT_LE(image_.partitions.size(), kClusterPartitionsMax);
}

}  // namespace
}  // namespace weir::decide
