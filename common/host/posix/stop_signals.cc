// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/stop_signals.h"

#include <glog/logging.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

namespace weir::host {

StopSignals::StopSignals() {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  CHECK(pthread_sigmask(SIG_BLOCK, &stops, nullptr) == 0);
  fd_ = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
  PCHECK(fd_ >= 0);
  PCHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

StopSignals::~StopSignals() { close(fd_); }

void StopSignals::Hear(EventLoop& loop, Callback<void(int)> heard) {
  loop.WatchReadable(fd_, [fd = fd_, heard = std::move(heard)]() mutable {
    signalfd_siginfo signal{};
    while (read(fd, &signal, sizeof(signal)) == static_cast<ssize_t>(sizeof(signal))) {
      heard(static_cast<int>(signal.ssi_signo));
    }
  });
}

}  // namespace weir::host
