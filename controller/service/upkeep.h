// SPDX-License-Identifier: Apache-2.0
// What the active controller does of its own accord, a little at a time: it hands leadership back
// to preferred replicas, and empties nodes that drain. It wakes by deadlines, and sleeps while
// there is nothing to do. Does nothing on a controller that is not active. One strand.
#pragma once

#include <string>

#include "common/host/deadline_timer.h"
#include "common/host/host.h"
#include "common/metadata/diff.h"
#include "controller/decide/imbalance.h"
#include "controller/service/active.h"

namespace weir::service {

class Upkeep : public machine::MachineObserver<metadata::Image> {
 public:
  explicit Upkeep(host::Host host)
      : host_(host), timer_(host.strand, [this] { TimeReached(); }) {}

  // Before the machine runs; it outlives this.
  void Serve(MetadataDriver* machine) { machine_ = machine; }

  void OnPublished(const metadata::Image& before, const metadata::Image& after,
                   machine::Position position, const Bytes& entry) override;
  void OnRestored(const metadata::Image&, const metadata::Image&, machine::Position) override {}
  void OnActive(int64_t epoch) override;
  void OnInactive() override;

 private:
  void SetTimer();
  void TimeReached();
  void Balance();
  void Drain();
  void Drained(const decide::DrainStepped& step);
  // Asks until it is decided as a whole.
  void Ask(const decide::Command& command, MetadataDriver::Done done);

  host::Host host_;
  MetadataDriver* machine_ = nullptr;
  bool active_ = false;
  decide::Imbalance imbalance_;
  // The next step of draining; never while one is being decided, or no node drains.
  Instant drain_at_ = Instant::Never();
  // A node began to drain since the last step was asked for.
  bool drain_again_ = false;
  // What was said last: once is enough.
  std::string why_stuck_;
  host::DeadlineTimer timer_;
  Lifetime lifetime_;
};

}  // namespace weir::service
