// SPDX-License-Identifier: Apache-2.0
// Hands work from foreign threads over to a strand: many letters, one wake. Its owner can close it
// and deliver the rest by hand, so that it may end while the strand no longer runs.
//
// Push comes from any thread, everything else from the strand's. Held by shared_ptr, since letters
// may arrive while its owner goes.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "common/host/strand.h"

namespace weir::host {

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  using Letter = Callback<void()>;

  // `strand` outlives the mailbox, or the mailbox is closed first.
  explicit Mailbox(Strand& strand) : strand_(strand) {}

  // Runs `letter` on the strand, after those pushed before it.
  void Push(Letter letter);

  // From now on letters wait for DeliverUntil.
  void Close();
  // Drops what waits, once closed.
  void Discard();
  // Delivers letters, waiting for them, until `done`. Only once closed.
  void DeliverUntil(const std::function<bool()>& done);

 private:
  void PostDelivery();
  void Deliver();
  void DeliverOne();

  Strand& strand_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  // The strand's: taken from letters_, and to be delivered before what is there.
  std::deque<Letter> taken_;
  // Guarded by mutex_.
  std::deque<Letter> letters_;
  bool posted_ = false;
  bool closed_ = false;
};

}  // namespace weir::host
