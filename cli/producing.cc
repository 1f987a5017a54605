// SPDX-License-Identifier: Apache-2.0
#include "cli/producing.h"

#include <cstdio>
#include <ctime>
#include <iostream>

#include "cli/quantity.h"

namespace weir::cli {
namespace {

constexpr Duration kProgressEvery = std::chrono::seconds(1);

int64_t Ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string ClockTime(WallTime at) {
  std::time_t seconds = at.ms / 1000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d", parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text;
}

}  // namespace

Producing::Producing(host::Host host, client::Routing& routing, Config config, InputThread& input)
    : host_(host),
      config_(std::move(config)),
      input_(input),
      producer_(host, routing, client::ProducerConfig{.acks = config_.acks},
                [this](const client::effect::Settled& settled) { Settled(settled); }) {}

void Producing::Run(Callback<void()> done) {
  done_ = std::move(done);
  started_ = host_.clock.Now();
  if (config_.progress) {
    host_.strand.RunAt(started_ + kProgressEvery, lifetime_.Bind([this] { ShowProgress(); }));
  }
  Fetch();
}

void Producing::Fetch() {
  if (fetching_ || input_over_) return;
  fetching_ = true;
  input_.Take(lifetime_.Bind([this](InputThread::Handful handful) {
    fetching_ = false;
    // Once a record was given up, the rest of the input stays unsent.
    if (failed_ > 0) handful = {.last = true};
    for (InputRecord& record : handful.records) waiting_.push_back(std::move(record));
    input_over_ = handful.last;
    input_error_ = handful.error;
    Pump();
    EndIfDone();
  }));
}

int64_t Producing::Allowed() const {
  if (config_.rate == 0) return INT64_MAX;
  // A twentieth of a second ahead, so that pacing does not make batches small.
  double seconds = std::chrono::duration<double>(host_.clock.Now() - started_).count() + 0.05;
  return static_cast<int64_t>(static_cast<double>(config_.rate) * seconds);
}

void Producing::Pump() {
  if (pumping_) return;
  pumping_ = true;
  int64_t allowed = Allowed();
  while (!waiting_.empty() && producer_.has_room() && sent_bytes_ < allowed) {
    InputRecord next = std::move(waiting_.front());
    waiting_.pop_front();
    auto bytes = static_cast<int64_t>(next.value.size() + (next.key ? next.key->size() : 0));
    client::Record record{.value = Bytes::FromString(std::move(next.value)),
                          .timestamp = host_.clock.WallNow()};
    if (next.key) record.key = Bytes::FromString(std::move(*next.key));
    ++sent_records_;
    sent_bytes_ += bytes;
    producer_.Send(config_.topic, std::move(record));
  }
  pumping_ = false;
  if (waiting_.empty()) {
    Fetch();
  } else if (producer_.has_room() && !pacing_) {
    pacing_ = true;
    host_.strand.RunAt(host_.clock.Now() + std::chrono::milliseconds(10), lifetime_.Bind([this] {
      pacing_ = false;
      Pump();
    }));
  }
}

void Producing::Settled(const client::effect::Settled& settled) {
  settled_records_ += static_cast<int64_t>(settled.batch->records.size());
  if (settled.answer) {
    for (const client::Record& record : settled.batch->records) {
      ++acked_records_;
      acked_bytes_ += static_cast<int64_t>((record.key ? record.key->size() : 0) +
                                           (record.value ? record.value->size() : 0));
    }
    pauses_.Acknowledged(settled.partition, settled.batch->opened, host_.clock.Now(),
                         host_.clock.WallNow());
  } else {
    failed_ += static_cast<int64_t>(settled.batch->records.size());
    if (first_failure_.empty()) {
      first_failure_ = settled.answer.error().message + " (" +
                       std::string(NameOf(settled.answer.error().code)) + ")";
    }
    // More of the same would fail too.
    input_over_ = true;
    waiting_.clear();
  }
  // Not within the producer's call: it may be in the middle of a Send.
  host_.strand.Post(lifetime_.Bind([this] {
    Pump();
    EndIfDone();
  }));
}

void Producing::EndIfDone() {
  if (!input_over_ || !waiting_.empty()) return;
  if (settled_records_ < sent_records_) {
    producer_.Flush();
    return;
  }
  if (!done_) return;
  ended_ = host_.clock.Now();
  if (config_.progress) std::cerr << Summary() << std::endl;
  std::exchange(done_, nullptr)();
}

std::string Producing::Summary() const {
  Instant now = done_ ? host_.clock.Now() : ended_;
  std::string line =
      std::to_string(acked_records_) + " records, " + FormatBytes(acked_bytes_) + " acknowledged";
  if (sent_records_ > acked_records_) {
    line += " of " + std::to_string(sent_records_) + " records sent";
  }
  double seconds = std::chrono::duration<double>(now - started_).count();
  if (seconds > 0) {
    line += ", " + FormatBytes(static_cast<int64_t>(static_cast<double>(acked_bytes_) / seconds)) +
            "/s";
  }
  if (auto longest = pauses_.longest()) {
    line += ", longest pause " + std::to_string(Ms(longest->length)) + " ms at " +
            ClockTime(longest->at);
  }
  return line;
}

void Producing::ShowProgress() {
  if (!done_) return;
  std::cerr << Summary() << std::endl;
  host_.strand.RunAt(host_.clock.Now() + kProgressEvery,
                     lifetime_.Bind([this] { ShowProgress(); }));
}

std::string Producing::Trouble() const {
  if (failed_ > 0) {
    return std::to_string(failed_) + " records were not written: " + first_failure_;
  }
  return input_error_ ? input_error_->message : "";
}

Json Producing::Report() const {
  Json pauses = Json::array();
  for (const PauseMeter::Pause& pause : pauses_.pauses()) {
    pauses.push_back({{"at_ms", pause.at.ms}, {"for_ms", Ms(pause.length)}});
  }
  auto longest = pauses_.longest();
  return {{"records", acked_records_},
          {"bytes", acked_bytes_},
          {"seconds", std::chrono::duration<double>(ended_ - started_).count()},
          {"longest_pause_ms", longest ? Ms(longest->length) : 0},
          {"pauses", pauses},
          {"retries", producer_.retries()},
          {"failed", failed_}};
}

}  // namespace weir::cli
