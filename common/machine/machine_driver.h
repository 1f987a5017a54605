// SPDX-License-Identifier: Apache-2.0
// Runs a machine over a log: decides commands on the tip of what was decided, and answers each when
// what it rests on is committed. Undo is `tip = committed`. One strand; `post` runs a task on that
// strand later, never at once. The log, the observer and `post` outlive the driver.
#pragma once

#include <glog/logging.h>

#include <concepts>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/callback.h"
#include "common/base/error_code.h"
#include "common/base/planted_bug.h"
#include "common/machine/decision.h"
#include "common/machine/machine_log.h"

namespace weir::machine {

// A meaning, as pure functions. `Apply` never fails; `Decide` never writes.
template <class M>
concept Machine = requires(const M& m, typename M::State state, const typename M::State& at,
                           const typename M::Entry& entry, const typename M::Command& command,
                           const Bytes& bytes, Position position, Now now, int64_t epoch) {
  typename M::Outcome;
  { m.Decide(at, command, now) } -> std::same_as<Decision<typename M::Entry, typename M::Outcome>>;
  { m.Apply(std::move(state), entry, position) } -> std::same_as<typename M::State>;
  // The first entry of an epoch: what was decided before it no longer surprises.
  { m.Open(epoch) } -> std::same_as<typename M::Entry>;
  { m.Encode(entry) } -> std::same_as<Bytes>;
  { m.Decode(bytes) } -> std::same_as<typename M::Entry>;
  { m.Restore(bytes, position) } -> std::same_as<typename M::State>;
  // May also have TakeSnapshot(state) -> std::unique_ptr<SnapshotSource>, where its log forgets.
  // What a caller is told that asked a process that does not lead, for example NOT_CONTROLLER.
  { M::kNotLeading } -> std::convertible_to<ErrorCode>;
};

// What is told of the committed state, in order. Told within the log's calls, never within Submit.
template <class State>
class MachineObserver {
 public:
  virtual ~MachineObserver() = default;

  // One entry was committed and applied.
  virtual void OnPublished(const State& before, const State& after, Position position,
                           const Bytes& entry) = 0;
  // A snapshot replaced the state.
  virtual void OnRestored(const State& before, const State& after, Position position) = 0;
  // From here on commands are taken: the epoch's first entry was applied (and published before).
  virtual void OnActive(int64_t epoch) = 0;
  // No more. Told once for each OnActive.
  virtual void OnInactive() = 0;
};

template <Machine M>
class MachineDriver final : public LogEvents {
 public:
  using State = typename M::State;
  using Command = typename M::Command;
  using Entry = typename M::Entry;
  using Outcome = typename M::Outcome;
  using Observer = MachineObserver<State>;

  // An answer, and the last committed index when it was given: it rests on no later entry.
  struct Told {
    Answer<Outcome> answer;
    int64_t index = 0;
  };
  using Done = Callback<void(Told)>;
  using Post = std::function<void(Task0)>;

  // `initial` is the state at `position`, for example of the newest snapshot.
  MachineDriver(M machine, MachineLog& log, Observer& observer, Post post, State initial = {},
                Position position = {})
      : machine_(std::move(machine)),
        log_(log),
        observer_(observer),
        post_(std::move(post)),
        committed_(std::move(initial)),
        tip_(committed_),
        position_(position) {}

  MachineDriver(const MachineDriver&) = delete;
  MachineDriver& operator=(const MachineDriver&) = delete;

  // Decides now, on the tip; `done` is called once, later. Refused with M::kNotLeading if this
  // process does not lead, or loses the lead before the answer stands (then nobody knows whether
  // what was decided will hold); with THROTTLING_QUOTA_EXCEEDED if the log takes nothing more.
  void Submit(const Command& command, Now now, Done done) {
    if (!active_) {
      if (leading_) TryOpen();
      return Tell(std::move(done), std::unexpected(NotLeading("this process does not lead")));
    }
    auto decision = machine_.Decide(tip_, command, now);
    if (decision.entry && !Write(*decision.entry)) {
      return Tell(std::move(done),
                  Refuse(ErrorCode::kThrottlingQuotaExceeded,
                         "too much waits to be committed already: ask again in a moment"));
    }
    // Without an entry of its own it rests on the last one that was written.
    if (PLANTED_BUG("machine: answers before the commit")) {
      return Tell(std::move(done), std::move(decision.answer));
    }
    if (written_.empty()) return Tell(std::move(done), std::move(decision.answer));
    waiting_.push_back({written_.back().index, std::move(decision.answer), std::move(done)});
  }

  // Commands are taken.
  bool is_active() const { return active_; }
  // The epoch in which it leads; meaningless if it does not.
  int64_t epoch() const { return epoch_; }

  // What is committed, and of which position. Reads are answered from here.
  const State& committed() const { return committed_; }
  Position position() const { return position_; }
  // What is decided, committed or not. Equal to committed() on a process that does not lead.
  const State& tip() const { return tip_; }
  const M& machine() const { return machine_; }

  void OnLeading(int64_t epoch) override {
    CHECK(!leading_) << "led already with epoch " << epoch_;
    CHECK_GE(epoch, position_.epoch);
    leading_ = true;
    epoch_ = epoch;
    TryOpen();
  }

  void OnFollowing() override {
    leading_ = false;
    opening_.reset();
    tip_ = committed_;
    written_.clear();
    std::deque<Waiting> lost;
    lost.swap(waiting_);
    for (Waiting& waiting : lost) {
      Tell(std::move(waiting.done),
           std::unexpected(NotLeading("leadership was lost before this was committed: it may yet "
                                      "hold, or not")));
    }
    if (std::exchange(active_, false)) observer_.OnInactive();
  }

  void OnCommitted(Position position, Bytes entry) override {
    CHECK_GT(position.index, position_.index) << "an entry was told twice";
    CHECK_GE(position.epoch, position_.epoch);
    State before = committed_;
    if (!written_.empty() && written_.front().index == position.index) {
      CHECK_EQ(position.epoch, epoch_);
      committed_ = std::move(written_.front().after);
      written_.pop_front();
    } else {
      CHECK(!active_) << "entry " << position.index << " is not the one that was written";
      committed_ = machine_.Apply(before, machine_.Decode(entry), position);
    }
    position_ = position;
    if (!active_) tip_ = committed_;
    observer_.OnPublished(before, committed_, position, entry);
    if (leading_ && !active_) Advance();
    Release();
  }

  void OnSnapshot(Position last, Bytes snapshot) override {
    CHECK(!leading_) << "a snapshot came to a leader";
    CHECK_GE(last.index, position_.index);
    State before = std::exchange(committed_, machine_.Restore(snapshot, last));
    tip_ = committed_;
    position_ = last;
    observer_.OnRestored(before, committed_, last);
  }

  std::unique_ptr<SnapshotSource> TakeSnapshot() override {
    if constexpr (requires { machine_.TakeSnapshot(committed_); }) {
      return machine_.TakeSnapshot(committed_);
    } else {
      return nullptr;
    }
  }

 private:
  // An entry of this epoch, and the state once it is committed.
  struct Written {
    int64_t index;
    State after;
  };
  struct Waiting {
    // The entry that the answer rests on.
    int64_t index;
    Answer<Outcome> answer;
    Done done;
  };

  static Refusal NotLeading(std::string why) { return Refusal{M::kNotLeading, std::move(why)}; }

  // False: the log took nothing, and nothing changed.
  bool Write(const Entry& entry) {
    auto index = log_.Append(epoch_, machine_.Encode(entry));
    if (!index) return false;
    CHECK_GT(*index, written_.empty() ? position_.index : written_.back().index);
    tip_ = machine_.Apply(std::move(tip_), entry, Position{*index, epoch_});
    written_.push_back({*index, tip_});
    return true;
  }

  // Entries of earlier epochs may still come: this one's state is not known before they have.
  void TryOpen() {
    if (!opening_) opening_ = log_.Append(epoch_, machine_.Encode(machine_.Open(epoch_)));
  }

  void Advance() {
    TryOpen();
    if (!opening_ || position_.index < *opening_) return;
    CHECK_EQ(position_.index, *opening_);
    active_ = true;
    observer_.OnActive(epoch_);
  }

  void Release() {
    while (!waiting_.empty() && waiting_.front().index <= position_.index) {
      Waiting ready = std::move(waiting_.front());
      waiting_.pop_front();
      Tell(std::move(ready.done), std::move(ready.answer));
    }
  }

  void Tell(Done done, Answer<Outcome> answer) {
    post_([done = std::move(done), told = Told{std::move(answer), position_.index}]() mutable {
      done(std::move(told));
    });
  }

  M machine_;
  MachineLog& log_;
  Observer& observer_;
  Post post_;

  State committed_;
  // Invariant: committed_ with written_ applied; equal to it where nothing is written.
  State tip_;
  Position position_;

  bool leading_ = false;
  // Invariant: leading, and the epoch's opening entry is applied.
  bool active_ = false;
  int64_t epoch_ = -1;
  // Where the epoch's first entry is, once it was appended.
  std::optional<int64_t> opening_;
  // Invariant: ascending, above position_.
  std::deque<Written> written_;
  // Invariant: ascending; each index is in written_.
  std::deque<Waiting> waiting_;
};

}  // namespace weir::machine
