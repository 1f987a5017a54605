// SPDX-License-Identifier: Apache-2.0
// Records in and out of the partitions that this node leads, in domain words, for every edge.
// One strand.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/edge/refusal_status.h"
#include "common/host/host.h"
#include "storage/broker/append_room.h"
#include "storage/broker/read_room.h"
#include "storage/partition/partition.h"

namespace weir::broker {

class Partitions;

// Every edge call says who asks; authorization, quotas and audit stand here when they come.
using host::Caller;

struct AppendCommand {
  PartitionId partition;
  // -1: all in-sync replicas. 1: the leader. 0: nobody.
  int acks = -1;
  // Zero: the default.
  Duration timeout{};
  std::optional<LeaderEpoch> leader_epoch;
  Bytes batch;
};

struct FetchCommand {
  PartitionId partition;
  Offset offset;
  // Zero: the default.
  size_t max_bytes = 0;
  Duration max_wait{};
  // Where the client stands. Who says it may be sent to a nearer replica, and served by one.
  std::string rack;
};

// Bytes of memory, on the whole node.
struct RecordsBounds {
  // Of appends that are not yet both written here and answered.
  int64_t append_bytes = 256 << 20;
  // Of records that are being read for clients, or wait until the network has taken them.
  int64_t read_bytes = 128 << 20;
};

class Records {
 public:
  using AppendDone = Callback<void(Answer<partition::AppendOutcome>)>;

  // `partitions` outlives it.
  Records(host::Host host, Partitions* partitions, RecordsBounds bounds = {});
  ~Records();

  // For callers that nothing holds back: what there is no room for is refused, with
  // THROTTLING_QUOTA_EXCEEDED.
  void Append(const Caller& caller, AppendCommand command, AppendDone done);
  // For callers whose stream can be held back: what there is no room for waits for its turn. A
  // ticket says so; until `taken` comes, let nothing more in from that caller.
  std::optional<AppendRoom::Ticket> AppendInTurn(const Caller& caller, AppendCommand command,
                                                 AppendDone done, Callback<void()> taken);
  // Nobody waits for its answer any more: an append whose turn has not come is forgotten.
  void Withdraw(AppendRoom::Ticket ticket);

  // The id is for CancelFetch, when nobody waits for the answer any more.
  partition::Partition::WaitId Fetch(const Caller& caller, const FetchCommand& command,
                                     Callback<void(Answer<partition::FetchOutcome>)> done);
  void CancelFetch(PartitionId partition, partition::Partition::WaitId id);
  Answer<partition::OffsetsOutcome> Offsets(const Caller& caller, PartitionId partition);
  void OffsetForTime(const Caller& caller, PartitionId partition, WallTime at,
                     Callback<void(Answer<std::optional<log::TimedOffset>>)> done);
  // Nothing: before the high watermark. A timeout of zero is the default.
  void DeleteRecords(const Caller& caller, PartitionId partition, std::optional<Offset> before,
                     Duration timeout, Callback<void(Answer<Offset>)> done);

  int64_t append_bytes() const { return append_room_.taken(); }
  int64_t read_bytes() const { return read_room_->taken(); }

 private:
  struct Waiting {
    AppendCommand command;
    AppendDone done;
    Callback<void()> taken;
    host::Strand::TimerId timer = 0;
  };
  class ReadHold;

  Answer<partition::Partition*> Led(PartitionId id) const;
  std::optional<partition::FetchOutcome> SentElsewhere(const FetchCommand& command,
                                                       const partition::Partition& partition) const;
  Answer<partition::Partition*> LedForAppend(const AppendCommand& command) const;
  // Its room is taken.
  void Admit(AppendCommand command, AppendDone done);
  void Expire(AppendRoom::Ticket ticket);
  void GiveBack(const PartitionId& partition, int64_t bytes);
  void ServeLineSoon();
  void ServeLine();

  host::Host host_;
  Partitions* partitions_;
  AppendRoom append_room_;
  // Shared with what was fetched, which may outlive this.
  std::shared_ptr<ReadRoom> read_room_;
  std::map<AppendRoom::Ticket, Waiting> waiting_;
  bool is_serving_posted_ = false;
  Lifetime lifetime_;
};

}  // namespace weir::broker
