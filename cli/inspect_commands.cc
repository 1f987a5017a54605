// SPDX-License-Identifier: Apache-2.0
// weir log inspect, weir snapshot inspect: a program of the controllers' does it, for this one
// links neither a service nor RocksDB.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace weir::cli {
namespace {

struct InspectOptions {
  std::string path;
  std::string from;
  std::string to;
  std::string format = "text";
};

// Beside this program, or where the build puts it.
Result<std::string> FindProgram() {
  std::error_code ignored;
  std::filesystem::path here =
      std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  std::filesystem::path beside = here / "weir-inspect";
  std::filesystem::path built = here.parent_path() / "controller" / "inspect" / "inspect";
  for (const auto& place : {beside, built}) {
    if (access(place.c_str(), X_OK) == 0) return place.string();
  }
  return Fail(Error::Kind::kNotFound,
              "there is no program " + beside.string() + "; it comes with the controller");
}

// This process becomes the other: its output and its code are ours.
int Inspect(const std::string& what, const InspectOptions& options) {
  auto program = FindProgram();
  if (!program) return Complain(program.error().message, kFailed);
  std::vector<std::string> words = {*program, what, options.path, "--format=" + options.format};
  if (!options.from.empty()) words.push_back("--from=" + options.from);
  if (!options.to.empty()) words.push_back("--to=" + options.to);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(program->c_str(), arguments.data());
  return Complain("cannot run " + *program + ": " + std::strerror(errno), kFailed);
}

CLI::App* AddInspect(CLI::App* noun, const std::string& what, const std::string& about,
                     Invocation& invocation, const std::shared_ptr<InspectOptions>& options) {
  CLI::App* command = noun->add_subcommand("inspect", about);
  command->add_option("path", options->path, "A controller's data folder, or its folder 'quorum'")
      ->required();
  command->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([&invocation, what, options] {
    invocation.run = [what, options] { return Inspect(what, *options); };
  });
  return command;
}

}  // namespace

void AddInspectCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* log = app.add_subcommand("log", "The quorum's log on a controller's disk");
  log->require_subcommand(1);
  auto of_log = std::make_shared<InspectOptions>();
  CLI::App* command =
      AddInspect(log, "log", "Print its vote and its entries, a record a line", invocation, of_log);
  command->add_option("--from", of_log->from, "The first entry to print")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--to", of_log->to, "The last entry to print")->check(CLI::NonNegativeNumber);
  command->footer(
      "Changes nothing, and may run beside the controller.\n"
      "Examples:\n"
      "  weir log inspect /var/lib/weir\n"
      "  weir log inspect /var/lib/weir --from 100 --to 120 --format json");

  CLI::App* snapshot = app.add_subcommand("snapshot", "The quorum's snapshot");
  snapshot->require_subcommand(1);
  AddInspect(snapshot, "snapshot", "Print the snapshot in a folder or a file, a record a line",
             invocation, std::make_shared<InspectOptions>())
      ->footer(
          "Changes nothing, and may run beside the controller.\n"
          "Examples:\n"
          "  weir snapshot inspect /var/lib/weir\n"
          "  weir snapshot inspect founding.snapshot --format json");
}

}  // namespace weir::cli
