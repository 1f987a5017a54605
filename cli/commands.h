// SPDX-License-Identifier: Apache-2.0
// The subcommands of `weir`: each function adds one noun's to the command line.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

#include "cli/cluster.h"

namespace weir::cli {

void AddClusterCommands(CLI::App& app, Invocation& invocation);
void AddNodeCommands(CLI::App& app, Invocation& invocation);
void AddQuorumCommands(CLI::App& app, Invocation& invocation);
void AddTopicCommands(CLI::App& app, Invocation& invocation);
// `topic_noun` is the noun of AddTopicCommands.
void AddOffsetsCommand(CLI::App* topic_noun, Invocation& invocation);
void AddRecordsCommands(CLI::App& app, Invocation& invocation);
void AddPartitionCommands(CLI::App& app, Invocation& invocation);
void AddConfigCommands(CLI::App& app, Invocation& invocation);
void AddFeatureCommands(CLI::App& app, Invocation& invocation);
void AddProduceCommand(CLI::App& app, Invocation& invocation);
void AddConsumeCommand(CLI::App& app, Invocation& invocation);
void AddVerifyCommand(CLI::App& app, Invocation& invocation);
void AddInspectCommands(CLI::App& app, Invocation& invocation);
void AddDevCommands(CLI::App& app, Invocation& invocation);

// --format text|json for a command that lists something.
void AddFormat(CLI::App* command, Invocation& invocation);

// What `command` does once it is named: `run` with the cluster that the options name.
using ClusterCommand = std::function<host::Task<int>(Cluster&, Common)>;
void OnCluster(CLI::App* command, Invocation& invocation, ClusterCommand run);

// kOk if a person at the terminal agrees to what --yes would agree to; else what to exit with.
int Confirmed(const std::string& danger, const std::string& question);

}  // namespace weir::cli
