// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/network.h"

#include <glog/logging.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <functional>
#include <optional>
#include <utility>

#include "common/host/posix/event_loop.h"
#include "common/host/posix/system_clock.h"

extern char** environ;

namespace weir::host {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What one end of a stream hears, kept.
struct Heard : StreamEvents {
  explicit Heard(std::function<void()> changed) : on_change(std::move(changed)) {}
  void OnMessage(Bytes message) override {
    messages.push_back(message.ToString());
    on_change();
  }
  void OnDrained() override {
    ++drained;
    on_change();
  }
  void OnPeerFinished() override {
    peer_finished = true;
    on_change();
  }
  void OnEnd(CallStatus status) override {
    EXPECT_FALSE(end) << "ended twice";
    end = std::move(status);
    stream.reset();
    on_change();
  }
  std::function<void()> on_change;
  std::shared_ptr<Stream> stream;
  std::vector<std::string> messages;
  int drained = 0;
  bool peer_finished = false;
  std::optional<CallStatus> end;
};

// Sends everything back, and ends when the peer has.
struct Echo : StreamEvents {
  explicit Echo(std::shared_ptr<Stream> s) : stream(std::move(s)) {}
  void OnMessage(Bytes message) override { stream->Send({std::move(message)}); }
  void OnPeerFinished() override { stream->Finish(CallStatus::Ok()); }
  void OnEnd(CallStatus) override { stream.reset(); }
  std::shared_ptr<Stream> stream;
};

class GrpcNetworkTest : public testing::Test {
 protected:
  // Runs the loop until `reached` holds.
  void RunUntil(const std::function<bool()>& reached) {
    auto too_late = loop_.RunAt(clock_.Now() + seconds(30), [] { FAIL() << "never happened"; });
    until_ = &reached;
    Check();
    while (!reached()) loop_.Run();
    until_ = nullptr;
    loop_.Cancel(too_late);
  }
  void Check() {
    if (until_ != nullptr && (*until_)()) loop_.Stop();
  }
  std::shared_ptr<Heard> Hear() {
    return std::make_shared<Heard>([this] { Check(); });
  }
  std::shared_ptr<Heard> Open(GrpcNetwork& network, const Endpoint& to, const std::string& method) {
    auto heard = Hear();
    heard->stream = network.Open(to, method, heard);
    return heard;
  }
  std::pair<CallStatus, Bytes> Call(const Endpoint& to, const std::string& method, Pieces request,
                                    Duration timeout = seconds(20)) {
    std::optional<std::pair<CallStatus, Bytes>> answer;
    client_.Call(to, method, std::move(request), timeout, [&](CallStatus status, Bytes reply) {
      answer.emplace(std::move(status), std::move(reply));
      Check();
    });
    EXPECT_FALSE(answer);
    RunUntil([&] { return answer.has_value(); });
    return *answer;
  }
  // A server with one method of each kind.
  Endpoint Serve() {
    Methods methods;
    methods["/test.Words/Reverse"] = UnaryMethod([](const Caller&, Bytes request, Reply reply) {
      std::string text = request.ToString();
      std::ranges::reverse(text);
      reply(CallStatus::Ok(), {Bytes::FromString(text)});
    });
    methods["/test.Words/Whose"] = UnaryMethod([](const Caller& caller, Bytes, Reply reply) {
      reply(CallStatus::Ok(), {Bytes::FromString(caller.client_id + " at " + caller.address)});
    });
    methods["/test.Words/Refuse"] = UnaryMethod([](const Caller&, Bytes request, Reply reply) {
      reply({StatusCode::kFailedPrecondition, "not so", request.ToString()}, {});
    });
    methods["/test.Words/Forget"] = UnaryMethod([](const Caller&, Bytes, Reply) {});
    methods["/test.Words/Keep"] = UnaryMethod([this](const Caller&, Bytes, Reply reply) {
      kept_.push_back(std::move(reply));
      Check();
    });
    methods["/test.Streams/Echo"] = StreamMethod([](const Caller&, std::shared_ptr<Stream> stream) {
      return std::make_shared<Echo>(stream);
    });
    methods["/test.Streams/Listen"] =
        StreamMethod([this](const Caller&, std::shared_ptr<Stream> stream) {
          served_ = Hear();
          served_->stream = std::move(stream);
          Check();
          return served_;
        });
    auto at = server_.Listen("127.0.0.1:0", std::move(methods));
    EXPECT_TRUE(at) << at.error();
    return *at;
  }

  SystemClock clock_;
  EventLoop loop_;
  std::vector<Reply> kept_;
  std::shared_ptr<Heard> served_;
  const std::function<bool()>* until_ = nullptr;
  GrpcNetwork server_{loop_};
  GrpcNetwork client_{loop_, "tester"};
};

TEST_F(GrpcNetworkTest, AnswersACall) {
  auto [status, reply] = Call(Serve(), "/test.Words/Reverse",
                              {Bytes::FromString("ab"), Bytes(), Bytes::FromString("cd")});
  EXPECT_EQ(status, CallStatus::Ok());
  EXPECT_EQ(reply.view(), "dcba");
}

TEST_F(GrpcNetworkTest, SaysWhoCalls) {
  auto [status, reply] = Call(Serve(), "/test.Words/Whose", {});
  EXPECT_TRUE(reply.view().starts_with("tester at 127.0.0.1:")) << reply.view();
}

TEST_F(GrpcNetworkTest, CarriesARefusalWithItsDetails) {
  std::string details("\x08\x09\x00\xff binary", 11);
  auto [status, reply] = Call(Serve(), "/test.Words/Refuse", {Bytes::FromString(details)});
  EXPECT_EQ(status, (CallStatus{StatusCode::kFailedPrecondition, "not so", details}));
  EXPECT_TRUE(reply.empty());
}

TEST_F(GrpcNetworkTest, AnswersForADroppedReply) {
  auto [status, reply] = Call(Serve(), "/test.Words/Forget", {});
  EXPECT_EQ(status.code, StatusCode::kUnavailable);
}

TEST_F(GrpcNetworkTest, KnowsNoOtherMethods) {
  Endpoint at = Serve();
  EXPECT_EQ(Call(at, "/test.Words/Missing", {}).first.code, StatusCode::kUnimplemented);
  EXPECT_EQ(Call(at, "/test.Missing/Reverse", {}).first.code, StatusCode::kUnimplemented);
}

TEST_F(GrpcNetworkTest, GivesUpAtTheDeadline) {
  auto [status, reply] = Call(Serve(), "/test.Words/Keep", {}, milliseconds(50));
  EXPECT_EQ(status.code, StatusCode::kDeadlineExceeded);
}

// The server has heard by then that the client is gone, and the call is over but for its answer.
TEST_F(GrpcNetworkTest, TakesAnAnswerThatComesAfterTheClientHasGivenUp) {
  Endpoint at = Serve();
  auto pass = [this] {
    bool passed = false;
    loop_.RunAt(clock_.Now() + milliseconds(100), [&] {
      passed = true;
      Check();
    });
    RunUntil([&] { return passed; });
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Call(at, "/test.Words/Keep", {}, milliseconds(20)).first.code,
              StatusCode::kDeadlineExceeded);
  }
  RunUntil([&] { return kept_.size() == 3; });
  pass();
  kept_[0](CallStatus::Ok(), {Bytes::FromString("late")});
  kept_[1] = {};
  pass();
  EXPECT_EQ(Call(at, "/test.Words/Reverse", {}).first, CallStatus::Ok());
  // The third outlives the network.
}

TEST_F(GrpcNetworkTest, FailsFastWhereNobodyListensAndCallsAgainOnceSomebodyDoes) {
  Endpoint at = Serve();
  {
    GrpcNetwork gone(loop_);
    at = *gone.Listen("127.0.0.1:0", {});
  }
  Instant before = clock_.Now();
  EXPECT_EQ(Call(at, "/test.Words/Reverse", {}).first.code, StatusCode::kUnavailable);
  EXPECT_LT(clock_.Now() - before, seconds(2));
  GrpcNetwork back(loop_);
  ASSERT_TRUE(back.Listen(at, {}));
  // Not before the back-off's first step has passed.
  bool later = false;
  loop_.RunAt(clock_.Now() + milliseconds(30), [&] {
    later = true;
    Check();
  });
  RunUntil([&] { return later; });
  EXPECT_EQ(Call(at, "/test.Words/Reverse", {}).first.code, StatusCode::kUnimplemented);
}

TEST_F(GrpcNetworkTest, RefusesAPortThatIsInUse) {
  Endpoint at = Serve();
  auto again = client_.Listen(at, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, Error::Kind::kInUse);
  EXPECT_TRUE(again.error().message.starts_with("cannot listen on " + at + ": address in use; "));
}

TEST_F(GrpcNetworkTest, RefusesAnAddressThatMakesNoSense) {
  for (const char* at : {"", "nowhere", "127.0.0.1:", ":80", "127.0.0.1:x", "::1:80",
                         "127.0.0.1:70000", "no.such.host.invalid:80", "203.0.113.1:80"}) {
    auto refused = client_.Listen(at, {});
    ASSERT_FALSE(refused) << at;
    EXPECT_EQ(refused.error().kind, Error::Kind::kInvalid) << at << ": " << refused.error();
  }
}

TEST_F(GrpcNetworkTest, ListsItsServicesByReflection) {
  Endpoint at = Serve();
  auto heard = Open(client_, at, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  heard->stream->Send({Bytes::FromString(std::string("\x3a\x00", 2))});  // list_services: ""
  heard->stream->Finish(CallStatus::Ok());
  RunUntil([&] { return heard->end.has_value(); });
  EXPECT_EQ(heard->end->code, StatusCode::kOk) << *heard->end;
  ASSERT_EQ(heard->messages.size(), 1u);
  for (const char* service :
       {"test.Words", "test.Streams", "grpc.health.v1.Health", "grpc.channelz.v1.Channelz"}) {
    EXPECT_NE(heard->messages[0].find(service), std::string::npos) << service;
  }
}

TEST_F(GrpcNetworkTest, TellsItsHealth) {
  Endpoint at = Serve();
  const std::string kServing("\x08\x01", 2);
  const std::string kNotServing("\x08\x02", 2);
  auto check = [&](std::string_view request) {
    return Call(at, "/grpc.health.v1.Health/Check", {Bytes::FromString(std::string(request))})
        .second.ToString();
  };
  EXPECT_EQ(check(""), kNotServing);
  server_.SetServing(true);
  EXPECT_EQ(check(""), kServing);
  EXPECT_EQ(check("\x0a\x0atest.Words"), kServing);
  server_.SetServing(false);
  EXPECT_EQ(check(""), kNotServing);
}

TEST_F(GrpcNetworkTest, TellsWhoWatchesOfItsHealth) {
  Endpoint at = Serve();
  auto watch = Open(client_, at, "/grpc.health.v1.Health/Watch");
  watch->stream->Send({Bytes::FromString("\x0a\x0atest.Words")});
  auto unknown = Open(client_, at, "/grpc.health.v1.Health/Watch");
  unknown->stream->Send({Bytes::FromString("\x0a\x04none")});
  RunUntil([&] { return watch->messages.size() == 1 && unknown->messages.size() == 1; });
  EXPECT_EQ(watch->messages[0], "\x08\x02");
  EXPECT_EQ(unknown->messages[0], "\x08\x03");
  server_.SetServing(true);
  RunUntil([&] { return watch->messages.size() == 2; });
  EXPECT_EQ(watch->messages[1], "\x08\x01");
  EXPECT_EQ(
      Call(at, "/grpc.health.v1.Health/Check", {Bytes::FromString("\x0a\x04none")}).first.code,
      StatusCode::kNotFound);
}

TEST_F(GrpcNetworkTest, DescribesWhatItIsAskedByReflection) {
  auto heard =
      Open(client_, Serve(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  for (const char* request : {"\x22\x15grpc.health.v1.Health", "\x22\x04none", ""}) {
    heard->stream->Send({Bytes::FromString(request)});
  }
  heard->stream->Finish(CallStatus::Ok());
  RunUntil([&] { return heard->end.has_value(); });
  EXPECT_EQ(*heard->end, CallStatus::Ok());
  ASSERT_EQ(heard->messages.size(), 3u);
  EXPECT_NE(heard->messages[0].find("HealthCheckResponse"), std::string::npos);
  EXPECT_NE(heard->messages[1].find("there is no none"), std::string::npos);
  EXPECT_NE(heard->messages[2].find("asks for nothing"), std::string::npos);
}

TEST_F(GrpcNetworkTest, AnswersChannelz) {
  Endpoint at = Serve();
  auto [status, servers] = Call(at, "/grpc.channelz.v1.Channelz/GetServers", {});
  EXPECT_EQ(status, CallStatus::Ok());
  EXPECT_FALSE(servers.empty());
  // Server 1000000.
  EXPECT_EQ(
      Call(at, "/grpc.channelz.v1.Channelz/GetServer", {Bytes::FromString("\x08\xc0\x84\x3d")})
          .first.code,
      StatusCode::kNotFound);
}

TEST_F(GrpcNetworkTest, CarriesMessagesOf8MiBBothWays) {
  auto heard = Open(client_, Serve(), "/test.Streams/Echo");
  std::vector<std::string> sent;
  for (char fill : {'a', 'b', 'c'}) {
    sent.emplace_back(8 << 20, fill);
    std::string_view whole = sent.back();
    heard->stream->Send({Bytes::FromString(std::string(whole.substr(0, 100))),
                         Bytes::FromString(std::string(whole.substr(100)))});
  }
  heard->stream->Finish(CallStatus::Ok());
  RunUntil([&] { return heard->end.has_value(); });
  EXPECT_EQ(*heard->end, CallStatus::Ok());
  EXPECT_TRUE(heard->messages == sent);
}

TEST_F(GrpcNetworkTest, KeepsTheOrderOfManySmallMessages) {
  auto heard = Open(client_, Serve(), "/test.Streams/Echo");
  std::vector<std::string> sent;
  for (int i = 0; i < 2000; ++i) {
    sent.push_back(std::to_string(i));
    heard->stream->Send({Bytes::FromString(sent.back())});
  }
  EXPECT_GT(heard->stream->queued_bytes(), 0u);
  heard->stream->Finish(CallStatus::Ok());
  RunUntil([&] { return heard->end.has_value(); });
  EXPECT_EQ(heard->messages, sent);
  EXPECT_GE(heard->drained, 1);
}

TEST_F(GrpcNetworkTest, CarriesManyStreamsAtOnce) {
  Endpoint at = Serve();
  std::vector<std::shared_ptr<Heard>> all;
  size_t ended = 0;
  for (int i = 0; i < 200; ++i) {
    all.push_back(Open(client_, at, "/test.Streams/Echo"));
    for (int j = 0; j < 5; ++j) all.back()->stream->Send({Bytes::FromString("m")});
    all.back()->stream->Finish(CallStatus::Ok());
  }
  RunUntil([&] {
    while (ended < all.size() && all[ended]->end) ++ended;
    return ended == all.size();
  });
  for (const auto& heard : all) EXPECT_EQ(heard->messages.size(), 5u);
}

TEST_F(GrpcNetworkTest, DeliversWhatWasSentBeforeTheServersFinish) {
  auto heard = Open(client_, Serve(), "/test.Streams/Listen");
  RunUntil([&] { return served_ != nullptr; });
  heard->stream->PauseReading();
  for (int i = 0; i < 20; ++i) served_->stream->Send({Bytes::FromString("last words")});
  served_->stream->Finish({StatusCode::kAborted, "enough", {}});
  RunUntil([&] { return served_->end.has_value(); });
  EXPECT_EQ(served_->end->code, StatusCode::kAborted);
  EXPECT_TRUE(heard->messages.empty());
  heard->stream->ResumeReading();
  RunUntil([&] { return heard->end.has_value(); });
  EXPECT_EQ(heard->messages.size(), 20u);
  EXPECT_EQ(*heard->end, (CallStatus{StatusCode::kAborted, "enough", {}}));
}

TEST_F(GrpcNetworkTest, HoldsTheSenderBackWhileTheReceiverPauses) {
  auto heard = Open(client_, Serve(), "/test.Streams/Listen");
  RunUntil([&] { return served_ != nullptr; });
  served_->stream->PauseReading();
  const std::string kilobytes(256 << 10, 'x');
  for (int i = 0; i < 200; ++i) heard->stream->Send({Bytes::FromString(kilobytes)});
  bool later = false;
  loop_.RunAt(clock_.Now() + milliseconds(200), [&] {
    later = true;
    Check();
  });
  RunUntil([&] { return later; });
  EXPECT_TRUE(served_->messages.empty());
  EXPECT_GT(heard->stream->queued_bytes(), size_t{20} << 20);
  EXPECT_EQ(heard->drained, 0);
  served_->stream->ResumeReading();
  RunUntil([&] { return served_->messages.size() == 200; });
  RunUntil([&] { return heard->drained == 1; });
  EXPECT_EQ(heard->stream->queued_bytes(), 0u);
}

TEST_F(GrpcNetworkTest, CancelsAStreamThatNobodyHolds) {
  auto heard = Open(client_, Serve(), "/test.Streams/Listen");
  RunUntil([&] { return served_ != nullptr; });
  heard->stream.reset();
  RunUntil([&] { return heard->end.has_value() && served_->end.has_value(); });
  EXPECT_EQ(heard->end->code, StatusCode::kCancelled);
  EXPECT_EQ(served_->end->code, StatusCode::kCancelled);
  EXPECT_FALSE(served_->peer_finished);
}

TEST_F(GrpcNetworkTest, CancelsAStreamThatTheServerDrops) {
  auto heard = Open(client_, Serve(), "/test.Streams/Listen");
  RunUntil([&] { return served_ != nullptr; });
  served_->stream.reset();
  RunUntil([&] { return heard->end.has_value() && served_->end.has_value(); });
  EXPECT_EQ(heard->end->code, StatusCode::kCancelled);
}

TEST_F(GrpcNetworkTest, EndsAStreamToNobody) {
  Endpoint at;
  {
    GrpcNetwork gone(loop_);
    at = *gone.Listen("127.0.0.1:0", {});
  }
  auto heard = Open(client_, at, "/test.Streams/Echo");
  heard->stream->Send({Bytes::FromString("into the void")});
  RunUntil([&] { return heard->end.has_value(); });
  EXPECT_EQ(heard->end->code, StatusCode::kUnavailable);
}

TEST_F(GrpcNetworkTest, LetsCallsFinishAtAShutdownAndThenCancelsThem) {
  Endpoint at = Serve();
  auto heard = Open(client_, at, "/test.Streams/Listen");
  std::optional<CallStatus> answered;
  client_.Call(at, "/test.Words/Keep", {}, seconds(20), [&](CallStatus status, Bytes) {
    answered = status;
    Check();
  });
  RunUntil([&] { return served_ != nullptr && kept_.size() == 1; });
  bool done = false;
  server_.Shutdown(milliseconds(300), [&] {
    done = true;
    Check();
  });
  kept_[0](CallStatus::Ok(), {});
  RunUntil([&] { return answered.has_value(); });
  EXPECT_TRUE(answered->ok()) << *answered;
  EXPECT_FALSE(done);
  RunUntil([&] { return done && heard->end.has_value(); });
  EXPECT_FALSE(heard->end->ok());
}

TEST_F(GrpcNetworkTest, GoesAwayWithCallsUnderWay) {
  Endpoint at = Serve();
  auto heard = Open(client_, at, "/test.Streams/Listen");
  client_.Call(at, "/test.Words/Keep", {}, seconds(20),
               [](CallStatus, Bytes) { FAIL() << "told by a network that is gone"; });
  RunUntil([&] { return served_ != nullptr && kept_.size() == 1; });
  for (int i = 0; i < 100; ++i) heard->stream->Send({Bytes::FromString(std::string(1 << 20, 'x'))});
}

// A process of its own, to be killed.
class Peer {
 public:
  Peer() {
    std::array<int, 2> out{};
    PCHECK(pipe(out.data()) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::string path = "common/host/posix/echo_peer";
    std::array<char*, 2> arguments{path.data(), nullptr};
    PCHECK(posix_spawn(&process_, path.c_str(), &actions, nullptr, arguments.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    for (char c = 0; read(out[0], &c, 1) == 1 && c != '\n';) at_ += c;
    close(out[0]);
  }
  ~Peer() { Kill(SIGKILL); }
  int Kill(int signal) {
    if (process_ == 0) return 0;
    int status = 0;
    kill(process_, signal);
    waitpid(std::exchange(process_, 0), &status, 0);
    return status;
  }
  int64_t ResidentKilobytes() const {
    std::ifstream status("/proc/" + std::to_string(process_) + "/status");
    std::string word;
    while (status >> word && word != "VmRSS:") {
    }
    int64_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes;
  }
  const Endpoint& at() const { return at_; }

 private:
  pid_t process_ = 0;
  Endpoint at_;
};

TEST_F(GrpcNetworkTest, HearsAtOnceThatAPeersProcessDied) {
  Peer peer;
  auto reading = Open(client_, peer.at(), "/test.Peer/Echo");
  auto paused = Open(client_, peer.at(), "/test.Peer/Echo");
  for (const auto& heard : {reading, paused}) heard->stream->Send({Bytes::FromString("hello")});
  RunUntil([&] { return reading->messages.size() == 1 && paused->messages.size() == 1; });
  // Also where a message waits unread.
  paused->stream->PauseReading();
  for (const auto& heard : {reading, paused}) heard->stream->Send({Bytes::FromString("again")});
  RunUntil([&] { return reading->messages.size() == 2; });
  Instant before = clock_.Now();
  peer.Kill(SIGKILL);
  RunUntil([&] { return reading->end.has_value() && paused->end.has_value(); });
  EXPECT_LT(clock_.Now() - before, milliseconds(500));
  EXPECT_EQ(reading->end->code, StatusCode::kUnavailable) << *reading->end;
  EXPECT_EQ(paused->end->code, StatusCode::kUnavailable) << *paused->end;
}

TEST_F(GrpcNetworkTest, LetsAProcessStopCleanlyOnASignal) {
  Peer peer;
  auto heard = Open(client_, peer.at(), "/test.Peer/Echo");
  heard->stream->Send({Bytes::FromString("hello")});
  RunUntil([&] { return heard->messages.size() == 1; });
  int status = peer.Kill(SIGTERM);
  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  RunUntil([&] { return heard->end.has_value(); });
}

#ifndef WEIR_SANITIZED
TEST_F(GrpcNetworkTest, IsSmallAtRest) {
  Peer peer;
  auto heard = Open(client_, peer.at(), "/test.Peer/Echo");
  heard->stream->Send({Bytes::FromString("hello")});
  RunUntil([&] { return heard->messages.size() == 1; });
  EXPECT_LT(peer.ResidentKilobytes(), 40 << 10);
  EXPECT_GT(peer.ResidentKilobytes(), 0);
}
#endif

}  // namespace
}  // namespace weir::host
