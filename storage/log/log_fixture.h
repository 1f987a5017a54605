// SPDX-License-Identifier: Apache-2.0
// A log on a disk in memory, as the tests of this folder drive it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/records/batch_builder.h"
#include "common/records/record_reader.h"
#include "storage/journal/journal.h"
#include "storage/log/log.h"
#include "storage/log/memory_disk.h"

namespace weir::log {

inline constexpr char kFolder[] = "topics/t-0";

// A batch of `count` records, each of `value`.
inline Bytes BatchOf(const std::string& value, int count = 1) {
  records::BatchBuilder builder;
  for (int i = 0; i < count; ++i) builder.Add({0}, std::nullopt, value);
  return builder.Build();
}

inline Bytes BatchFrom(int64_t producer, int16_t epoch, int32_t sequence, int count = 1) {
  records::BatchBuilder builder;
  for (int i = 0; i < count; ++i) builder.Add({0}, std::nullopt, "value");
  builder.SetProducer(ProducerId(producer), ProducerEpoch(epoch), sequence);
  return builder.Build();
}

struct HeardEvents : LogEvents {
  void OnWritten(Offset end) override { written.push_back(end.value()); }
  void OnDurable(Offset end) override { durable.push_back(end.value()); }
  void OnFailed(const Error& error) override { failed.push_back(error); }

  std::vector<int64_t> written;
  std::vector<int64_t> durable;
  std::vector<Error> failed;
};

// So small that it is written round and round.
inline const journal::JournalOptions kSmallJournal{.bytes = 64 << 10, .step_bytes = 64 << 10};

// Whether a log has a journal under it, or syncs its own files for each append.
enum class Flush { kFiles, kJournal };

class LogFixture {
 public:
  explicit LogFixture(LogOptions log_options = {}, uint64_t seed = 1, Flush flush = Flush::kFiles)
      : world(seed), options(log_options), has_journal(flush == Flush::kJournal) {
    if (!has_journal) return;
    world.MakeFolder("", [](Result<void>) {});
    world.RunAll();
  }
  ~LogFixture() {
    log.reset();
    journal.reset();
  }

  // The journal first, where it is not open.
  void StartOpening(Callback<void(Result<std::unique_ptr<Log>>)> done) {
    if (!has_journal || journal) return OpenLog(Under(), std::move(done));
    journal::OpenJournal(world.host(), "journal", kSmallJournal,
                         [this, done = std::move(done)](auto opened) mutable {
                           if (!opened) return done(std::unexpected(opened.error()));
                           journal = std::move(*opened);
                           OpenLog(Under(), std::move(done));
                         });
  }
  Result<void> TryOpen() {
    log.reset();
    Result<void> opened = Fail(Error::Kind::kUnavailable, "not opened");
    StartOpening([&](auto result) {
      opened = {};
      if (result) {
        log = std::move(*result);
      } else {
        opened = std::unexpected(result.error());
      }
    });
    world.RunAll();
    return opened;
  }
  void Open() {
    auto opened = TryOpen();
    ASSERT_TRUE(opened) << opened.error();
  }
  void Close() {
    Result<void> closed = Fail(Error::Kind::kUnavailable, "not closed");
    log->Close([&](Result<void> result) { closed = result; });
    world.RunAll();
    ASSERT_TRUE(closed) << closed.error();
    log.reset();
  }
  void Crash() {
    world.Crash();
    log.reset();
    journal.reset();
  }
  Answer<Appended> Append(Bytes batch, int epoch = 1) {
    return log->AppendAsLeader(std::move(batch), LeaderEpoch(epoch), Origin::kClient, {0});
  }
  // Runs what `start` begins to its end.
  template <class T, class Start>
  T Wait(Start start) {
    std::optional<T> done;
    start([&](T result) { done.emplace(std::move(result)); });
    world.RunAll();
    if (!done) done.emplace(Fail(Error::Kind::kUnavailable, "not done"));
    return std::move(*done);
  }
  Result<void> Truncate(int64_t end) {
    return Wait<Result<void>>([&](auto done) { log->Truncate(Offset(end), std::move(done)); });
  }
  Result<void> DeleteBefore(int64_t start) {
    return Wait<Result<void>>(
        [&](auto done) { log->DeleteBefore(Offset(start), std::move(done)); });
  }
  // All but the active segment are in files of their own.
  Result<void> Replace(std::vector<Offset> bases) {
    return Wait<Result<void>>([&](auto done) { log->Replace(bases, std::move(done)); });
  }
  void Upkeep(int64_t limit) {
    log->Upkeep(Offset(limit));
    world.RunAll();
  }
  std::optional<TimedOffset> OffsetForTime(int64_t at_ms) {
    auto found = Wait<Result<std::optional<TimedOffset>>>(
        [&](auto done) { log->OffsetForTime(WallTime{at_ms}, log->written(), std::move(done)); });
    EXPECT_TRUE(found) << found.error();
    return found ? *found : std::nullopt;
  }
  // Puts the text there as a file that is synced.
  void Put(const std::string& path, const std::string& text) {
    auto file = Wait<Result<std::shared_ptr<host::File>>>(
        [&](auto done) { world.Open(path, host::OpenMode::kCreate, std::move(done)); });
    ASSERT_TRUE(file);
    ASSERT_TRUE(Wait<Result<void>>([&](auto done) { (*file)->Truncate(0, std::move(done)); }));
    ASSERT_TRUE(Wait<Result<void>>(
        [&](auto done) { (*file)->Write(0, {Bytes::FromString(text)}, std::move(done)); }));
    ASSERT_TRUE(Wait<Result<void>>([&](auto done) { (*file)->Sync(std::move(done)); }));
    ASSERT_TRUE(Wait<Result<void>>([&](auto done) { world.SyncFolder(kFolder, std::move(done)); }));
  }
  Result<Bytes> Read(int64_t from, int64_t limit, size_t max_bytes = 1 << 20) {
    Result<Bytes> read = Fail(Error::Kind::kUnavailable, "not read");
    log->Read(Offset(from), Offset(limit), max_bytes, [&](Result<Bytes> result) { read = result; });
    world.RunAll();
    return read;
  }
  // The records that can be read, with their offsets; what went wrong under offset -1.
  std::vector<std::pair<int64_t, std::string>> Records() {
    std::vector<std::pair<int64_t, std::string>> records;
    Offset next = log->start();
    while (next < log->written()) {
      auto read = Read(next.value(), log->written().value(), 300);
      if (!read) {
        records.emplace_back(-1, read.error().message);
        return records;
      }
      if (read->empty()) return records;
      records::BatchRun run(*read);
      while (true) {
        auto batch = run.Next();
        if (!batch || !*batch) break;
        records::RecordReader reader((*batch)->header, (*batch)->bytes.view());
        for (auto record = reader.Next(); record && *record; record = reader.Next()) {
          if ((*record)->offset < log->start()) continue;
          records.emplace_back((*record)->offset.value(), (*record)->value.value_or(""));
        }
        next = (*batch)->header.end_offset();
      }
    }
    return records;
  }
  // The values of all records, each of which must have its place's offset; "!" and why, otherwise.
  std::vector<std::string> Values() {
    std::vector<std::string> values;
    int64_t next = log->start().value();
    for (const auto& [offset, value] : Records()) {
      if (offset == -1) return {"!" + value};
      if (offset != next) return {"!wrong offset"};
      values.push_back(value);
      ++next;
    }
    if (Offset(next) != log->written()) return {"!ends too early"};
    return values;
  }

  MemoryWorld world;
  LogOptions options;
  HeardEvents events;
  const bool has_journal;
  const PartitionId id{TopicId(Uuid::FromRandom(1, 1)), PartitionIndex(0)};
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<Log> log;

 private:
  InJournal Under() const { return {journal.get(), id}; }
  void OpenLog(InJournal under, Callback<void(Result<std::unique_ptr<Log>>)> done) {
    log::OpenLog(world.host(), kFolder, options, &events, under, std::move(done));
  }
};

}  // namespace weir::log
