// SPDX-License-Identifier: Apache-2.0
// The least that is a cluster, of real processes, and commands that must end with words.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/child.h"

namespace weir::chaos {

inline std::string At(int port) { return "127.0.0.1:" + std::to_string(port); }

// One controller and one storage node.
struct SmallCluster {
  explicit SmallCluster(const std::string& data = "", std::vector<std::string> flags = {}) {
    controller_command = {PathOf("controller"), "--id=1", "--listen=" + At(FreePort()),
                          "--data=" + folder + "/controller"};
    controller_at = controller_command[2].substr(std::string("--listen=").size());
    node_command = NodeCommand(data.empty() ? folder + "/node" : data);
    node_command.insert(node_command.end(), flags.begin(), flags.end());
    controller = std::make_unique<Child>(controller_command);
    node = std::make_unique<Child>(node_command);
  }

  // Of a node with id 1, on ports of its own.
  std::vector<std::string> NodeCommand(const std::string& data) {
    return {PathOf("storage"),
            "--id=1",
            "--client_listen=" + At(FreePort()),
            "--internal_listen=" + At(FreePort()),
            "--data=" + data,
            "--controllers=" + controller_at};
  }
  // Another life of the node, on the same ports.
  void RestartNode(const std::string& data) {
    node.reset();
    node_command[4] = "--data=" + data;
    node = std::make_unique<Child>(node_command);
  }
  std::string node_at() const {
    return node_command[2].substr(std::string("--client_listen=").size());
  }
  Ended Weir(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.begin(), {PathOf("weir"), "--bootstrap=" + node_at()});
    return Run(std::move(words), input);
  }
  void Found(const std::string& partitions = "1") {
    Ended founded = Run({PathOf("weir"), "cluster", "init", "--controllers", controller_at});
    ASSERT_EQ(founded.code, 0) << founded.output;
    Ended created =
        Weir({"topic", "create", "orders", "--partitions", partitions, "--replicas", "1"});
    for (int tries = 0; created.code != 0 && tries < 50; ++tries) {
      created = Weir({"topic", "create", "orders", "--partitions", partitions, "--replicas", "1"});
    }
    ASSERT_EQ(created.code, 0) << created.output;
  }

  const std::string folder = NewFolder();
  std::vector<std::string> controller_command;
  std::vector<std::string> node_command;
  std::string controller_at;
  std::unique_ptr<Child> controller;
  std::unique_ptr<Child> node;
};

struct Case {
  std::string what;
  std::vector<std::string> command;
  int code;
  std::string phrase;
};

inline void ExpectEnds(const Case& row) {
  SCOPED_TRACE(row.what);
  Ended ended = Run(row.command);
  ASSERT_TRUE(ended.code.has_value()) << "it still runs: " << ended.output;
  EXPECT_EQ(*ended.code, row.code) << ended.output;
  EXPECT_NE(ended.output.find(row.phrase), std::string::npos)
      << "these words do not say '" << row.phrase << "': " << ended.output;
}

}  // namespace weir::chaos
