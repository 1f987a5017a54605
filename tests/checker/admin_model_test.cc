// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/admin_model.h"

#include <gtest/gtest.h>

namespace weir::checker {
namespace {

using Input = AdminModel::Input;
using Output = AdminModel::Output;
using enum AdminModel::Input::Kind;
using enum AdminModel::Output::How;

TopicId Id(uint64_t number) { return TopicId(Uuid::FromRandom(number, number)); }

// One call after the other, unless it says when.
struct Script {
  AdminHistory history;
  int64_t now = 0;

  Script& Call(Input input, std::optional<Output> output, int64_t lasts = 1) {
    AdminHistory::Call call{.process = 1, .invoked = Instant{++now}, .input = std::move(input)};
    if (output) {
      call.returned = Instant{now + lasts};
      now += 2;
      call.output = std::move(output);
    }
    history.Add("t", std::move(call));
    return *this;
  }
  Script& Create(uint64_t id, int64_t lasts = 1) {
    return Call({.kind = kCreate, .partitions = 2}, Output{kDone, Id(id), 2}, lasts);
  }
  Script& Delete() { return Call({.kind = kDelete}, Output{kDone}); }
  Script& Get(uint64_t id, int32_t partitions = 2) {
    return Call({.kind = kGet}, Output{kDone, Id(id), partitions});
  }
  Script& GetNone() { return Call({.kind = kGet}, Output{kNoTopic}); }
  Script& Set(const std::string& value) {
    return Call({.kind = kConfigure, .set = {{"retention.ms", value}}}, Output{kDone});
  }
  Script& GetConfigs(AdminModel::Configs configs) {
    return Call({.kind = kGetConfigs}, Output{.how = kDone, .configs = std::move(configs)});
  }
  Script& Unknown(Input input) { return Call(std::move(input), std::nullopt); }
  Verdict verdict() const { return history.Judge().verdict; }
};

TEST(AdminModel, ExplainsALife) {
  Script script;
  script.GetNone().Create(1).Get(1).Set("7").GetConfigs({{"retention.ms", "7"}}).Delete();
  script.GetNone().Create(2).Get(2).GetConfigs({});
  EXPECT_EQ(script.verdict(), Verdict::kHolds) << script.history.Judge().words;
}

TEST(AdminModel, RefusesADoubleCreation) {
  EXPECT_EQ(Script().Create(1, 100).Create(2).verdict(), Verdict::kBroken);
}

TEST(AdminModel, RefusesAStaleRead) {
  EXPECT_EQ(Script().Create(1).Delete().Get(1).verdict(), Verdict::kBroken);
  EXPECT_EQ(Script().Create(1).GetNone().verdict(), Verdict::kBroken);
  EXPECT_EQ(Script().Create(1).Set("7").GetConfigs({}).verdict(), Verdict::kBroken);
}

TEST(AdminModel, RefusesThatATopicComesBack) {
  // Nobody knows whether a second one was created: if so, it is not the first one.
  Script script;
  script.Create(1).Delete().Unknown({.kind = kCreate, .partitions = 2}).Get(1);
  EXPECT_EQ(script.verdict(), Verdict::kBroken);
}

TEST(AdminModel, LearnsTheIdentityOfWhatMayHaveBeenCreated) {
  Script script;
  script.Unknown({.kind = kCreate, .partitions = 2}).GetNone().Get(5).Get(5);
  EXPECT_EQ(script.verdict(), Verdict::kHolds);
  EXPECT_EQ(script.Get(6).verdict(), Verdict::kBroken);
}

TEST(AdminModel, RefusesALostUpdate) {
  Script script;
  script.Create(1).Set("7").Set("8").GetConfigs({{"retention.ms", "7"}});
  EXPECT_EQ(script.verdict(), Verdict::kBroken);
}

TEST(AdminModel, RefusesConfigsOfTheTopicBefore) {
  Script script;
  script.Create(1).Set("7").Delete().Create(2).GetConfigs({{"retention.ms", "7"}});
  EXPECT_EQ(script.verdict(), Verdict::kBroken);
}

TEST(AdminModel, RefusesAReadOfWhatWasNeverCommitted) {
  Script script;
  script.Unknown({.kind = kCreate, .partitions = 2}).Get(5).GetNone();
  EXPECT_EQ(script.verdict(), Verdict::kBroken);
}

TEST(AdminModel, GrowsAndNeverShrinks) {
  Script script;
  script.Create(1).Call({.kind = kGrow, .partitions = 4}, Output{kDone}).Get(1, 4);
  script.Call({.kind = kGrow, .partitions = 3}, Output{kTooFew});
  EXPECT_EQ(script.verdict(), Verdict::kHolds);
  EXPECT_EQ(script.Get(1, 2).verdict(), Verdict::kBroken);
}

TEST(AdminModel, TakesARefusalOfAnotherKindForNothing) {
  Script script;
  script.Create(1).Call({.kind = kDelete}, Output{kRefused}).Get(1);
  EXPECT_EQ(script.verdict(), Verdict::kHolds);
  EXPECT_EQ(script.GetNone().verdict(), Verdict::kBroken);
}

TEST(AdminHistory, FindsAnAnswerOfOlderMetadata) {
  AdminHistory history;
  history.Told(Instant{10}, Instant{20}, LogIndex(7));
  history.Told(Instant{15}, Instant{30}, LogIndex(5));
  EXPECT_EQ(history.Judge().verdict, Verdict::kHolds) << "they overlap";
  history.Told(Instant{25}, Instant{40}, LogIndex(6));
  Judgement judgement = history.Judge();
  EXPECT_EQ(judgement.verdict, Verdict::kBroken);
  EXPECT_NE(judgement.words.find("speaks of metadata index 6"), std::string::npos)
      << judgement.words;
}

TEST(AdminHistory, SaysInWordsWhatCannotBeExplained) {
  Script script;
  script.Create(1).Delete().Get(1);
  std::string words = script.history.Judge().words;
  EXPECT_NE(words.find("t: answer 3 of 3 cannot be explained"), std::string::npos) << words;
  EXPECT_NE(words.find("get -> done"), std::string::npos) << words;
  EXPECT_NE(words.find("leaves no topic"), std::string::npos) << words;
}

}  // namespace
}  // namespace weir::checker
