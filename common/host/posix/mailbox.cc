// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/mailbox.h"

#include <glog/logging.h>

#include <utility>

namespace weir::host {

void Mailbox::Push(Letter letter) {
  std::lock_guard lock(mutex_);
  letters_.push_back(std::move(letter));
  if (closed_) {
    arrived_.notify_one();
  } else if (!std::exchange(posted_, true)) {
    // Within the lock, so that nothing is posted once Close has returned.
    strand_.Post([self = shared_from_this()] { self->Deliver(); });
  }
}

void Mailbox::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
}

void Mailbox::Discard() {
  // Destroyed after the lock is gone.
  std::vector<Letter> dropped;
  std::lock_guard lock(mutex_);
  CHECK(closed_);
  dropped.swap(letters_);
}

void Mailbox::Deliver() {
  std::vector<Letter> letters;
  {
    std::lock_guard lock(mutex_);
    posted_ = false;
    if (closed_) return;
    letters.swap(letters_);
  }
  for (Letter& letter : letters) {
    letter();
    letter = nullptr;
  }
}

void Mailbox::DeliverUntil(const std::function<bool()>& done) {
  std::vector<Letter> letters;
  while (!done()) {
    {
      std::unique_lock lock(mutex_);
      CHECK(closed_);
      arrived_.wait(lock, [this] { return !letters_.empty(); });
      letters.swap(letters_);
    }
    for (Letter& letter : letters) letter();
    letters.clear();
  }
}

}  // namespace weir::host
