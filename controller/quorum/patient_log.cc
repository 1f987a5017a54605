// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/patient_log.h"

#include <glog/logging.h>

#include <utility>

namespace weir::quorum {

PatientLog::PatientLog(QuorumLog& log, const host::Clock& clock, host::Strand& strand,
                       Callback<void(bool)> waits, Duration pause)
    : log_(log), clock_(clock), strand_(strand), waits_(std::move(waits)), pause_(pause) {}

PatientLog::~PatientLog() { strand_.Cancel(timer_); }

void PatientLog::Load(Callback<void(Result<Remembered>)> done) {
  log_.Load(lifetime_.Bind([this, done = std::move(done)](Result<Remembered> loaded) mutable {
    if (loaded || loaded.error().kind != Error::Kind::kFull) return done(std::move(loaded));
    LOG(WARNING) << "no room to open the quorum's log; it is tried again: " << loaded.error();
    timer_ = strand_.RunAt(clock_.Now() + pause_,
                           lifetime_.Bind([this, done = std::move(done)]() mutable {
                             timer_ = 0;
                             Load(std::move(done));
                           }));
  }));
}

void PatientLog::Save(LogWrite write, Callback<void(Result<void>)> done) {
  Add({std::move(write), std::move(done)});
}

void PatientLog::SaveSnapshot(StoredSnapshot snapshot, LogIndex begin,
                              Callback<void(Result<void>)> done) {
  Add({Shortening{std::move(snapshot), begin}, std::move(done)});
}

void PatientLog::Add(Write write) {
  if (failure_) return Tell(std::move(write), std::unexpected(*failure_));
  writes_.push_back(std::move(write));
  if (!is_waiting_) Submit(writes_.back());
}

void PatientLog::Tell(Write write, Result<void> result) {
  strand_.Post(lifetime_.Bind([done = std::move(write.done), result = std::move(result)]() mutable {
    done(std::move(result));
  }));
}

void PatientLog::Submit(const Write& write) {
  ++submitted_;
  auto answered = lifetime_.Bind([this](Result<void> result) { Answered(std::move(result)); });
  if (const auto* entries = std::get_if<LogWrite>(&write.what)) {
    log_.Save(*entries, std::move(answered));
  } else {
    const auto& shortening = std::get<Shortening>(write.what);
    log_.SaveSnapshot(shortening.snapshot, shortening.begin, std::move(answered));
  }
}

// Of the first write that was submitted. Behind one that found no room all others are refused, too,
// until the last of them has been: then the first is tried again.
void PatientLog::Answered(Result<void> result) {
  if (failure_) return;
  CHECK_GT(submitted_, 0u);
  --submitted_;
  if (!result && result.error().kind == Error::Kind::kFull) return Wait(result.error());
  if (!result) {
    failure_ = result.error();
    for (Write& write : std::exchange(writes_, {})) Tell(std::move(write), result);
    return;
  }
  CHECK(!is_waiting_ || submitted_ == 0) << "a write was done before one that found no room";
  Write write = std::move(writes_.front());
  writes_.pop_front();
  if (std::exchange(is_waiting_, false)) {
    LOG(INFO) << "there is room again: this voter goes on";
    for (const Write& waiting : writes_) Submit(waiting);
    if (waits_) waits_(false);
  }
  write.done(std::move(result));
}

void PatientLog::Wait(const Error& error) {
  LOG_IF(WARNING, !is_waiting_)
      << "the disk is full: this voter saves nothing, and waits for room: " << error;
  is_waiting_ = true;
  if (submitted_ > 0) return;
  timer_ = strand_.RunAt(clock_.Now() + pause_, lifetime_.Bind([this] { TryAgain(); }));
  if (waits_) waits_(true);
}

// The first alone: the others cannot be done before it.
void PatientLog::TryAgain() {
  timer_ = 0;
  Submit(writes_.front());
}

void PatientLog::ReadEntries(LogIndex from, LogIndex to, size_t max_bytes,
                             Callback<void(Result<std::vector<LogEntry>>)> done) {
  log_.ReadEntries(from, to, max_bytes, std::move(done));
}

void PatientLog::ReadSnapshot(Callback<void(Result<std::optional<StoredSnapshot>>)> done) {
  log_.ReadSnapshot(std::move(done));
}

}  // namespace weir::quorum
