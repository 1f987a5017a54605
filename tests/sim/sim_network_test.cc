// SPDX-License-Identifier: Apache-2.0
// What kills, pauses and cuts do to calls and streams; the rest is in the host's contract.
#include "tests/sim/sim_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/sim/world.h"

namespace weir::sim {
namespace {

using host::CallStatus;
using host::StatusCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Ear : host::StreamEvents {
  std::shared_ptr<host::Stream> stream;
  std::vector<std::string> messages;
  std::vector<StatusCode> ends;
  void OnMessage(Bytes message) override { messages.push_back(message.ToString()); }
  void OnEnd(CallStatus status) override { ends.push_back(status.code); }
};

// A client and a server that echoes calls and hears streams.
class SimNetworkTest : public testing::Test {
 protected:
  SimNetworkTest() {
    Serve();
    ear_->stream = client_.host().network.Open("server:1", "/t.T/Stream", ear_);
    EXPECT_TRUE(world_.RunUntil([&] { return served_ != nullptr; }));
  }
  void Serve() {
    auto listening = server_.host().network.Listen(
        "server:1",
        {{"/t.T/Call", host::UnaryMethod([this](const host::Caller&, Bytes request, auto reply) {
            ++calls_served_;
            reply(CallStatus::Ok(), {std::move(request)});
          })},
         {"/t.T/Hang", host::UnaryMethod([this](const host::Caller&, Bytes, auto reply) {
            hanging_.push_back(std::move(reply));
          })},
         {"/t.T/Stream", host::StreamMethod([this](const host::Caller&, auto stream) {
            served_ = std::make_shared<Ear>();
            served_->stream = std::move(stream);
            return served_;
          })}});
    EXPECT_TRUE(listening.has_value());
  }
  void Send(const std::string& text) { ear_->stream->Send({Bytes::FromString(text)}); }
  // Begins a call whose end is noted in `ended_`.
  void Call(const std::string& method, Duration timeout = seconds(10)) {
    client_.host().network.Call("server:1", method, {}, timeout, [this](CallStatus status, Bytes) {
      ended_.push_back(status.code);
    });
  }

  World world_{11};
  Process& client_ = world_.AddProcess("client");
  Process& server_ = world_.AddProcess("server");
  std::shared_ptr<Ear> ear_ = std::make_shared<Ear>();
  std::shared_ptr<Ear> served_;
  std::vector<host::Reply> hanging_;
  std::vector<StatusCode> ended_;
  int calls_served_ = 0;
};

TEST_F(SimNetworkTest, TellsThePeersOfAKilledServerSoon) {
  Call("/t.T/Hang");
  world_.RunFor(milliseconds(5));
  ASSERT_EQ(hanging_.size(), 1u);
  server_.Kill();
  world_.RunFor(milliseconds(5));
  EXPECT_EQ(ear_->ends, std::vector{StatusCode::kUnavailable});
  EXPECT_EQ(ended_, std::vector{StatusCode::kUnavailable});
  EXPECT_TRUE(served_->ends.empty()) << "the dead hear nothing";
  Call("/t.T/Call");
  world_.RunFor(milliseconds(5));
  EXPECT_EQ(ended_.back(), StatusCode::kUnavailable);
}

TEST_F(SimNetworkTest, TellsAServerOfItsKilledClient) {
  client_.Kill();
  world_.RunFor(milliseconds(5));
  EXPECT_EQ(served_->ends, std::vector{StatusCode::kCancelled});
  EXPECT_TRUE(ear_->ends.empty());
}

TEST_F(SimNetworkTest, LeavesPeersInSilenceAfterALossOfPower) {
  server_.PowerLoss();
  world_.RunFor(seconds(4));
  EXPECT_TRUE(ear_->ends.empty());
  world_.RunFor(seconds(2));
  EXPECT_EQ(ear_->ends, std::vector{StatusCode::kUnavailable});
}

TEST_F(SimNetworkTest, BreaksOldStreamsWhenAMachineIsBack) {
  server_.PowerLoss();
  world_.RunFor(seconds(1));
  server_.Restart();
  world_.RunFor(milliseconds(100));
  EXPECT_EQ(ear_->ends, std::vector{StatusCode::kUnavailable});
}

TEST_F(SimNetworkTest, ServesAgainAfterARestart) {
  server_.Kill();
  server_.Restart();
  Serve();
  Call("/t.T/Call");
  world_.RunFor(milliseconds(5));
  EXPECT_EQ(ended_, std::vector{StatusCode::kOk});
}

TEST_F(SimNetworkTest, DeliversAfterAPauseWhatCameMeanwhile) {
  server_.Pause();
  Send("1");
  Send("2");
  Call("/t.T/Call");
  world_.RunFor(seconds(1));
  EXPECT_TRUE(served_->messages.empty());
  EXPECT_TRUE(ended_.empty());
  server_.Resume();
  world_.RunFor(milliseconds(5));
  EXPECT_EQ(served_->messages, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(ended_, std::vector{StatusCode::kOk});
}

TEST_F(SimNetworkTest, BreaksWhatCrossesACutThatBreaks) {
  Call("/t.T/Hang");
  world_.RunFor(milliseconds(5));
  world_.network().CutOneWay("client", "server", CutKind::kBreaks);
  world_.RunFor(milliseconds(100));
  EXPECT_EQ(ear_->ends, std::vector{StatusCode::kUnavailable});
  EXPECT_EQ(served_->ends, std::vector{StatusCode::kCancelled});
  EXPECT_EQ(ended_, std::vector{StatusCode::kUnavailable});
  Call("/t.T/Call");
  auto again = std::make_shared<Ear>();
  again->stream = client_.host().network.Open("server:1", "/t.T/Stream", again);
  world_.RunFor(milliseconds(100));
  EXPECT_EQ(ended_.back(), StatusCode::kUnavailable);
  EXPECT_EQ(again->ends, std::vector{StatusCode::kUnavailable});
  world_.network().Heal("client", "server");
  Call("/t.T/Call");
  world_.RunFor(milliseconds(5));
  EXPECT_EQ(ended_.back(), StatusCode::kOk);
}

TEST_F(SimNetworkTest, HoldsInSilenceWhatCrossesACutThatStalls) {
  world_.network().CutOneWay("client", "server", CutKind::kStalls);
  Send("1");
  Send("2");
  Call("/t.T/Call", seconds(1));
  served_->stream->Send({Bytes::FromString("the other way is open")});
  world_.RunFor(seconds(2));
  EXPECT_TRUE(served_->messages.empty());
  EXPECT_TRUE(ear_->ends.empty());
  EXPECT_EQ(ear_->messages.size(), 1u);
  EXPECT_EQ(ended_, std::vector{StatusCode::kDeadlineExceeded});
  world_.network().Heal("client", "server");
  world_.RunFor(milliseconds(5));
  EXPECT_EQ(served_->messages, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(calls_served_, 1) << "it was on its way, though its client has given up";
  EXPECT_EQ(ended_.size(), 1u);
}

TEST_F(SimNetworkTest, LetsCallsOvertakeEachOtherAndNeverTheMessagesOfAStream) {
  world_.network().SetDelay("client", "server", Duration(0), milliseconds(50));
  for (int i = 0; i < 50; ++i) Send(std::to_string(i));
  std::vector<int> answered;
  for (int i = 0; i < 50; ++i) {
    client_.host().network.Call("server:1", "/t.T/Call", {}, seconds(10),
                                [&answered, i](CallStatus, Bytes) { answered.push_back(i); });
  }
  world_.RunFor(seconds(5));
  ASSERT_EQ(served_->messages.size(), 50u);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(served_->messages[i], std::to_string(i));
  EXPECT_EQ(answered.size(), 50u);
  EXPECT_FALSE(std::ranges::is_sorted(answered));
}

TEST_F(SimNetworkTest, BreaksStreamsByChance) {
  world_.network().SetStreamBreaks(0.1);
  for (int i = 0; i < 200; ++i) Send("x");
  world_.RunFor(milliseconds(100));
  EXPECT_EQ(ear_->ends, std::vector{StatusCode::kUnavailable});
  EXPECT_EQ(served_->ends, std::vector{StatusCode::kCancelled});
  EXPECT_LT(served_->messages.size(), 200u);
}

TEST_F(SimNetworkTest, CopiesAMessageWhenItIsSent) {
  auto text = std::make_shared<std::string>("before");
  ear_->stream->Send({Bytes(text, *text)});
  *text = "after!";
  world_.RunFor(milliseconds(5));
  EXPECT_EQ(served_->messages, std::vector<std::string>{"before"});
}

TEST_F(SimNetworkTest, TellsWhetherAProcessIsServing) {
  EXPECT_FALSE(server_.serving());
  server_.host().network.SetServing(true);
  EXPECT_TRUE(server_.serving());
  server_.Kill();
  EXPECT_FALSE(server_.serving());
}

}  // namespace
}  // namespace weir::sim
