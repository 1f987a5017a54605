// SPDX-License-Identifier: Apache-2.0
#include "storage/partition/partition_machine_log.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "common/records/batch.h"
#include "common/records/batch_builder.h"
#include "common/records/contents.h"
#include "common/records/record_reader.h"

namespace weir::partition {
namespace {

constexpr size_t kReadBytes = 1 << 20;
// What may wait to be committed.
constexpr size_t kUncommittedBytes = 8 << 20;

}  // namespace

void PartitionMachineLog::Start(machine::LogEvents* events, machine::Position position) {
  CHECK(!events_);
  events_ = events;
  next_ = Offset(position.index);
  host_.strand.Post(lifetime_.Bind([this] {
    LeadershipChanged(partition_->leading());
    ReadOn();
  }));
}

void PartitionMachineLog::LeadershipChanged(std::optional<LeaderEpoch> leads) {
  if (!events_ || leads == leads_) return;
  const bool has_led = std::exchange(leads_, leads).has_value();
  uncommitted_.clear();
  uncommitted_bytes_ = 0;
  if (has_led) events_->OnFollowing();
  if (leads) events_->OnLeading(leads->value());
}

std::optional<int64_t> PartitionMachineLog::Append(int64_t epoch, Bytes entry) {
  // The partition may have lost the lead already, or lead anew, before its hooks tell.
  const auto leading = partition_->leading();
  if (!leads_ || leads_->value() != epoch || leading != leads_) return std::nullopt;
  Forget(partition_->high_watermark());
  if (uncommitted_bytes_ > 0 && uncommitted_bytes_ + entry.size() > kUncommittedBytes) {
    return std::nullopt;
  }
  records::BatchBuilder batch;
  batch.Add(host_.clock.WallNow(), std::nullopt, entry.view());
  auto appended = partition_->AppendNow(batch.Build(), log::Origin::kCoordinator);
  if (!appended) {
    LOG(WARNING) << partition_->id() << " took no entry: " << appended.error();
    return std::nullopt;
  }
  const Offset end = appended->last + 1;
  uncommitted_.push_back({end, entry.size()});
  uncommitted_bytes_ += entry.size();
  return end.value();
}

void PartitionMachineLog::Forget(Offset committed) {
  while (!uncommitted_.empty() && uncommitted_.front().end <= committed) {
    uncommitted_bytes_ -= uncommitted_.front().bytes;
    uncommitted_.pop_front();
  }
}

void PartitionMachineLog::ReadOn() {
  if (!events_ || is_reading_ || !partition_->is_open()) return;
  next_ = std::max(next_, partition_->log()->start());
  if (next_ >= partition_->high_watermark()) return;
  is_reading_ = true;
  partition_->ReadCommitted(
      next_, kReadBytes, lifetime_.Bind([this](Result<Bytes> read) { HasRead(std::move(read)); }));
}

void PartitionMachineLog::HasRead(Result<Bytes> read) {
  is_reading_ = false;
  if (!read) {
    // Read again when more is committed: a disk that fails for good ends the partition itself.
    LOG(WARNING) << "reading " << partition_->id() << " at " << next_ << ": " << read.error();
    return;
  }
  const Offset before = next_;
  Tell(*read);
  if (next_ > before) ReadOn();
}

void PartitionMachineLog::Tell(const Bytes& batches) {
  records::BatchRun run(batches);
  while (true) {
    auto batch = run.Next();
    if (!batch) {
      LOG(ERROR) << partition_->id() << " holds what is no batch at " << next_ << ": "
                 << batch.error();
      return;
    }
    if (!*batch) return;
    const auto& [header, bytes] = **batch;
    auto contents = records::Contents::Of(header, bytes);
    CHECK(contents) << partition_->id() << ": " << contents.error();
    records::RecordReader reader = contents->Records();
    while (!header.is_control()) {
      auto record = reader.Next();
      CHECK(record) << partition_->id() << ": " << record.error();
      if (!*record) break;
      if ((*record)->offset < next_) continue;
      const std::string_view value = (*record)->value.value_or(std::string_view());
      const size_t at =
          value.empty() ? 0 : static_cast<size_t>(value.data() - contents->bytes().data());
      next_ = (*record)->offset + 1;
      events_->OnCommitted({next_.value(), header.leader_epoch.value()},
                           contents->bytes().Slice(at, value.size()));
    }
    next_ = std::max(next_, header.end_offset());
  }
}

}  // namespace weir::partition
