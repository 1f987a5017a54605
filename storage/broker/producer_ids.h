// SPDX-License-Identifier: Apache-2.0
// Identities for idempotent producers, out of blocks that the controller grants to this node.
// One strand.
#pragma once

#include <deque>

#include "common/base/callback.h"
#include "common/base/error_code.h"
#include "common/base/ids.h"

namespace weir::broker {

class ProducerIds {
 public:
  // `ask` asks the controller for a block; it may be lost, and is then repeated by AskAgain.
  explicit ProducerIds(Callback<void()> ask) : ask_(std::move(ask)) {}

  // One id that no other producer has. Waits for a block where none is left.
  void Next(Callback<void(Answer<ProducerId>)> done);

  // A block was granted: first..next-1.
  void Granted(ProducerId first, ProducerId next);

  // A new session is open: what was asked in the old one may be lost.
  void AskAgain();

 private:
  void Serve();

  // More callers than this are refused: a block holds a thousand.
  static constexpr size_t kWaitingMost = 1000;

  Callback<void()> ask_;
  ProducerId next_{0};
  ProducerId end_{0};
  std::deque<Callback<void(Answer<ProducerId>)>> waiting_;
};

}  // namespace weir::broker
