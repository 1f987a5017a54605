// SPDX-License-Identifier: Apache-2.0
// What a message costs between two networks of one process: latency of a call and of a stream's
// round trip, and throughput of 256 KiB messages one way. Prints one line each.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "common/host/posix/process.h"

namespace weir::host {
namespace {

constexpr int kRounds = 10'000;
constexpr size_t kLargeBytes = 256 << 10;
constexpr int kLargeMessages = 8'000;
constexpr size_t kQueuedMost = 8 << 20;

void PrintLatency(const char* what, std::vector<Duration> took) {
  std::ranges::sort(took);
  auto micros = [&](double part) {
    auto at = static_cast<size_t>(part * static_cast<double>(took.size() - 1));
    return static_cast<double>(took[at].count()) / 1e3;
  };
  std::printf("%-28s p50 %7.1f us  p99 %7.1f us\n", what, micros(0.50), micros(0.99));
}

struct Echo : StreamEvents {
  explicit Echo(std::shared_ptr<Stream> s) : stream(std::move(s)) {}
  void OnMessage(Bytes message) override { stream->Send({std::move(message)}); }
  void OnEnd(CallStatus) override { stream.reset(); }
  std::shared_ptr<Stream> stream;
};

// Counts, and answers the last one.
struct Sink : StreamEvents {
  explicit Sink(std::shared_ptr<Stream> s) : stream(std::move(s)) {}
  void OnMessage(Bytes message) override {
    if (++count == kLargeMessages) stream->Send({message.Slice(0, 1)});
  }
  void OnEnd(CallStatus) override { stream.reset(); }
  std::shared_ptr<Stream> stream;
  int count = 0;
};

struct Client : StreamEvents {
  void OnMessage(Bytes) override { on_message(); }
  void OnDrained() override {
    if (on_drained) on_drained();
  }
  void OnEnd(CallStatus) override {}
  std::function<void()> on_message;
  std::function<void()> on_drained;
};

class Bench {
 public:
  void Run() {
    Methods methods;
    methods["/bench.Network/Call"] = UnaryMethod([](const Caller&, Bytes request, Reply reply) {
      reply(CallStatus::Ok(), {std::move(request)});
    });
    methods["/bench.Network/Echo"] = StreamMethod(
        [](const Caller&, std::shared_ptr<Stream> s) { return std::make_shared<Echo>(s); });
    methods["/bench.Network/Sink"] = StreamMethod(
        [](const Caller&, std::shared_ptr<Stream> s) { return std::make_shared<Sink>(s); });
    at_ = server_.Listen("127.0.0.1:0", std::move(methods)).value();
    Calls();
    RoundTrips();
    Throughput();
  }

 private:
  void Calls() {
    took_.clear();
    NextCall();
    loop_.Run();
    PrintLatency("unary 64 B", took_);
  }
  void NextCall() {
    if (took_.size() == kRounds) return loop_.Stop();
    Instant before = clock_.Now();
    client_.Call(at_, "/bench.Network/Call", {small_}, std::chrono::seconds(10),
                 [this, before](CallStatus, Bytes) {
                   took_.push_back(clock_.Now() - before);
                   NextCall();
                 });
  }

  void RoundTrips() {
    took_.clear();
    auto events = std::make_shared<Client>();
    auto stream = client_.Open(at_, "/bench.Network/Echo", events);
    Instant before = clock_.Now();
    events->on_message = [&] {
      took_.push_back(clock_.Now() - before);
      if (took_.size() == kRounds) return loop_.Stop();
      before = clock_.Now();
      stream->Send({small_});
    };
    stream->Send({small_});
    loop_.Run();
    PrintLatency("stream round trip 64 B", took_);
  }

  void Throughput() {
    auto events = std::make_shared<Client>();
    auto stream = client_.Open(at_, "/bench.Network/Sink", events);
    Bytes large = Bytes::FromString(std::string(kLargeBytes, 'x'));
    int sent = 0;
    auto send = [&] {
      while (sent < kLargeMessages && stream->queued_bytes() < kQueuedMost) {
        stream->Send({large});
        ++sent;
      }
    };
    events->on_message = [&] { loop_.Stop(); };
    events->on_drained = send;
    Instant before = clock_.Now();
    send();
    loop_.Run();
    double seconds = static_cast<double>((clock_.Now() - before).count()) / 1e9;
    double bytes = static_cast<double>(kLargeBytes) * kLargeMessages;
    std::printf("%-28s %.2f GB/s\n", "stream 256 KiB, one way", bytes / seconds / 1e9);
  }

  SystemClock clock_;
  EventLoop loop_;
  GrpcNetwork server_{loop_};
  GrpcNetwork client_{loop_};
  Endpoint at_;
  Bytes small_ = Bytes::FromString(std::string(64, 'x'));
  std::vector<Duration> took_;
};

}  // namespace
}  // namespace weir::host

int main() {
  weir::host::Bench().Run();
  return 0;
}
