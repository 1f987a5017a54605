// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/commands.h"
#include "cli/leader_call.h"
#include "cli/moment.h"
#include "cli/record_format.h"
#include "client/driver/consumer.h"

namespace weir::cli {
namespace {

struct ConsumeOptions {
  std::string topic;
  bool from_beginning = false;
  int64_t offset = -1;
  std::string from_time;
  int partition = -1;
  bool follow = false;
  int64_t count = -1;
  std::string rack;
  std::string print = "%v\\n";
};

// What was said of it, and nothing more once `count` is printed.
struct Printing {
  RecordFormat format;
  std::string topic;
  int64_t left;
  std::string buffer;

  // False: enough.
  bool Print(PartitionIndex partition, const std::vector<client::ReadRecord>& records) {
    for (const client::ReadRecord& record : records) {
      if (left == 0) break;
      if (left > 0) --left;
      format.Print(buffer, topic, partition, record);
    }
    std::cout << buffer << std::flush;
    buffer.clear();
    return left != 0 && std::cout.good();
  }
};

client::ConsumerConfig ConfigOf(const ConsumeOptions& options) {
  using Start = client::ConsumerConfig::Start;
  client::ConsumerConfig config{
      .topic = options.topic, .rack = options.rack, .until_end = !options.follow};
  if (options.partition >= 0) config.partitions.insert(PartitionIndex(options.partition));
  if (options.offset >= 0) {
    config.start = Start::kOffset;
    config.offset = Offset(options.offset);
  } else {
    // Only who follows may want nothing of what is there already.
    bool latest = options.follow && !options.from_beginning;
    config.start = latest ? Start::kLatest : Start::kEarliest;
  }
  return config;
}

namespace logs = weir::log::v1;

// Where each partition has its first record of `at` or later, or will have it: its end.
host::Task<client::Outcome<std::map<PartitionIndex, Offset>>> OffsetsAt(Cluster& cluster,
                                                                        ConsumeOptions options,
                                                                        WallTime at) {
  std::map<PartitionIndex, Offset> offsets;
  auto topic = co_await LocateTopic(cluster, options.topic);
  if (!topic) co_return std::unexpected(topic.error());
  for (const auto& partition : topic->partitions()) {
    const int32_t index = partition.partition();
    if (options.partition >= 0 && options.partition != index) continue;
    logs::OffsetForTimeRequest request;
    request.set_timestamp_ms(at.ms);
    auto found = co_await AskLeader<logs::OffsetForTimeResponse>(cluster, options.topic, index,
                                                                 "OffsetForTime", request);
    if (!found) co_return std::unexpected(found.error());
    int64_t offset = found->offset();
    if (offset < 0) {
      auto bounds = co_await AskLeader<logs::OffsetsResponse>(cluster, options.topic, index,
                                                              "Offsets", logs::OffsetsRequest());
      if (!bounds) co_return std::unexpected(bounds.error());
      offset = bounds->high_watermark();
    }
    offsets[PartitionIndex(index)] = Offset(offset);
  }
  co_return std::move(offsets);
}

host::Task<int> Consume(Cluster& cluster, ConsumeOptions options, RecordFormat format) {
  if (options.count == 0) co_return kOk;
  client::ConsumerConfig config = ConfigOf(options);
  if (!options.from_time.empty()) {
    auto at = ParseMoment(options.from_time, cluster.host.clock.WallNow());
    if (!at) co_return Complain(at.error().message, kUsage);
    auto offsets = co_await OffsetsAt(cluster, options, *at);
    if (!offsets) co_return co_await ComplainOfTopic(cluster, options.topic, offsets.error());
    config.start = client::ConsumerConfig::Start::kOffset;
    config.offsets = std::move(*offsets);
  }
  Printing printing{std::move(format), options.topic, options.count, {}};
  std::unique_ptr<client::Consumer> consumer;
  Answer<void> end = co_await host::Await<Answer<void>>([&](auto done) {
    // Whichever comes first: the end of the topic, or of what was asked.
    auto once = std::make_shared<Callback<void(Answer<void>)>>(std::move(done));
    auto finish = [once](Answer<void> how) {
      if (auto call = std::exchange(*once, nullptr)) call(std::move(how));
    };
    client::Consumer::Events events;
    events.records = [&, finish](PartitionIndex partition,
                                 std::vector<client::ReadRecord> records) {
      if (printing.Print(partition, records)) return;
      cluster.host.strand.Post([finish] { finish({}); });
    };
    events.end = finish;
    consumer = std::make_unique<client::Consumer>(cluster.host, cluster.routing, config,
                                                  std::move(events));
    consumer->Start();
  });
  consumer.reset();
  if (end) co_return kOk;
  std::string reason(NameOf(end.error().code));
  co_return co_await ComplainOfTopic(cluster, options.topic,
                                     client::Failure{.code = host::StatusCode::kUnknown,
                                                     .reason = std::move(reason),
                                                     .message = end.error().message});
}

}  // namespace

void AddConsumeCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ConsumeOptions>();
  CLI::App* consume = app.add_subcommand("consume", "Read records from a topic");
  consume->add_option("TOPIC", options->topic, "The topic")->required();
  auto* beginning = consume->add_flag("--from-beginning", options->from_beginning,
                                      "From the oldest record; the default without --follow");
  auto* offset =
      consume->add_option("--offset", options->offset, "From this offset, in every partition read")
          ->check(CLI::NonNegativeNumber)
          ->excludes(beginning);
  consume
      ->add_option("--from-time", options->from_time,
                   "From the first record of this time or later: 2026-05-01T13:45:00Z, -90m, or "
                   "milliseconds since 1970")
      ->excludes(beginning)
      ->excludes(offset);
  consume->add_option("--partition", options->partition, "Only this partition")
      ->check(CLI::NonNegativeNumber);
  consume->add_flag("--follow", options->follow, "Do not end at the end; wait for what comes");
  consume->add_option("-n,--count", options->count, "End after so many records")
      ->check(CLI::NonNegativeNumber);
  consume->add_option("--rack", options->rack,
                      "Where this runs: an in-sync replica in the same rack is read from");
  consume
      ->add_option("-f,--print", options->print,
                   "How a record is printed: %t topic, %p partition, %o offset, %k key, %v value, "
                   "%T timestamp, %s size, \\n")
      ->capture_default_str();
  consume->footer(
      "Without --follow it reads what is there and ends; with it, it begins at the end.\n"
      "Examples:\n"
      "  weir consume orders\n"
      "  weir consume orders --partition 2 --offset 100 -n 10 -f '%p/%o %k %v\\n'\n"
      "  weir consume orders --from-time -1h\n"
      "  weir consume orders --follow");
  consume->callback([&invocation, options] {
    invocation.run = [&invocation, options] {
      auto format = RecordFormat::Parse(options->print);
      if (!format) return Complain(format.error().message, kUsage);
      return RunOnCluster(invocation.common,
                          [&](Cluster& cluster) { return Consume(cluster, *options, *format); });
    };
  });
}

}  // namespace weir::cli
