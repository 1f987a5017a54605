// SPDX-License-Identifier: Apache-2.0
#include "storage/log/log.h"

#include <utility>

#include "storage/log/recovery.h"
#include "storage/log/store.h"

namespace weir::log {
namespace {

class FileLog final : public Log {
 public:
  explicit FileLog(std::shared_ptr<Store> store) : store_(std::move(store)) {}
  ~FileLog() override { store_->Abandon(); }

  Offset start() const override { return store_->start(); }
  Offset end() const override { return store_->end(); }
  Offset written() const override { return store_->written(); }
  Offset durable() const override { return store_->durable(); }
  const LeaderEpochs& epochs() const override { return store_->epochs(); }

  Answer<Appended> AppendAsLeader(Bytes batch, LeaderEpoch epoch, Origin origin,
                                  WallTime now) override {
    return store_->AppendAsLeader(std::move(batch), epoch, origin, now);
  }
  Answer<void> AppendAsFollower(Bytes batches, LeaderEpoch epoch) override {
    return store_->AppendAsFollower(std::move(batches), epoch);
  }
  void Truncate(Offset end, Callback<void(Result<void>)> done) override {
    store_->Truncate(end, std::move(done));
  }
  void Restart(Offset start, Callback<void(Result<void>)> done) override {
    store_->Restart(start, std::move(done));
  }
  void DeleteBefore(Offset start, Callback<void(Result<void>)> done) override {
    store_->DeleteBefore(start, std::move(done));
  }
  void Upkeep(Offset limit) override { store_->Upkeep(limit); }
  void SetOptions(const LogOptions& options) override { store_->SetOptions(options); }
  void Read(Offset from, Offset limit, size_t max_bytes,
            Callback<void(Result<Bytes>)> done) override {
    store_->Read(from, limit, max_bytes, std::move(done));
  }
  void OffsetForTime(WallTime at, Offset limit,
                     Callback<void(Result<std::optional<TimedOffset>>)> done) override {
    store_->OffsetForTime(at, limit, std::move(done));
  }
  std::vector<ClosedSegment> ClosedSegments() const override { return store_->ClosedSegments(); }
  std::map<ProducerId, std::vector<Offset>> ProducerBatches() const override {
    return store_->ProducerBatches();
  }
  std::string CleanedPath(Offset base) const override { return store_->CleanedPath(base); }
  void Replace(std::vector<Offset> bases, Callback<void(Result<void>)> done) override {
    store_->Replace(std::move(bases), std::move(done));
  }
  void Scrub(Offset from, size_t max_bytes, Callback<void(Result<Scrubbed>)> done) override {
    store_->Scrub(from, max_bytes, std::move(done));
  }
  void Diagnose(Callback<void(Result<std::optional<Damage>>)> done) override {
    store_->Diagnose(std::move(done));
  }
  void Mend(Bytes batches, Callback<void(Result<void>)> done) override {
    store_->Mend(std::move(batches), std::move(done));
  }
  const std::vector<Damage>& damages() const override { return store_->damages(); }
  void Close(Callback<void(Result<void>)> done) override { store_->Close(std::move(done)); }

 private:
  std::shared_ptr<Store> store_;
};

host::Task<Result<std::unique_ptr<Log>>> Open(host::Host host, std::string folder,
                                              LogOptions options, LogEvents* events,
                                              InJournal journal) {
  std::optional<Offset> put_back_from;
  if (journal.journal != nullptr) {
    put_back_from = journal.journal->PutsBackFrom(journal.partition);
  }
  auto recovered = co_await Recover(host.disk, folder, options, put_back_from);
  if (!recovered) {
    co_return std::unexpected(recovered.error().While("opening the log in " + folder));
  }
  auto store =
      std::make_shared<Store>(host, std::move(folder), options, events, std::move(*recovered));
  if (journal.journal != nullptr) {
    auto joined = co_await Store::Join(store, journal);
    if (!joined) {
      store->Abandon();
      co_return std::unexpected(joined.error().While("opening the log in " + store->folder()));
    }
  }
  std::unique_ptr<Log> log = std::make_unique<FileLog>(std::move(store));
  co_return std::move(log);
}

}  // namespace

void OpenLog(host::Host host, std::string folder, LogOptions options, LogEvents* events,
             InJournal journal, Callback<void(Result<std::unique_ptr<Log>>)> done) {
  host::Spawn(Open(host, std::move(folder), options, events, journal), std::move(done));
}

void OpenLog(host::Host host, std::string folder, LogOptions options, LogEvents* events,
             Callback<void(Result<std::unique_ptr<Log>>)> done) {
  OpenLog(host, std::move(folder), options, events, {}, std::move(done));
}

}  // namespace weir::log
