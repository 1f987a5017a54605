// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/mailbox.h"

#include <glog/logging.h>

#include <utility>

namespace weir::host {

namespace {

// Delivered in one turn of the strand. What else waits there, for example for a write to be
// finished, goes on in between, and not after all of a crowd.
constexpr int kLettersPerTurn = 32;

}  // namespace

void Mailbox::Push(Letter letter) {
  std::lock_guard lock(mutex_);
  letters_.push_back(std::move(letter));
  if (closed_) {
    arrived_.notify_one();
  } else {
    PostDelivery();
  }
}

// Within the lock, so that nothing is posted once Close has returned.
void Mailbox::PostDelivery() {
  if (std::exchange(posted_, true)) return;
  strand_.Post([self = shared_from_this()] { self->Deliver(); });
}

void Mailbox::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
}

void Mailbox::Discard() {
  // Destroyed after the lock is gone.
  std::deque<Letter> dropped;
  std::deque<Letter> taken;
  std::lock_guard lock(mutex_);
  CHECK(closed_);
  dropped.swap(letters_);
  taken.swap(taken_);
}

void Mailbox::Deliver() {
  {
    std::lock_guard lock(mutex_);
    posted_ = false;
    if (closed_) return;
    if (taken_.empty()) taken_.swap(letters_);
  }
  for (int i = 0; i < kLettersPerTurn && !taken_.empty(); ++i) DeliverOne();
  std::lock_guard lock(mutex_);
  if (!closed_ && (!taken_.empty() || !letters_.empty())) PostDelivery();
}

// A letter may close the mailbox, and deliver the rest by hand.
void Mailbox::DeliverOne() {
  Letter letter = std::move(taken_.front());
  taken_.pop_front();
  letter();
}

void Mailbox::DeliverUntil(const std::function<bool()>& done) {
  while (!done()) {
    if (taken_.empty()) {
      std::unique_lock lock(mutex_);
      CHECK(closed_);
      arrived_.wait(lock, [this] { return !letters_.empty(); });
      taken_.swap(letters_);
    }
    DeliverOne();
  }
}

}  // namespace weir::host
