// SPDX-License-Identifier: Apache-2.0
#include "bench/metadata/pushes.h"

#include <glog/logging.h>

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bench/metadata/made_cluster.h"
#include "common/edge/methods.h"
#include "common/host/posix/process.h"
#include "common/metadata/apply.h"
#include "controller/service/sessions.h"

namespace weir::bench {
namespace {

using metadata::Image;
namespace v1 = metadata::v1;

// Commits what is appended when it is told to.
class OneVoterLog final : public machine::MachineLog {
 public:
  explicit OneVoterLog(int64_t last) : last_(last) {}
  std::optional<int64_t> Append(int64_t epoch, Bytes entry) override {
    waiting_.push_back({{++last_, epoch}, std::move(entry)});
    return last_;
  }
  void CommitAll(machine::LogEvents& events) {
    for (auto& [position, entry] : std::exchange(waiting_, {})) {
      events.OnCommitted(position, std::move(entry));
    }
  }

 private:
  int64_t last_;
  std::vector<std::pair<machine::Position, Bytes>> waiting_;
};

// Takes what is sent, and remembers where the bytes lay.
class Sink final : public host::Stream {
 public:
  explicit Sink(std::vector<const char*>* sent) : sent_(sent) {}
  void Send(Pieces message) override {
    for (const Bytes& piece : message) sent_->push_back(piece.data());
  }
  size_t queued_bytes() const override { return 0; }
  void Finish(host::CallStatus) override {}
  void PauseReading() override {}
  void ResumeReading() override {}

 private:
  std::vector<const char*>* const sent_;
};

// One active controller with the sessions of nodes.
class Pushing {
 public:
  Pushing(Image image, int sessions)
      : image_(std::move(image)),
        log_(image_.index.value()),
        driver_(decide::MetadataMachine(ControllerId(1)), log_, sessions_,
                [this](Task0 task) { tasks_.push_back(std::move(task)); }, image_,
                {image_.index.value(), image_.term.value()}) {
    sessions_.Serve(&driver_);
    driver_.OnLeading(image_.term.value() + 1);
    Run();
    for (int i = 0; i < sessions; ++i) Open(1000 + i);
    CHECK_EQ(sessions_.size(), static_cast<size_t>(sessions));
  }

  PushCost Push(int count) {
    std::vector<Image> versions{driver_.committed()};
    std::vector<Bytes> entries;
    for (int i = 0; i < count; ++i) {
      v1::Entry entry;
      *entry.add_records() = LeaderMoves(versions.back(), static_cast<uint64_t>(i));
      entries.push_back(driver_.machine().Encode(entry));
      versions.push_back(metadata::Apply(
          versions.back(), entry, metadata::NextIndex(versions.back()), Term(driver_.epoch())));
    }
    Duration took{};
    size_t copies = 0;
    for (size_t i = 0; i < entries.size(); ++i) {
      sent_.clear();
      const Image& after = versions[i + 1];
      Instant start = world_.host().clock.Now();
      sessions_.OnPublished(versions[i], after, {after.index.value(), after.term.value()},
                            entries[i]);
      took += world_.host().clock.Now() - start;
      CHECK_GE(sent_.size(), sessions_.size());
      size_t pieces = sent_.size() / sessions_.size();
      copies += std::set<const char*>(sent_.begin(), sent_.end()).size() - pieces;
    }
    return {static_cast<double>(took.count()) / 1e3 / count, static_cast<double>(copies) / count};
  }

 private:
  void Open(int32_t node) {
    streams_.push_back(sessions_.Method()({}, std::make_shared<Sink>(&sent_)));
    node::v1::FromNode message;
    auto* hello = message.mutable_register_();
    hello->set_node_id(node);
    hello->set_incarnation(std::string(16, 'i'));
    hello->add_directories(std::string(15, 'd') + static_cast<char>(node));
    auto* feature = hello->add_features();
    feature->set_name("metadata");
    feature->set_min_level(1);
    feature->set_max_level(1);
    streams_.back()->OnMessage(edge::Encode(message).front());
    Run();
  }

  // All that is to be committed, and what comes of it.
  void Run() {
    log_.CommitAll(driver_);
    while (!tasks_.empty()) {
      Task0 task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
      log_.CommitAll(driver_);
    }
  }

  host::PosixHost world_{host::PosixHost::Config{}};
  Image image_;
  OneVoterLog log_;
  std::deque<Task0> tasks_;
  service::ActiveController active_{[] { return std::nullopt; }};
  service::Sessions sessions_{world_.host(), &active_};
  service::MetadataDriver driver_;
  std::vector<const char*> sent_;
  std::vector<std::shared_ptr<host::StreamEvents>> streams_;
};

}  // namespace

PushCost CostOfPushes(Image image, int sessions, int entries) {
  Pushing pushing(std::move(image), sessions);
  PushCost cost = pushing.Push(entries);
  return cost;
}

}  // namespace weir::bench
