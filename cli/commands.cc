// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <unistd.h>

#include <iostream>
#include <utility>

namespace weir::cli {

void OnCluster(CLI::App* command, Invocation& invocation, ClusterCommand run) {
  auto held = std::make_shared<ClusterCommand>(std::move(run));
  command->callback([&invocation, held] {
    invocation.run = [&invocation, held] {
      return RunOnCluster(invocation.common,
                          [&](Cluster& cluster) { return (*held)(cluster, invocation.common); });
    };
  });
}

int Confirmed(const std::string& danger, const std::string& question) {
  if (isatty(STDIN_FILENO) == 0) {
    return Complain(danger + "; nobody is here to be asked, so give --yes", kUsage);
  }
  std::cerr << question << " [y/N] " << std::flush;
  std::string line;
  std::getline(std::cin, line);
  if (line == "y" || line == "Y" || line == "yes") return kOk;
  return Complain("nothing was changed");
}

}  // namespace weir::cli
