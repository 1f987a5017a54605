// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/kernel_random.h"

#include <glog/logging.h>
#include <sys/random.h>

namespace weir::host {

uint64_t KernelRandom::Next() {
  if (left_ == 0) {
    // Up to 256 bytes come whole, once the kernel's pool was ready.
    ssize_t size = 0;
    do {
      size = getrandom(drawn_.data(), sizeof(drawn_), 0);
    } while (size < 0 && errno == EINTR);
    PCHECK(size == static_cast<ssize_t>(sizeof(drawn_)));
    left_ = drawn_.size();
  }
  return drawn_[--left_];
}

}  // namespace weir::host
