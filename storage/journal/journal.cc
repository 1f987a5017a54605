// SPDX-License-Identifier: Apache-2.0
#include "storage/journal/journal.h"

#include <glog/logging.h>

#include <utility>

#include "storage/journal/opening.h"
#include "storage/journal/writer.h"

namespace weir::journal {
namespace {

constexpr uint64_t kBytesMin = 64 << 10;

host::Task<Result<std::unique_ptr<Journal>>> Open(host::Host host, std::string path,
                                                  JournalOptions options) {
  auto opened = co_await OpenFrames(host, path, options);
  if (!opened) co_return std::unexpected(opened.error().While("opening the journal"));
  co_return std::make_unique<Journal>(
      std::make_shared<Writer>(host, std::move(path), options, std::move(*opened)));
}

}  // namespace

Stream::Stream(std::shared_ptr<Writer> writer, PartitionId partition)
    : writer_(std::move(writer)), partition_(partition) {}

Stream::~Stream() { writer_->Detach(partition_); }

const Tail& Stream::tail() const { return writer_->TailOf(partition_); }

void Stream::Read(const Extent& extent, Callback<void(Result<Bytes>)> done) {
  writer_->Read(extent, std::move(done));
}

std::optional<Ticket> Stream::Append(Offset base, Offset end, LeaderEpoch epoch, Pieces batches) {
  CHECK_LT(base, end);
  if (!writer_->MayHold(SizeOf(batches))) return std::nullopt;
  RecordHead head{partition_, RecordKind::kAppend, base, end, epoch};
  return writer_->Tell(head, std::move(batches));
}

Ticket Stream::Forget() {
  return writer_->Tell({.partition = partition_, .kind = RecordKind::kForget}, {});
}

Ticket Stream::newest() const { return writer_->newest(); }

void Stream::Synced(Ticket mark) { writer_->Synced(partition_, mark); }

Journal::Journal(std::shared_ptr<Writer> writer) : writer_(std::move(writer)) {}

Journal::~Journal() { writer_->Abandon(); }

std::unique_ptr<Stream> Journal::Attach(const PartitionId& partition, StreamEvents* events) {
  writer_->Attach(partition, events);
  return std::make_unique<Stream>(writer_, partition);
}

bool Journal::Knows(const PartitionId& partition) const { return writer_->Knows(partition); }

std::optional<Offset> Journal::PutsBackFrom(const PartitionId& partition) const {
  if (!writer_->Knows(partition)) return std::nullopt;
  const Tail& tail = writer_->TailOf(partition);
  return tail.empty() ? std::nullopt : std::optional(tail.front().base);
}

std::vector<PartitionId> Journal::Unclaimed() const { return writer_->Unclaimed(); }

void Journal::Forget(const PartitionId& partition, Callback<void(Result<void>)> done) {
  writer_->Forget(partition, std::move(done));
}

void Journal::Close(Callback<void(Result<void>)> done) { writer_->Close(std::move(done)); }

const std::optional<Error>& Journal::failure() const { return writer_->failure(); }

uint64_t Journal::frames() const { return writer_->frames(); }

void OpenJournal(host::Host host, std::string path, JournalOptions options,
                 Callback<void(Result<std::unique_ptr<Journal>>)> done) {
  CHECK_GE(options.bytes, kBytesMin);
  CHECK_GE(options.step_bytes, kBytesMin);
  host::Spawn(Open(host, std::move(path), options), std::move(done));
}

}  // namespace weir::journal
