// SPDX-License-Identifier: Apache-2.0
// One run of `weir produce`: paces an input into a topic, counts what was acknowledged and how long
// nothing was. One strand.
#pragma once

#include <deque>
#include <string>

#include "cli/input_thread.h"
#include "cli/listing.h"
#include "cli/pause_meter.h"
#include "client/driver/producer.h"

namespace weir::cli {

class Producing {
 public:
  struct Config {
    std::string topic;
    int acks = -1;
    // Bytes per second; 0: as fast as it goes.
    int64_t rate = 0;
    // Lines about how it goes, on stderr.
    bool progress = false;
  };

  Producing(host::Host host, client::Routing& routing, Config config, InputThread& input);

  // `done` comes when every record is settled.
  void Run(Callback<void()> done);

  bool failed() const { return failed_ > 0 || input_error_.has_value(); }
  // Why, in words; empty if all went well.
  std::string Trouble() const;
  // {records, bytes, seconds, longest_pause_ms, pauses, retries, failed}.
  Json Report() const;
  std::string Summary() const;

 private:
  void Fetch();
  void Pump();
  void Settled(const client::effect::Settled& settled);
  void EndIfDone();
  void ShowProgress();
  // How many bytes the rate allows to have been sent by now.
  int64_t Allowed() const;

  host::Host host_;
  const Config config_;
  InputThread& input_;
  client::Producer producer_;
  PauseMeter pauses_{std::chrono::milliseconds(200)};
  Callback<void()> done_;

  std::deque<InputRecord> waiting_;
  bool fetching_ = false;
  bool input_over_ = false;
  std::optional<Error> input_error_;
  bool pacing_ = false;
  bool pumping_ = false;

  Instant started_;
  Instant ended_;
  int64_t sent_records_ = 0;
  int64_t sent_bytes_ = 0;
  int64_t settled_records_ = 0;
  int64_t acked_records_ = 0;
  int64_t acked_bytes_ = 0;
  int64_t failed_ = 0;
  std::string first_failure_;
  Lifetime lifetime_;
};

}  // namespace weir::cli
