// SPDX-License-Identifier: Apache-2.0
// A client of a simulated cluster that sends whatever bytes it likes, and a fixture that asks,
// after each test, whether the cluster is as well as before.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/edge/refusal_status.h"
#include "common/records/batch_builder.h"
#include "proto/log/log.pb.h"
#include "tests/cluster/cluster.h"

namespace weir::edges {

struct Answered {
  host::CallStatus status;
  std::string bytes;
  // What came over a stream before its end.
  std::vector<std::string> messages;
  bool ended = false;
};

class CallerTest : public testing::Test {
 protected:
  CallerTest() : cluster_(/*seed=*/7, {}) {}

  // A healthy cluster of three and three, with the topic orders: one partition on all nodes.
  void SetUp() override;
  // Nothing has crashed, and a record can be written and read.
  void TearDown() override;

  Answered Call(const std::string& endpoint, const std::string& method, const std::string& request);
  // Sends all, says that it sends no more, and waits for the end, or for `patience`.
  Answered Stream(const std::string& endpoint, const std::string& method,
                  const std::vector<std::string>& messages,
                  Duration patience = std::chrono::seconds(5));

  // Of the topic orders.
  const std::string& topic_id() const { return topic_id_; }
  std::string leader() const { return leader_; }
  std::string LeaderEndpoint() const { return leader_ + ":9292"; }
  std::string ActiveEndpoint() { return *cluster_.Resolve("active controller") + ":9190"; }
  log::v1::AppendRequest AppendOf(const std::string& batch) const;
  log::v1::OffsetsResponse Offsets();
  WallTime Now() { return cluster_.client_process().host().clock.WallNow(); }

  cluster::Cluster cluster_;

 private:
  std::string topic_id_;
  std::string leader_;
};

// The refusal has this reason (empty: any), and these words.
void ExpectRefused(const Answered& answered, const std::string& reason, const std::string& phrase);

}  // namespace weir::edges
