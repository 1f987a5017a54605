// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/stop_signals.h"

#include <glog/logging.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
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
  end_ = eventfd(0, EFD_CLOEXEC);
  PCHECK(end_ >= 0);
  PCHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

StopSignals::~StopSignals() {
  End();
  close(end_);
  close(fd_);
}

void StopSignals::End() {
  if (!thread_.joinable()) return;
  PCHECK(eventfd_write(end_, 1) == 0);
  thread_.join();
}

void StopSignals::Hear(EventLoop& loop, Callback<void(int)> heard) {
  CHECK(!thread_.joinable()) << "heard already";
  auto shared = std::make_shared<Callback<void(int)>>(std::move(heard));
  thread_ = std::thread([this, &loop, shared = std::move(shared)] {
    std::array<pollfd, 2> fds{pollfd{.fd = fd_, .events = POLLIN, .revents = 0},
                              pollfd{.fd = end_, .events = POLLIN, .revents = 0}};
    while (fds[1].revents == 0) {
      PCHECK(poll(fds.data(), fds.size(), -1) >= 0 || errno == EINTR);
      signalfd_siginfo signal{};
      while (read(fd_, &signal, sizeof(signal)) == static_cast<ssize_t>(sizeof(signal))) {
        loop.Post([shared, number = static_cast<int>(signal.ssi_signo)] { (*shared)(number); });
      }
    }
  });
  pthread_setname_np(thread_.native_handle(), "weir-signals");
}

}  // namespace weir::host
