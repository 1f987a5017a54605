// SPDX-License-Identifier: Apache-2.0
// What a stream from a leader's node tells one partition that follows there.
#pragma once

#include "common/base/bytes.h"
#include "proto/node/replication.pb.h"

namespace weir::partition {

class Follower {
 public:
  virtual ~Follower() = default;
  // Something can be sent. Never within a call to the streams.
  virtual void OnStreamOpened() = 0;
  // What was not yet answered never will be.
  virtual void OnStreamEnded() = 0;
  // `records` are those of a Data; the header has none.
  virtual void OnLeaderMessage(const node::v1::FromLeader& header, Bytes records) = 0;
};

}  // namespace weir::partition
