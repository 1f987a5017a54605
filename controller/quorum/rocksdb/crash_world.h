// SPDX-License-Identifier: Apache-2.0
// A quorum's log on a disk that crashes, fills and rots, a life of writes to it, and a model of
// what it must hold after each of them.
#pragma once

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/system_clock.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "controller/quorum/rocksdb/rocksdb_quorum_log.h"
#include "controller/quorum/rocksdb/testing/crash_file_system.h"
#include "controller/quorum/test_world.h"

namespace weir::quorum {

inline constexpr char kFolder[] = "/data/quorum";

// What a log holds, by value.
struct Contents {
  raft::HardState hard_state;
  std::optional<StoredSnapshot> snapshot;
  // What the first entry follows upon.
  raft::LogPosition begin;
  std::map<LogIndex, LogEntry> entries;
  bool operator==(const Contents&) const = default;

  LogIndex last() const { return entries.empty() ? begin.index : entries.rbegin()->first; }
  Term last_term() const { return entries.empty() ? begin.term : entries.rbegin()->second.term; }
};

inline std::string Words(const Contents& contents) {
  std::ostringstream out;
  out << contents.hard_state.term << ", snapshot "
      << (contents.snapshot ? contents.snapshot->last.index.value() : 0) << ", entries";
  for (const auto& [index, entry] : contents.entries) out << ' ' << index << '@' << entry.term;
  return out.str();
}

// One call to a log.
struct Deed {
  LogWrite write;
  // Instead.
  std::optional<StoredSnapshot> snapshot;
  LogIndex begin;
};

inline Contents After(Contents contents, const Deed& deed) {
  if (deed.write.hard_state) contents.hard_state = *deed.write.hard_state;
  if (deed.write.truncate_from) {
    contents.entries.erase(contents.entries.lower_bound(*deed.write.truncate_from),
                           contents.entries.end());
  }
  if (deed.write.install) {
    contents.entries.clear();
    contents.snapshot = deed.write.install;
    contents.begin = deed.write.install->last;
  }
  for (const LogEntry& entry : deed.write.append) contents.entries[entry.index] = entry;
  if (deed.snapshot) {
    contents.snapshot = deed.snapshot;
    while (!contents.entries.empty() && contents.entries.begin()->first <= deed.begin) {
      const LogEntry& first = contents.entries.begin()->second;
      contents.begin = {first.index, first.term};
      contents.entries.erase(contents.entries.begin());
    }
  }
  return contents;
}

// Votes, appends, cuts and snapshots, drawn from a seed; the first founds the cluster.
class Life {
 public:
  Life(uint64_t seed, int count, size_t entry_bytes) : random_(seed), entry_bytes_(entry_bytes) {
    deeds_.push_back({.write = {.install = StoredSnapshot{{LogIndex(1), Term(1)},
                                                          Bytes::FromString("founding")}}});
    states_.push_back(After({}, deeds_.back()));
    while (static_cast<int>(deeds_.size()) < count) {
      deeds_.push_back(Draw(states_.back()));
      states_.push_back(After(states_.back(), deeds_.back()));
    }
  }

  size_t size() const { return deeds_.size(); }
  const Deed& deed(size_t number) const { return deeds_[number]; }
  // After so many of them.
  Contents state(size_t count) const { return count == 0 ? Contents() : states_[count - 1]; }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  Bytes Payload() {
    std::string payload(1 + Below(entry_bytes_), '\0');
    for (char& byte : payload) byte = static_cast<char>(random_());
    return Bytes::FromString(payload);
  }

  Deed Draw(const Contents& contents) {
    if (Below(12) == 0) return DrawSnapshot(contents);
    LogWrite write;
    Term term = std::max(contents.hard_state.term, contents.last_term());
    if (Below(4) == 0) {
      term = term + 1;
      write.hard_state = raft::HardState{term, std::nullopt};
      if (Below(2) == 0) {
        write.hard_state->vote =
            raft::VoterId{ControllerId(static_cast<int32_t>(Below(3))), DirectoryId()};
      }
    }
    LogIndex last = contents.last();
    int64_t kept = last - contents.snapshot->last.index;
    if (write.hard_state && kept > 0 && Below(2) == 0) {
      auto cut = static_cast<int64_t>(1 + Below(static_cast<uint64_t>(std::min<int64_t>(kept, 4))));
      last = last - cut;
      write.truncate_from = last + 1;
    }
    uint64_t count = Below(4);
    if (write.empty() && count == 0) count = 1;
    for (; count > 0; --count) {
      last = last + 1;
      write.append.push_back({last, term, Payload()});
    }
    return {.write = write};
  }

  // Mostly of what is there; now and then of what a leader has and this one lacks.
  Deed DrawSnapshot(const Contents& contents) {
    Bytes state = Bytes::FromString("state of " + std::to_string(contents.last().value()) +
                                    std::string(Below(2000), 's'));
    LogIndex old = contents.snapshot->last.index;
    if (contents.last() == old || Below(4) == 0) {
      return {.write = {.install = StoredSnapshot{{contents.last() + 5, contents.last_term() + 1},
                                                  state}}};
    }
    auto up = static_cast<int64_t>(1 + Below(static_cast<uint64_t>(contents.last() - old)));
    const LogEntry& end = contents.entries.at(old + up);
    auto kept =
        static_cast<int64_t>(Below(static_cast<uint64_t>(end.index - contents.begin.index) + 1));
    return {.snapshot = StoredSnapshot{{end.index, end.term}, state}, .begin = end.index - kept};
  }

  std::mt19937_64 random_;
  const size_t entry_bytes_;
  std::vector<Deed> deeds_;
  std::vector<Contents> states_;
};

// RocksDB sleeps for a second after a failure in the background.
class Restless final : public rocksdb::EnvWrapper {
 public:
  explicit Restless(rocksdb::Env* env) : EnvWrapper(env) {
    struct Clock : rocksdb::SystemClockWrapper {
      using SystemClockWrapper::SystemClockWrapper;
      const char* Name() const override { return "Restless"; }
      void SleepForMicroseconds(int) override {}
    };
    system_clock_ = std::make_shared<Clock>(env->GetSystemClock());
  }
  void SleepForMicroseconds(int) override {}
};

class CrashWorld {
 public:
  CrashWorld()
      : files_(std::make_shared<CrashFileSystem>()),
        memory_(NewCompositeEnv(files_)),
        env_(std::make_unique<Restless>(memory_.get())) {
    env_->CreateDir("/data");
    files_->Reboot(Unsynced::kKept, 0);
  }
  ~CrashWorld() { log_.reset(); }

  CrashFileSystem& files() { return *files_; }
  rocksdb::Env* env() { return env_.get(); }
  void Close() { log_.reset(); }

  Result<Remembered> Open() {
    log_.reset();
    // As small as RocksDB allows, so that files are written out in order now and then.
    log_ = std::make_unique<RocksdbQuorumLog>(
        kFolder, strand_,
        RocksdbQuorumLog::Options{.env = env_.get(), .write_buffer_bytes = size_t{64} << 10});
    return Ask<Result<Remembered>>([&](auto done) { log_->Load(std::move(done)); });
  }
  Result<void> Do(const Deed& deed) {
    return Ask<Result<void>>([&](auto done) {
      if (deed.snapshot) {
        log_->SaveSnapshot(*deed.snapshot, deed.begin, std::move(done));
      } else {
        log_->Save(deed.write, std::move(done));
      }
    });
  }
  // How many were done before one failed.
  size_t Live(const Life& life, size_t from = 0) {
    size_t done = from;
    while (done < life.size() && Do(life.deed(done))) ++done;
    return done;
  }
  // All that the open log gives back.
  Result<Contents> Read(const Remembered& remembered) {
    Contents contents{.hard_state = remembered.hard_state, .begin = remembered.begin};
    auto snapshot = Ask<Result<std::optional<StoredSnapshot>>>(
        [&](auto done) { log_->ReadSnapshot(std::move(done)); });
    if (!snapshot) return std::unexpected(snapshot.error());
    contents.snapshot = *snapshot;
    for (LogIndex next = remembered.begin.index + 1; next <= remembered.last;) {
      auto entries = Ask<Result<std::vector<LogEntry>>>([&](auto done) {
        log_->ReadEntries(next, remembered.last, size_t{1} << 20, std::move(done));
      });
      if (!entries) return std::unexpected(entries.error());
      for (LogEntry& entry : *entries) contents.entries[entry.index] = entry;
      next = entries->back().index + 1;
    }
    return contents;
  }
  // Opens, and gives back all.
  Result<Contents> Reopen() {
    auto remembered = Open();
    if (!remembered) return std::unexpected(remembered.error());
    return Read(*remembered);
  }

 private:
  template <class T, class Start>
  T Ask(Start start) {
    std::optional<T> answer;
    start([&](T value) { answer.emplace(std::move(value)); });
    strand_.WaitUntil([&] { return answer.has_value(); });
    return std::move(*answer);
  }

  std::shared_ptr<CrashFileSystem> files_;
  std::unique_ptr<rocksdb::Env> memory_;
  std::unique_ptr<rocksdb::Env> env_;
  TestStrand strand_;
  std::unique_ptr<RocksdbQuorumLog> log_;
};

}  // namespace weir::quorum
