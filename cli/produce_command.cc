// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "cli/commands.h"
#include "cli/producing.h"
#include "cli/quantity.h"

namespace weir::cli {
namespace {

struct ProduceOptions {
  std::string topic;
  std::string file;
  InputShape shape;
  std::string acks = "all";
  std::string rate;
  std::string report;
  bool progress = false;
};

host::Task<int> Produce(Cluster& cluster, ProduceOptions options, int64_t rate, std::istream& in) {
  // A topic that is not there is worth more than a refusal of each record.
  auto located =
      co_await host::Await<client::Outcome<weir::log::v1::LocateResponse>>([&](auto done) {
        cluster.routing.Locate({options.topic}, 0, cluster.patience, std::move(done));
      });
  if (!located) co_return Complain(located.error());
  if (located->topics_size() != 1 || located->topics(0).error_code() != 0) {
    co_return co_await ComplainOfTopic(cluster, options.topic,
                                       client::Failure{.code = host::StatusCode::kNotFound,
                                                       .reason = "UNKNOWN_TOPIC_OR_PARTITION"});
  }
  auto* input = new InputThread(cluster.host.strand, in, options.shape);
  Producing::Config config{.topic = options.topic,
                           .acks = options.acks == "all" ? -1 : std::stoi(options.acks),
                           .rate = rate,
                           .progress = options.progress || !options.report.empty()};
  Producing run(cluster.host, cluster.routing, config, *input);
  co_await host::AwaitDone([&](auto done) { run.Run(std::move(done)); });
  if (!options.report.empty()) {
    std::ofstream out(options.report, std::ios::trunc);
    out << run.Report().dump(2) << '\n';
    out.close();
    if (!out) co_return Complain("cannot write " + options.report);
  }
  if (run.failed()) co_return Complain(run.Trouble());
  if (!config.progress) std::cerr << run.Summary() << std::endl;
  co_return kOk;
}

int RunProduce(const Common& common, const ProduceOptions& options) {
  int64_t rate = 0;
  if (!options.rate.empty()) {
    auto parsed = ParseBytes(options.rate);
    if (!parsed) return Complain(parsed.error().message, kUsage);
    rate = *parsed;
  }
  static std::ifstream file;
  std::istream* in = &std::cin;
  if (!options.file.empty() && options.file != "-") {
    file.open(options.file);
    if (!file) return Complain("cannot read " + options.file, kUsage);
    in = &file;
  } else if (isatty(STDIN_FILENO) != 0) {
    std::cerr << "Type one record a line; end with Ctrl-D.\n";
  }
  return RunOnCluster(common,
                      [&](Cluster& cluster) { return Produce(cluster, options, rate, *in); });
}

}  // namespace

void AddProduceCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ProduceOptions>();
  CLI::App* produce = app.add_subcommand("produce", "Write records to a topic");
  produce->add_option("TOPIC", options->topic, "The topic")->required();
  produce->add_option("FILE", options->file, "The input; - or none: stdin");
  auto* separator = produce->add_option("--key-separator", options->shape.key_separator,
                                        "What stands between key and value of a line");
  produce
      ->add_option("--stanzas", options->shape.stanza_field,
                   "The input is control stanzas between empty lines; this field is the key")
      ->excludes(separator);
  produce
      ->add_option("--acks", options->acks,
                   "all: every in-sync replica has it; 1: the leader has it; 0: nobody says")
      ->check(CLI::IsMember({"all", "0", "1"}))
      ->capture_default_str();
  produce->add_option("--rate", options->rate, "At most so many bytes a second, as 3MB");
  produce->add_flag("--progress", options->progress, "Say every second how it goes, on stderr");
  produce->add_option("--report", options->report, "Write what was measured to this file, as JSON");
  produce->footer(
      "Examples:\n"
      "  echo hello | weir produce orders\n"
      "  weir produce orders orders.txt --key-separator : --acks all --progress\n"
      "  apt-cache dumpavail | weir produce packages --stanzas Package --rate 3MB --progress");
  produce->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return RunProduce(invocation.common, *options); };
  });
}

}  // namespace weir::cli
