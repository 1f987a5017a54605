// SPDX-License-Identifier: Apache-2.0
// A partition's folder, written or read by Weir alone, for a comparison with Kafka's own tools.
//
//   log_folder write ROOT FOLDER    some segments, producers and epochs, and a clean stop
//   log_folder read ROOT FOLDER     prints what is there; fails where anything is damaged
#include <glog/logging.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "common/host/posix/process.h"
#include "common/records/batch_builder.h"
#include "storage/log/log.h"

namespace weir {
namespace {

constexpr int kBatches = 600;

struct Events : log::LogEvents {
  explicit Events(host::EventLoop& event_loop) : loop(event_loop) {}
  void OnWritten(Offset) override {}
  void OnDurable(Offset end) override {
    if (end >= awaited) loop.Stop();
  }
  void OnFailed(const Error& error) override { LOG(FATAL) << error; }

  host::EventLoop& loop;
  Offset awaited = Offset::Max();
};

class Session {
 public:
  Session(const std::string& root, const std::string& folder)
      : world_({.root = root, .client_id = "log_folder"}), events_(world_.loop()) {
    log::LogOptions options;
    options.roll.bytes = 40'000;
    options.topic = topic_;
    auto opened = Wait<Result<std::unique_ptr<log::Log>>>([&](auto done) {
      log::OpenLog(world_.host(), folder, options, &events_, std::move(done));
    });
    if (!opened && opened.error().message.find("holds records of topic") != std::string::npos) {
      options.topic.reset();
      opened = Wait<Result<std::unique_ptr<log::Log>>>([&](auto done) {
        log::OpenLog(world_.host(), folder, options, &events_, std::move(done));
      });
    }
    CHECK(opened) << opened.error();
    log_ = std::move(*opened);
  }

  void Write() {
    for (int i = 0; i < kBatches; ++i) {
      records::BatchBuilder builder;
      for (int k = 0; k <= i % 3; ++k) {
        builder.Add(WallTime{1'700'000'000'000 + (i * 37) % 1000 + i}, "key " + std::to_string(i),
                    "value " + std::to_string(k));
      }
      if (i % 2 == 0) {
        const int producer = i / 2 % 5;
        builder.SetProducer(ProducerId(1000 + producer), ProducerEpoch(1), sequences_[producer]);
        sequences_[producer] += builder.count();
      }
      auto appended = log_->AppendAsLeader(builder.Build(), LeaderEpoch(1 + i / 250),
                                           log::Origin::kClient, WallTime{1'700'000'100'000});
      CHECK(appended) << appended.error();
    }
    events_.awaited = log_->end();
    world_.loop().Run();
    Wait<Result<void>>([&](auto done) { log_->Close(std::move(done)); });
    std::cout << "records " << log_->end() << "\nbatches " << kBatches << "\n";
  }

  // How many records there are, read whole, checksum by checksum.
  int Read() {
    std::cout << "start " << log_->start() << "\nend " << log_->end() << "\nepochs "
              << log_->epochs() << "\nsegments " << log_->ClosedSegments().size() + 1 << "\n";
    for (const log::Damage& damage : log_->damages()) {
      std::cout << "damaged " << damage.file << " at " << damage.position << ": " << damage.what
                << "\n";
    }
    Offset next = log_->start();
    int64_t records = 0;
    while (next < log_->end()) {
      auto read = Wait<Result<Bytes>>(
          [&](auto done) { log_->Read(next, log_->written(), 1 << 20, std::move(done)); });
      CHECK(read) << read.error();
      CHECK(!read->empty()) << "nothing from offset " << next << " on";
      records::BatchRun run(*read);
      while (true) {
        auto batch = run.Next();
        CHECK(batch) << batch.error();
        if (!*batch) break;
        records += (*batch)->header.count;
        next = (*batch)->header.end_offset();
      }
    }
    std::cout << "records " << records << "\n";
    Wait<Result<void>>([&](auto done) { log_->Close(std::move(done)); });
    return log_->damages().empty() ? 0 : 1;
  }

 private:
  template <class T, class Start>
  T Wait(Start start) {
    std::optional<T> result;
    start([&](T value) {
      result.emplace(std::move(value));
      world_.loop().Stop();
    });
    world_.loop().Run();
    return std::move(*result);
  }

  const std::optional<TopicId> topic_ = TopicId::Parse("VSZ2tVQ3R1yUEnmEVYJQ3A");
  int32_t sequences_[5] = {};
  host::PosixHost world_;
  Events events_;
  std::unique_ptr<log::Log> log_;
};

int Main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: log_folder write|read ROOT FOLDER\n";
    return 2;
  }
  Session session(argv[2], argv[3]);
  if (std::string(argv[1]) == "read") return session.Read();
  session.Write();
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return weir::Main(argc, argv);
}
