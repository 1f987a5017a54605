// SPDX-License-Identifier: Apache-2.0
// What every Network keeps: process 0 calls, process 1 serves.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/host/contract/contract_world.h"

namespace weir::host {

// One end of a stream, and all that it has heard.
struct HeardStream : StreamEvents {
  std::shared_ptr<Stream> stream;
  std::vector<std::string> messages;
  int drained = 0;
  int peer_finished = 0;
  std::vector<CallStatus> ends;
  // What to do with a message, after it was noted.
  std::function<void(const std::string&)> on_message;
  std::function<void()> on_peer_finished;

  void OnMessage(Bytes message) override {
    EXPECT_TRUE(ends.empty()) << "a message after the end";
    messages.push_back(message.ToString());
    if (on_message) on_message(messages.back());
  }
  void OnDrained() override {
    EXPECT_TRUE(ends.empty()) << "drained after the end";
    ++drained;
  }
  void OnPeerFinished() override {
    EXPECT_TRUE(ends.empty()) << "a half close after the end";
    ++peer_finished;
    if (on_peer_finished) on_peer_finished();
  }
  void OnEnd(CallStatus status) override { ends.push_back(std::move(status)); }

  bool ended() const { return !ends.empty(); }
  StatusCode code() const { return ends.empty() ? StatusCode::kUnknown : ends.front().code; }
};

class NetworkContract : public HostContract {
 protected:
  using Heard = std::shared_ptr<HeardStream>;

  struct UnaryAnswer {
    CallStatus status;
    std::string text;
  };

  static constexpr auto kPatience = std::chrono::seconds(10);
  static Pieces Text(std::string text) { return {Bytes::FromString(std::move(text))}; }

  // Serves `methods` in process 1.
  Endpoint Serve(Methods methods) {
    Endpoint at = FreeEndpoint(1);
    Result<Endpoint> listening = at;
    OnStrand(1, [&] { listening = network(1).Listen(at, std::move(methods)); });
    EXPECT_TRUE(listening.has_value()) << listening.error();
    return listening.value_or(at);
  }

  // Serves a stream whose ends are kept in `accepted_`; `prepare` sees each before it hears.
  Endpoint ServeStreams(std::function<void(HeardStream&)> prepare = {}) {
    return Serve({{"/test.Echo/Stream",
                   StreamMethod([this, prepare](const Caller&, std::shared_ptr<Stream> stream) {
                     auto heard = std::make_shared<HeardStream>();
                     heard->stream = std::move(stream);
                     if (prepare) prepare(*heard);
                     accepted_.push_back(heard);
                     return heard;
                   })}});
  }

  UnaryAnswer Call(const Endpoint& to, const std::string& method, Pieces request,
                   Duration timeout = kPatience) {
    auto answers = std::make_shared<std::vector<UnaryAnswer>>();
    OnStrand([&] {
      network(0).Call(to, method, std::move(request), timeout,
                      [answers](CallStatus status, Bytes answer) {
                        answers->push_back({std::move(status), answer.ToString()});
                      });
      EXPECT_TRUE(answers->empty()) << "called back within the call";
    });
    EXPECT_TRUE(RunUntil([answers] { return !answers->empty(); })) << "nobody called back";
    EXPECT_EQ(answers->size(), 1u);
    return answers->empty() ? UnaryAnswer{} : answers->front();
  }

  Heard Open(const Endpoint& to, const std::string& method = "/test.Echo/Stream") {
    auto heard = std::make_shared<HeardStream>();
    OnStrand([&] {
      heard->stream = network(0).Open(to, method, heard);
      EXPECT_FALSE(heard->ended()) << "called back within the call";
    });
    opened_.push_back(heard);
    return heard;
  }
  void Send(int process, const Heard& end, const std::string& text) {
    OnStrand(process, [&] { end->stream->Send(Text(text)); });
  }
  void Finish(int process, const Heard& end, CallStatus status) {
    OnStrand(process, [&] { end->stream->Finish(std::move(status)); });
  }
  void LetGo(int process, const Heard& end) {
    OnStrand(process, [&] { end->stream.reset(); });
  }
  // Waits until the server has heard of `count` streams.
  bool Accepted(size_t count) {
    return RunUntil([this, count] { return accepted_.size() >= count; });
  }

  void TearDown() override {
    for (auto& end : opened_) LetGo(0, end);
    for (auto& end : accepted_) LetGo(1, end);
    EXPECT_TRUE(RunUntil([this] {
      for (auto& end : opened_) {
        if (!end->ended()) return false;
      }
      for (auto& end : accepted_) {
        if (!end->ended()) return false;
      }
      return true;
    })) << "a stream that nobody holds has not ended";
    for (auto& end : opened_) EXPECT_EQ(end->ends.size(), 1u) << "ended more than once";
    for (auto& end : accepted_) EXPECT_EQ(end->ends.size(), 1u) << "ended more than once";
  }

  // At the server, in the order they came; and the clients' ends.
  std::vector<Heard> accepted_;
  std::vector<Heard> opened_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NetworkContract);

// ---- Calls

TEST_P(NetworkContract, AnswersACall) {
  auto address = std::make_shared<std::string>();
  Endpoint at = Serve(
      {{"/test.Echo/Say", UnaryMethod([address](const Caller& caller, Bytes request, Reply reply) {
          *address = caller.address;
          Pieces answer{Bytes::FromString("you said "), std::move(request)};
          reply(CallStatus::Ok(), std::move(answer));
        })}});
  UnaryAnswer answer =
      Call(at, "/test.Echo/Say", {Bytes::FromString("he"), Bytes::FromString("y")});
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_EQ(answer.text, "you said hey");
  EXPECT_NE(*address, "");
}

TEST_P(NetworkContract, AnswersLaterAndOutOfOrder) {
  auto replies = std::make_shared<std::vector<Reply>>();
  Endpoint at = Serve({{"/test.Echo/Say", UnaryMethod([replies](const Caller&, Bytes, Reply reply) {
                          replies->push_back(std::move(reply));
                        })}});
  auto answered = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < 2; ++i) {
    OnStrand([&] {
      network(0).Call(at, "/test.Echo/Say", {}, kPatience, [answered](CallStatus, Bytes answer) {
        answered->push_back(answer.ToString());
      });
    });
    size_t expected = static_cast<size_t>(i) + 1;
    ASSERT_TRUE(RunUntil([&] { return replies->size() == expected; }));
  }
  for (size_t i : {1, 0}) {
    OnStrand(1, [&] { replies->at(i)(CallStatus::Ok(), Text(std::to_string(i))); });
    ASSERT_TRUE(RunUntil([&] { return answered->size() == 2 - i; }));
  }
  EXPECT_EQ(*answered, (std::vector<std::string>{"1", "0"}));
  OnStrand(1, [&] { replies->clear(); });
}

TEST_P(NetworkContract, CarriesAStatusWholeWithItsDetails) {
  CallStatus refused{StatusCode::kFailedPrecondition,
                     "not \xc3\xbc"
                     "ber there",
                     std::string("\0\x01z", 3)};
  Endpoint at =
      Serve({{"/test.Echo/Say",
              UnaryMethod([refused](const Caller&, Bytes, Reply reply) { reply(refused, {}); })}});
  UnaryAnswer answer = Call(at, "/test.Echo/Say", {});
  EXPECT_EQ(answer.status.code, refused.code);
  EXPECT_EQ(answer.status.message, refused.message);
  EXPECT_EQ(answer.status.details, refused.details);
  EXPECT_EQ(answer.text, "");
}

TEST_P(NetworkContract, CarriesEmptyAndLargeMessages) {
  Endpoint at =
      Serve({{"/test.Echo/Say", UnaryMethod([](const Caller&, Bytes request, Reply reply) {
                reply(CallStatus::Ok(), {std::move(request)});
              })}});
  EXPECT_EQ(Call(at, "/test.Echo/Say", {}).text, "");
  std::string large(3'000'000, 'x');
  large[1'234'567] = 'y';
  EXPECT_TRUE(Call(at, "/test.Echo/Say", Text(large)).text == large);
}

TEST_P(NetworkContract, AnswersUnavailableWhereNobodyListens) {
  EXPECT_EQ(Call(FreeEndpoint(1), "/test.Echo/Say", {}).status.code, StatusCode::kUnavailable);
}

TEST_P(NetworkContract, AnswersUnimplementedForAMethodThatIsNotThere) {
  Endpoint at = ServeStreams();
  EXPECT_EQ(Call(at, "/test.Echo/Missing", {}).status.code, StatusCode::kUnimplemented);
  EXPECT_EQ(Call(at, "/other.Service/Say", {}).status.code, StatusCode::kUnimplemented);
}

TEST_P(NetworkContract, AnswersUnavailableWhereTheReplyWasDropped) {
  Endpoint at = Serve({{"/test.Echo/Say", UnaryMethod([](const Caller&, Bytes, Reply) {})}});
  EXPECT_EQ(Call(at, "/test.Echo/Say", {}).status.code, StatusCode::kUnavailable);
}

TEST_P(NetworkContract, GivesUpACallAfterItsTimeout) {
  auto replies = std::make_shared<std::vector<Reply>>();
  Endpoint at = Serve({{"/test.Echo/Say", UnaryMethod([replies](const Caller&, Bytes, Reply reply) {
                          replies->push_back(std::move(reply));
                        })}});
  UnaryAnswer answer = Call(at, "/test.Echo/Say", {}, std::chrono::milliseconds(50));
  EXPECT_EQ(answer.status.code, StatusCode::kDeadlineExceeded);
  // An answer that comes too late is heard by nobody.
  OnStrand(1, [&] {
    for (Reply& reply : *replies) reply(CallStatus::Ok(), Text("late"));
    replies->clear();
  });
  Pass(std::chrono::milliseconds(10));
}

TEST_P(NetworkContract, TakesAFreePortAndRefusesATakenOne) {
  Endpoint wanted = FreeEndpoint(1);
  Endpoint any = wanted.substr(0, wanted.rfind(':')) + ":0";
  Endpoint at;
  auto methods = [] {
    return Methods{{"/test.Echo/Say", UnaryMethod([](const Caller&, Bytes, Reply reply) {
                      reply(CallStatus::Ok(), Text("here"));
                    })}};
  };
  OnStrand(1, [&] {
    auto listening = network(1).Listen(any, methods());
    ASSERT_TRUE(listening.has_value()) << listening.error();
    at = *listening;
    auto again = network(1).Listen(at, methods());
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().kind, Error::Kind::kInUse) << again.error();
  });
  EXPECT_NE(at, any);
  EXPECT_EQ(Call(at, "/test.Echo/Say", {}).text, "here");
}

// ---- Streams

TEST_P(NetworkContract, CarriesMessagesBothWaysInOrder) {
  Endpoint at = ServeStreams([](HeardStream& server) {
    server.on_message = [&server](const std::string& text) {
      server.stream->Send(Text(text + "!"));
    };
  });
  Heard client = Open(at);
  std::vector<std::string> expected;
  OnStrand([&] {
    for (int i = 0; i < 500; ++i) {
      client->stream->Send(Text(std::to_string(i)));
      expected.push_back(std::to_string(i) + "!");
    }
  });
  ASSERT_TRUE(RunUntil([&] { return client->messages.size() >= 500; }));
  EXPECT_EQ(client->messages, expected);
  EXPECT_FALSE(client->ended());
}

TEST_P(NetworkContract, CarriesEmptyAndLargeMessagesOnAStream) {
  Endpoint at = ServeStreams();
  Heard client = Open(at);
  std::string large(2'000'000, 'x');
  for (const std::string& text : {std::string(), large, std::string(), std::string("z")}) {
    Send(0, client, text);
  }
  ASSERT_TRUE(
      RunUntil([&] { return accepted_.size() == 1 && accepted_[0]->messages.size() == 4; }));
  EXPECT_EQ(accepted_[0]->messages[0], "");
  EXPECT_TRUE(accepted_[0]->messages[1] == large);
  EXPECT_EQ(accepted_[0]->messages[3], "z");
}

TEST_P(NetworkContract, TellsTheServerOfAHalfCloseAfterAllMessages) {
  Endpoint at = ServeStreams([](HeardStream& server) {
    server.on_peer_finished = [&server] {
      EXPECT_EQ(server.messages.size(), 3u);
      server.stream->Send(Text("got " + std::to_string(server.messages.size())));
      server.stream->Finish({StatusCode::kAborted, "done", "details"});
    };
  });
  Heard client = Open(at);
  OnStrand([&] {
    for (int i = 0; i < 3; ++i) client->stream->Send(Text("m"));
    client->stream->Finish(CallStatus::Ok());
    client->stream->Send(Text("after the finish, to nobody"));
  });
  ASSERT_TRUE(RunUntil([&] { return client->ended(); }));
  EXPECT_EQ(client->messages, std::vector<std::string>{"got 3"});
  EXPECT_EQ(client->ends.front(), (CallStatus{StatusCode::kAborted, "done", "details"}));
  EXPECT_EQ(accepted_.at(0)->peer_finished, 1);
  EXPECT_TRUE(RunUntil([&] { return accepted_[0]->ended(); }));
}

TEST_P(NetworkContract, DeliversWhatWasSentBeforeTheServersFinish) {
  Endpoint at = ServeStreams();
  Heard client = Open(at);
  ASSERT_TRUE(Accepted(1));
  OnStrand(1, [&] {
    for (int i = 0; i < 100; ++i) accepted_[0]->stream->Send(Text(std::string(5000, 'x')));
    accepted_[0]->stream->Finish(CallStatus::Ok());
    // The server needs its handle no more.
    accepted_[0]->stream.reset();
  });
  ASSERT_TRUE(RunUntil([&] { return client->ended(); }));
  EXPECT_EQ(client->messages.size(), 100u);
  EXPECT_TRUE(client->ends.front().ok()) << client->ends.front();
}

TEST_P(NetworkContract, LetsAServerFinishAStreamAtOnce) {
  Endpoint at = ServeStreams([](HeardStream& server) {
    server.stream->Finish({StatusCode::kPermissionDenied, "not you"});
  });
  Heard client = Open(at);
  ASSERT_TRUE(RunUntil([&] { return client->ended(); }));
  EXPECT_EQ(client->code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(client->ends.front().message, "not you");
}

TEST_P(NetworkContract, TellsAServerThatFinishesWithinAMessageOfTheEnd) {
  Endpoint at = ServeStreams([](HeardStream& heard) {
    heard.on_message = [&heard](const std::string&) {
      heard.stream->Finish(CallStatus{StatusCode::kAlreadyExists, "taken", ""});
    };
  });
  Heard client = Open(at);
  Send(0, client, "hello");
  EXPECT_TRUE(RunUntil([&] { return client->ended(); }));
  EXPECT_EQ(client->code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(RunUntil([&] { return accepted_.size() == 1 && accepted_[0]->ended(); }))
      << "whoever served the stream is never let go";
}

TEST_P(NetworkContract, EndsAStreamUnavailableWhereNobodyListens) {
  Heard client = Open(FreeEndpoint(1));
  Send(0, client, "to nobody");
  ASSERT_TRUE(RunUntil([&] { return client->ended(); }));
  EXPECT_EQ(client->code(), StatusCode::kUnavailable);
}

TEST_P(NetworkContract, EndsAStreamUnimplementedWhereTheMethodIsNotThere) {
  Endpoint at = ServeStreams();
  Heard client = Open(at, "/test.Echo/Missing");
  ASSERT_TRUE(RunUntil([&] { return client->ended(); }));
  EXPECT_EQ(client->code(), StatusCode::kUnimplemented);
}

TEST_P(NetworkContract, CancelsAStreamThatItsClientFinishesWithAnError) {
  Endpoint at = ServeStreams();
  Heard client = Open(at);
  ASSERT_TRUE(Accepted(1));
  Finish(0, client, {StatusCode::kCancelled, "enough"});
  ASSERT_TRUE(RunUntil([&] { return client->ended() && accepted_[0]->ended(); }));
  EXPECT_EQ(client->code(), StatusCode::kCancelled);
  EXPECT_EQ(accepted_[0]->code(), StatusCode::kCancelled);
  EXPECT_EQ(accepted_[0]->peer_finished, 0);
}

TEST_P(NetworkContract, CancelsAStreamThatItsClientLetsGo) {
  Endpoint at = ServeStreams();
  Heard client = Open(at);
  ASSERT_TRUE(Accepted(1));
  LetGo(0, client);
  ASSERT_TRUE(RunUntil([&] { return client->ended() && accepted_[0]->ended(); }));
  EXPECT_EQ(client->code(), StatusCode::kCancelled);
  EXPECT_EQ(accepted_[0]->code(), StatusCode::kCancelled);
}

TEST_P(NetworkContract, EndsAStreamThatItsServerLetsGo) {
  Endpoint at = ServeStreams();
  Heard client = Open(at);
  ASSERT_TRUE(Accepted(1));
  LetGo(1, accepted_[0]);
  ASSERT_TRUE(RunUntil([&] { return client->ended() && accepted_[0]->ended(); }));
  EXPECT_FALSE(client->ends.front().ok());
}

TEST_P(NetworkContract, DoesNothingOnAStreamThatHasEnded) {
  Endpoint at = ServeStreams();
  Heard client = Open(at);
  ASSERT_TRUE(Accepted(1));
  Finish(1, accepted_[0], CallStatus::Ok());
  ASSERT_TRUE(RunUntil([&] { return client->ended() && accepted_[0]->ended(); }));
  OnStrand([&] {
    client->stream->Send(Text("late"));
    client->stream->PauseReading();
    client->stream->ResumeReading();
    client->stream->Finish({StatusCode::kAborted, "late"});
    EXPECT_EQ(client->stream->queued_bytes(), 0u);
  });
  Pass(std::chrono::milliseconds(5));
  EXPECT_EQ(accepted_[0]->messages.size(), 0u);
}

TEST_P(NetworkContract, CountsWhatIsQueuedAndTellsWhenItIsDrained) {
  Endpoint at = ServeStreams();
  Heard client = Open(at);
  OnStrand([&] {
    client->stream->Send(Text(std::string(1000, 'x')));
    EXPECT_EQ(client->stream->queued_bytes(), 1000u);
    EXPECT_EQ(client->drained, 0) << "called back within the call";
  });
  ASSERT_TRUE(RunUntil([&] { return client->drained > 0; }));
  OnStrand([&] { EXPECT_EQ(client->stream->queued_bytes(), 0u); });
}

TEST_P(NetworkContract, HoldsTheSenderBackWhileTheReceiverDoesNotRead) {
  Endpoint at = ServeStreams([](HeardStream& server) { server.stream->PauseReading(); });
  Heard client = Open(at);
  ASSERT_TRUE(Accepted(1));
  constexpr int kMessages = 256;
  OnStrand([&] {
    for (int i = 0; i < kMessages; ++i) client->stream->Send(Text(std::string(65536, 'x')));
  });
  Pass(std::chrono::milliseconds(100));
  EXPECT_TRUE(accepted_[0]->messages.empty());
  OnStrand([&] { EXPECT_GT(client->stream->queued_bytes(), 8u * 1024 * 1024); });
  EXPECT_EQ(client->drained, 0);
  OnStrand(1, [&] {
    accepted_[0]->stream->ResumeReading();
    EXPECT_TRUE(accepted_[0]->messages.empty()) << "called back within the call";
  });
  ASSERT_TRUE(RunUntil([&] { return accepted_[0]->messages.size() == kMessages; }));
  ASSERT_TRUE(RunUntil([&] { return client->drained == 1; }));
}

TEST_P(NetworkContract, StopsAtAPauseInTheMiddleOfMessages) {
  Endpoint at = ServeStreams([](HeardStream& server) {
    server.on_message = [&server](const std::string&) { server.stream->PauseReading(); };
  });
  Heard client = Open(at);
  OnStrand([&] {
    for (int i = 0; i < 5; ++i) client->stream->Send(Text(std::to_string(i)));
  });
  for (size_t count = 1; count <= 5; ++count) {
    ASSERT_TRUE(
        RunUntil([&] { return accepted_.size() == 1 && accepted_[0]->messages.size() == count; }));
    Pass(std::chrono::milliseconds(2));
    EXPECT_EQ(accepted_[0]->messages.size(), count);
    OnStrand(1, [&] { accepted_[0]->stream->ResumeReading(); });
  }
  EXPECT_EQ(accepted_[0]->messages, (std::vector<std::string>{"0", "1", "2", "3", "4"}));
}

TEST_P(NetworkContract, TellsAPausedClientOfAnEndWithNothingBeforeIt) {
  Endpoint at = ServeStreams();
  Heard client = Open(at);
  OnStrand([&] { client->stream->PauseReading(); });
  ASSERT_TRUE(Accepted(1));
  Finish(1, accepted_[0], {StatusCode::kAborted, "over"});
  ASSERT_TRUE(RunUntil([&] { return client->ended(); }));
  EXPECT_EQ(client->code(), StatusCode::kAborted);
}

TEST_P(NetworkContract, HoldsWhoHearsUntilTheEndAndNoLonger) {
  Endpoint at = ServeStreams();
  std::weak_ptr<HeardStream> watched;
  OnStrand([&] {
    auto heard = std::make_shared<HeardStream>();
    watched = heard;
    // It holds its own stream: a circle that the end must break.
    heard->stream = network(0).Open(at, "/test.Echo/Stream", heard);
  });
  ASSERT_TRUE(Accepted(1));
  EXPECT_FALSE(watched.expired());
  OnStrand([&] {
    if (auto heard = watched.lock()) heard->stream.reset();
  });
  EXPECT_TRUE(RunUntil([&] { return watched.expired(); }));
}

TEST_P(NetworkContract, KeepsManyStreamsApart) {
  Endpoint at = ServeStreams([](HeardStream& server) {
    server.on_message = [&server](const std::string& text) { server.stream->Send(Text(text)); };
  });
  std::vector<Heard> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Open(at));
  for (size_t i = 0; i < clients.size(); ++i) Send(0, clients[i], "to " + std::to_string(i));
  for (size_t i = 0; i < clients.size(); ++i) {
    ASSERT_TRUE(RunUntil([&] { return clients[i]->messages.size() == 1; }));
    EXPECT_EQ(clients[i]->messages[0], "to " + std::to_string(i));
  }
}

}  // namespace weir::host
