// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/listen_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include "common/host/posix/system_error.h"

namespace weir::host {

namespace {

// 0, or the errno of what failed.
int TryBind(const addrinfo& at) {
  int fd = socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC, at.ai_protocol);
  if (fd < 0) return errno;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  int failure = bind(fd, at.ai_addr, at.ai_addrlen) == 0 ? 0 : errno;
  // Another listener shows only here where both allow the address to be reused.
  if (failure == 0) failure = listen(fd, 1) == 0 ? 0 : errno;
  close(fd);
  return failure;
}

}  // namespace

Result<ListenAddress> ListenAddress::Parse(const Endpoint& at) {
  auto invalid = [&] {
    return Fail(Error::Kind::kInvalid,
                "cannot listen on \"" + at + "\": write it as host:port, or [v6 address]:port");
  };
  size_t colon = at.rfind(':');
  if (colon == std::string::npos || colon == 0) return invalid();
  ListenAddress address{.host = at.substr(0, colon)};
  const char* end = at.data() + at.size();
  auto parsed = std::from_chars(at.data() + colon + 1, end, address.port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return invalid();
  if (address.port < 0 || address.port > 65535) return invalid();
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (address.host.find(':') != std::string::npos) {
    return invalid();
  }
  return address;
}

Endpoint ListenAddress::WithPort(int taken) const {
  bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(taken);
}

Result<void> ProbeListen(const Endpoint& at, const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  std::string port = std::to_string(address.port);
  int failed = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
  if (failed != 0) {
    return Fail(Error::Kind::kInvalid,
                "cannot listen on " + at + ": no such host here (" + gai_strerror(failed) + ")");
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  int failure = 0;
  bool bound = false;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    int result = TryBind(*one);
    if (result == EADDRINUSE) {
      return Fail(Error::Kind::kInUse, "cannot listen on " + at +
                                           ": address in use; stop the process that holds it, or "
                                           "choose another port");
    }
    if (result == 0) bound = true;
    if (result != 0) failure = result;
  }
  // A name may stand for addresses that this machine lacks, beside one that it has.
  if (!bound) return SystemFailure(failure, "cannot listen on " + at);
  return {};
}

}  // namespace weir::host
