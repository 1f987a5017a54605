// SPDX-License-Identifier: Apache-2.0
// The subcommands of `weir`: each function adds one noun's to the command line.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/cluster.h"

namespace weir::cli {

void AddClusterCommands(CLI::App& app, Invocation& invocation);
void AddNodeCommands(CLI::App& app, Invocation& invocation);
void AddQuorumCommands(CLI::App& app, Invocation& invocation);
void AddTopicCommands(CLI::App& app, Invocation& invocation);
void AddProduceCommand(CLI::App& app, Invocation& invocation);
void AddConsumeCommand(CLI::App& app, Invocation& invocation);
void AddVerifyCommand(CLI::App& app, Invocation& invocation);
void AddDevCommands(CLI::App& app, Invocation& invocation);

// --format text|json for a command that lists something.
void AddFormat(CLI::App* command, Invocation& invocation);

}  // namespace weir::cli
