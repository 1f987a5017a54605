// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <iostream>

#include "cli/commands.h"
#include "cli/comparison.h"
#include "client/driver/consumer.h"

namespace weir::cli {
namespace {

struct VerifyOptions {
  std::string topic;
  std::string file;
  InputShape shape;
  std::string report;
};

Json Verdict(const Comparison& comparison, double seconds) {
  return {{"equal", comparison.equal()},         {"expected_records", comparison.expected()},
          {"found_records", comparison.found()}, {"keys", comparison.keys()},
          {"lost", comparison.lost()},           {"duplicated", comparison.duplicated()},
          {"changed", comparison.changed()},     {"unexpected", comparison.unexpected()},
          {"reordered", comparison.reordered()}, {"seconds", seconds}};
}

void Compare(Comparison& comparison, PartitionIndex partition,
             const std::vector<client::ReadRecord>& records) {
  for (const client::ReadRecord& record : records) {
    std::optional<std::string_view> key;
    if (record.key) key = record.key->view();
    std::string where = "partition " + std::to_string(partition.value()) + " offset " +
                        std::to_string(record.offset.value());
    comparison.Found(key, record.value ? record.value->view() : std::string_view(), where);
  }
}

host::Task<int> Verify(Cluster& cluster, Common common, VerifyOptions options,
                       Comparison& comparison) {
  Instant started = cluster.host.clock.Now();
  std::unique_ptr<client::Consumer> consumer;
  Answer<void> end = co_await host::Await<Answer<void>>([&](auto done) {
    auto once = std::make_shared<Callback<void(Answer<void>)>>(std::move(done));
    client::Consumer::Events events;
    events.records = [&](PartitionIndex partition, std::vector<client::ReadRecord> records) {
      Compare(comparison, partition, records);
    };
    events.end = [once](Answer<void> how) {
      if (auto call = std::exchange(*once, nullptr)) call(std::move(how));
    };
    consumer = std::make_unique<client::Consumer>(
        cluster.host, cluster.routing,
        client::ConsumerConfig{.topic = options.topic, .until_end = true}, std::move(events));
    consumer->Start();
  });
  consumer.reset();
  if (!end) {
    std::string reason(NameOf(end.error().code));
    co_return co_await ComplainOfTopic(cluster, options.topic,
                                       client::Failure{.code = host::StatusCode::kUnknown,
                                                       .reason = std::move(reason),
                                                       .message = end.error().message});
  }
  comparison.Finish();
  Json verdict = Verdict(comparison,
                         std::chrono::duration<double>(cluster.host.clock.Now() - started).count());
  PrintObject(common, verdict);
  if (!options.report.empty()) {
    verdict["differences"] = comparison.differences();
    std::ofstream out(options.report, std::ios::trunc);
    out << verdict.dump(2) << '\n';
    out.close();
    if (!out) co_return Complain("cannot write " + options.report);
  }
  for (const std::string& difference : comparison.differences()) std::cerr << difference << '\n';
  co_return comparison.equal() ? kOk : Complain("the topic is not what was written to it");
}

int RunVerify(const Common& common, const VerifyOptions& options) {
  std::ifstream in(options.file);
  if (!in) return Complain("cannot read " + options.file, kUsage);
  static Comparison comparison;
  RecordSource source(in, options.shape);
  while (true) {
    auto record = source.Next();
    if (!record) return Complain(options.file + ": " + record.error().message);
    if (!*record) break;
    comparison.Expect(std::move(**record));
  }
  return RunOnCluster(
      common, [&](Cluster& cluster) { return Verify(cluster, common, options, comparison); });
}

}  // namespace

void AddVerifyCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verify =
      app.add_subcommand("verify", "Compare a topic with the input that was produced to it");
  verify->add_option("TOPIC", options->topic, "The topic")->required();
  verify->add_option("FILE", options->file, "The input")->required();
  auto* separator = verify->add_option("--key-separator", options->shape.key_separator,
                                       "What stands between key and value of a line");
  verify
      ->add_option("--stanzas", options->shape.stanza_field,
                   "The input is control stanzas between empty lines; this field is the key")
      ->excludes(separator);
  verify->add_option("--report", options->report, "Write what was found to this file, as JSON");
  verify->footer(
      "Reads the topic from its beginning to its end. Every key's values must be there, in order,\n"
      "unchanged, once; otherwise the first differences are printed, and the exit code is 1.\n"
      "Examples:\n"
      "  weir verify orders orders.txt --key-separator :\n"
      "  weir verify packages packages.txt --stanzas Package --report verdict.json");
  AddFormat(verify, invocation);
  verify->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return RunVerify(invocation.common, *options); };
  });
}

}  // namespace weir::cli
