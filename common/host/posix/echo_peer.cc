// SPDX-License-Identifier: Apache-2.0
// A process that serves an echo until it is killed, for tests that lose a peer. Prints where.
#include <cstdio>
#include <memory>

#include "common/host/posix/process.h"

namespace weir::host {
namespace {

struct Echo : StreamEvents {
  explicit Echo(std::shared_ptr<Stream> s) : stream(std::move(s)) {}
  void OnMessage(Bytes message) override { stream->Send({std::move(message)}); }
  void OnPeerFinished() override { stream->Finish(CallStatus::Ok()); }
  void OnEnd(CallStatus) override {}
  std::shared_ptr<Stream> stream;
};

int Main() {
  StopSignals signals;
  PosixHost world({.root = ".", .client_id = "peer"});
  signals.Hear(world.loop(), [&](int) { world.loop().Stop(); });
  Methods methods;
  methods["/test.Peer/Echo"] = StreamMethod([](const Caller&, std::shared_ptr<Stream> stream) {
    return std::make_shared<Echo>(std::move(stream));
  });
  auto at = world.network().Listen("127.0.0.1:0", std::move(methods));
  if (!at) return 1;
  std::printf("%s\n", at->c_str());
  std::fflush(stdout);
  world.loop().Run();
  signals.End();
  return 0;
}

}  // namespace
}  // namespace weir::host

int main() { return weir::host::Main(); }
