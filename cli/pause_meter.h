// SPDX-License-Identifier: Apache-2.0
// How long nothing was acknowledged while something waited to be. Pure.
#pragma once

#include <optional>
#include <vector>

#include "common/base/time.h"

namespace weir::cli {

class PauseMeter {
 public:
  struct Pause {
    // When it began.
    WallTime at;
    Duration length{};
  };

  // Pauses longer than `notable` are listed.
  explicit PauseMeter(Duration notable) : notable_(notable) {}

  void Sent(Instant now, WallTime wall) {
    if (!waiting_since_) Wait(now, wall);
  }
  // `more`: others still wait.
  void Acknowledged(Instant now, WallTime wall, bool more) {
    if (waiting_since_) {
      Pause pause{waiting_wall_, now - *waiting_since_};
      if (!longest_ || pause.length > longest_->length) longest_ = pause;
      if (pause.length > notable_) pauses_.push_back(pause);
    }
    waiting_since_.reset();
    if (more) Wait(now, wall);
  }

  // The longest so far, one that still lasts included.
  std::optional<Pause> Longest(Instant now) const {
    if (waiting_since_ && (!longest_ || now - *waiting_since_ > longest_->length)) {
      return Pause{waiting_wall_, now - *waiting_since_};
    }
    return longest_;
  }
  const std::vector<Pause>& pauses() const { return pauses_; }

 private:
  void Wait(Instant now, WallTime wall) {
    waiting_since_ = now;
    waiting_wall_ = wall;
  }

  const Duration notable_;
  std::optional<Instant> waiting_since_;
  WallTime waiting_wall_;
  std::optional<Pause> longest_;
  std::vector<Pause> pauses_;
};

}  // namespace weir::cli
