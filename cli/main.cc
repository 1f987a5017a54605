// SPDX-License-Identifier: Apache-2.0
// The `weir` command.
#include <glog/logging.h>

#include <cstdlib>
#include <iostream>

#include "cli/commands.h"
#include "cli/nearest.h"
#include "common/telemetry/build_version.h"

namespace weir::cli {
namespace {

// The subcommand that was understood last: what follows it was not.
CLI::App* Deepest(CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

int ComplainOfUsage(CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  CLI::App* at = Deepest(&app);
  std::vector<std::string> names;
  for (CLI::App* each : at->get_subcommands([](CLI::App*) { return true; })) {
    names.push_back(each->get_name());
  }
  std::string words = error.what();
  // The word that should have been a subcommand of `at` is the one that comes after its own name.
  for (int i = 1; !names.empty() && i < argc; ++i) {
    std::string word = argv[i];
    bool after = at == &app || std::string(argv[i - 1]) == at->get_name();
    if (!after || word.starts_with("-") || word == at->get_name()) continue;
    words = "there is no command '" + word + "'";
    if (auto nearest = Nearest(word, names)) words += "; did you mean " + *nearest + "?";
    break;
  }
  std::string path = at->get_name();
  for (CLI::App* up = at->get_parent(); up != nullptr; up = up->get_parent()) {
    path = up->get_name() + " " + path;
  }
  Complain(words, kUsage);
  std::cerr << "See: " << path << " --help" << std::endl;
  return kUsage;
}

void AddVersion(CLI::App& app, Invocation& invocation) {
  app.add_subcommand("version", "This program's version")->callback([&invocation] {
    invocation.run = [] {
      std::cout << DescribeBuild() << std::endl;
      return kOk;
    };
  });
}

int Main(int argc, char** argv) {
  Invocation invocation;
  CLI::App app("Weir: event streaming. Clusters, topics and records from the command line.",
               "weir");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option(
      "-b,--bootstrap", invocation.common.bootstrap,
      "Storage nodes, host:port,...; else $WEIR_BOOTSTRAP, else the cluster of weir dev");
  app.add_option("--timeout", invocation.common.timeout_seconds,
                 "Give up after so many seconds without the cluster")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 not understood, 3 unhealthy.\n"
      "Examples:\n"
      "  weir dev start\n"
      "  weir topic create orders --partitions 6\n"
      "  echo hello | weir produce orders && weir consume orders");
  AddClusterCommands(app, invocation);
  AddNodeCommands(app, invocation);
  AddQuorumCommands(app, invocation);
  AddTopicCommands(app, invocation);
  AddPartitionCommands(app, invocation);
  AddRecordsCommands(app, invocation);
  AddConfigCommands(app, invocation);
  AddFeatureCommands(app, invocation);
  AddProduceCommand(app, invocation);
  AddConsumeCommand(app, invocation);
  AddVerifyCommand(app, invocation);
  AddInspectCommands(app, invocation);
  AddDevCommands(app, invocation);
  AddVersion(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help) == 0 ? kOk : kUsage;
  } catch (const CLI::ParseError& error) {
    return ComplainOfUsage(app, error, argc, argv);
  }
  return invocation.run();
}

}  // namespace

void AddFormat(CLI::App* command, Invocation& invocation) {
  command
      ->add_option_function<std::string>(
          "--format",
          [&invocation](const std::string& format) { invocation.common.json = format == "json"; },
          "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->default_str("text");
}

}  // namespace weir::cli

int main(int argc, char** argv) {
  // Or how much of stdin is there already cannot be told.
  std::ios::sync_with_stdio(false);
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = google::GLOG_ERROR;
  google::InitGoogleLogging(argv[0]);
  int code = weir::cli::Main(argc, argv);
  std::cout.flush();
  std::cerr.flush();
  // Without unwinding: a thread may still wait for stdin, and calls may be under way.
  std::_Exit(code);
}
