// SPDX-License-Identifier: Apache-2.0
// A journal on a disk in memory, and logs that are vectors: what a Store does with its segments,
// without files.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "storage/journal/journal.h"
#include "storage/log/memory_disk.h"

namespace weir::journal {

inline constexpr char kPath[] = "journal";

inline PartitionId PartitionOf(int number) {
  return {TopicId(Uuid::FromRandom(1, static_cast<uint64_t>(number))), PartitionIndex(number)};
}

class JournalFixture {
 public:
  explicit JournalFixture(uint64_t seed = 1, uint64_t bytes = 64 << 10)
      : world(seed), options{.bytes = bytes, .step_bytes = 64 << 10} {
    world.MakeFolder("", [](Result<void>) {});
    world.RunAll();
  }
  ~JournalFixture() { journal.reset(); }

  Result<void> TryOpen() {
    Result<void> opened = Fail(Error::Kind::kUnavailable, "not opened");
    StartOpening(&opened);
    world.RunAll();
    return opened;
  }
  void StartOpening(Result<void>* opened) {
    OpenJournal(world.host(), kPath, options, [this, opened](auto result) {
      *opened = {};
      if (result) {
        journal = std::move(*result);
      } else {
        *opened = std::unexpected(result.error());
      }
    });
  }
  void Open() {
    auto opened = TryOpen();
    ASSERT_TRUE(opened) << opened.error();
  }
  void Close() {
    Result<void> closed = Fail(Error::Kind::kUnavailable, "not closed");
    journal->Close([&](Result<void> result) { closed = result; });
    world.RunAll();
    ASSERT_TRUE(closed) << closed.error();
  }
  std::string& file() { return *world.Find(kPath); }

  log::MemoryWorld world;
  JournalOptions options;
  std::unique_ptr<Journal> journal;
};

// A batch of one record.
struct Entry {
  Offset base;
  Offset end;
  std::string text;
  bool operator==(const Entry&) const = default;
};

using Entries = std::vector<Entry>;

inline Entries Below(const Entries& entries, Offset end) {
  Entries kept;
  for (const Entry& entry : entries) {
    if (entry.end <= end) kept.push_back(entry);
  }
  return kept;
}

class ModelLog final : public StreamEvents {
 public:
  // What is on the disk, whatever happens to the process.
  struct Segments {
    Offset start;
    Entries written;
    // So many of them, and where it starts, are on stable storage.
    size_t synced = 0;

    Offset end() const { return written.empty() ? start : written.back().end; }
    void Crash(std::mt19937_64& random) {
      written.resize(synced + random() % (written.size() - synced + 1));
      synced = written.size();
    }
    bool operator==(const Segments&) const = default;
  };

  // A cut or a restart that is under way: all is synced, and forgotten before anything goes.
  struct UnderWay {
    Segments before;
    Segments after;
    Offset durable_before;
    Ticket ticket;
  };

  ModelLog(log::MemoryWorld& world, PartitionId id, Segments& disk)
      : world_(world), id_(id), segments(disk) {}

  // Brings the segments up to what the journal has. Empty where that worked.
  std::string Open(Journal& journal) {
    stream_ = journal.Attach(id_, this);
    const Tail tail = stream_->tail();
    for (const Extent& extent : tail) {
      if (extent.end <= segments.end()) continue;
      if (extent.base != segments.end()) return "a gap before an extent";
      Result<Bytes> read = Fail(Error::Kind::kUnavailable, "not read");
      stream_->Read(extent, [&](Result<Bytes> result) { read = result; });
      world_.RunAll();
      if (!read) return read.error().message;
      segments.written.push_back({extent.base, extent.end, read->ToString()});
    }
    segments.synced = segments.written.size();
    stream_->Synced(stream_->newest());
    return "";
  }
  void Leave() { stream_.reset(); }

  // False where it goes into the segments alone.
  bool Append(const std::string& text) {
    Entry entry{segments.end(), segments.end() + 1, text};
    auto ticket = stream_->Append(entry.base, entry.end, LeaderEpoch(1), {Bytes::FromString(text)});
    segments.written.push_back(entry);
    if (ticket) {
      ends_[last_ = *ticket] = entry.end;
    } else {
      segments.synced = segments.written.size();
      after_all_ = entry.end;
      TellAfterAll();
    }
    return ticket.has_value();
  }
  void Cut(Offset end) { Change({segments.start, Below(segments.written, end), 0}); }
  void Restart(Offset start) { Change({start, {}, 0}); }
  bool is_changing() const { return change.has_value(); }
  Stream& stream() { return *stream_; }

  void OnCommitted(Ticket last) override {
    ++commits;
    while (!ends_.empty() && ends_.begin()->first <= last) {
      durable = std::max(durable, ends_.begin()->second);
      ends_.erase(ends_.begin());
    }
    committed_ = last;
    TellAfterAll();
    if (!change || last < change->ticket) return;
    segments = change->after;
    segments.synced = segments.written.size();
    durable = segments.end();
    change.reset();
  }
  void OnSyncWanted() override {
    ++asked;
    if (is_deaf || change) return;
    segments.synced = segments.written.size();
    stream_->Synced(stream_->newest());
  }
  void OnFailed(const Error& error) override { failed.push_back(error); }

 private:
  void Change(Segments after) {
    const Offset durable_before = durable;
    segments.synced = segments.written.size();
    stream_->Synced(stream_->newest());
    last_ = stream_->Forget();
    change = UnderWay{segments, std::move(after), durable_before, last_};
  }
  // What is in the segments alone counts when nothing told before could still come over it.
  void TellAfterAll() {
    if (after_all_ && committed_ >= last_) durable = std::max(durable, *after_all_);
    if (committed_ >= last_) after_all_.reset();
  }

  log::MemoryWorld& world_;
  const PartitionId id_;
  std::unique_ptr<Stream> stream_;
  std::map<Ticket, Offset> ends_;
  std::optional<Offset> after_all_;
  Ticket last_;
  Ticket committed_;

 public:
  Segments& segments;
  // Told to be.
  Offset durable;
  std::optional<UnderWay> change;
  bool is_deaf = false;
  int asked = 0;
  int commits = 0;
  std::vector<Error> failed;
};

}  // namespace weir::journal
