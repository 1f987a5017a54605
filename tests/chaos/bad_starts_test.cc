// SPDX-License-Identifier: Apache-2.0
// Real processes that are started wrongly, or stopped at a bad moment: each says in words what is
// wrong, ends with the right code, and leaves those that run as they are.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>

#include "tests/chaos/child.h"
#include "tests/chaos/small_cluster.h"

namespace weir::chaos {
namespace {

TEST(BadStarts, FlagsThatCannotBeAreNamed) {
  const std::string data = "--data=" + NewFolder();
  const std::string storage = PathOf("storage");
  const std::string controller = PathOf("controller");
  const std::string at = "--controllers=127.0.0.1:1";
  for (const Case& row : std::vector<Case>{
           {"misspelt", {storage, "--id=1", "--controlers=x"}, 1, "controlers"},
           {"misspelt", {controller, "--idd=1"}, 1, "idd"},
           {"no flag", {storage, "--id=1", data, at, "word"}, 2, "'word' is no flag"},
           {"no id", {storage, data, at}, 2, "--id is missing"},
           {"no id", {controller, data}, 2, "--id is missing"},
           {"an id in words", {storage, "--id=one", data, at}, 2, "--id=one"},
           {"a negative id", {controller, "--id=-1", data}, 2, "--id=-1"},
           {"an id beyond all", {controller, "--id=4294967296", data}, 2, "--id=4294967296"},
           {"no data", {storage, "--id=1", at}, 2, "--data is missing"},
           {"no data", {controller, "--id=1"}, 2, "--data is missing"},
           {"no controllers", {storage, "--id=1", data}, 2, "--controllers is missing"},
           {"a controller without a port",
            {storage, "--id=1", data, "--controllers=here"},
            2,
            "'here' is not host:port"},
           {"a controller with a port of words",
            {storage, "--id=1", data, "--controllers=here:a"},
            2,
            "'here:a' is not host:port"},
           {"advertised without a port",
            {storage, "--id=1", data, at, "--client_listen=127.0.0.1:0",
             "--internal_listen=127.0.0.1:0", "--advertise_client=here"},
            2,
            "--advertise_client=here"},
           {"advertised with a port of words",
            {storage, "--id=1", data, at, "--client_listen=127.0.0.1:0",
             "--internal_listen=127.0.0.1:0", "--advertise_internal=here:there"},
            2,
            "--advertise_internal=here:there"},
           {"listens nowhere",
            {storage, "--id=1", data, at, "--client_listen=nowhere"},
            2,
            "nowhere"},
           {"listens at no port",
            {controller, "--id=1", "--data=" + NewFolder(), "--listen=x:99999"},
            2,
            "x:99999"},
           {"a folder that cannot be made",
            {storage, "--id=1", at, "--data=/dev/null/x"},
            1,
            "/dev/null/x"},
           {"a folder that cannot be written",
            {controller, "--id=1", "--data=/proc/weir"},
            1,
            "/proc/weir"},
       }) {
    ExpectEnds(row);
  }
}

TEST(BadStarts, TheCommandSaysWhatItDidNotUnderstand) {
  const std::string weir = PathOf("weir");
  const std::string nobody = "--bootstrap=" + At(FreePort());
  for (const Case& row : std::vector<Case>{
           {"no command", {weir}, 2, "--help"},
           {"unknown", {weir, "topics"}, 2, "did you mean topic?"},
           {"unknown below", {weir, "topic", "crate"}, 2, "did you mean create?"},
           {"an option that is none", {weir, "topic", "list", "--al"}, 2, "--al"},
           {"a format that is none", {weir, nobody, "topic", "list", "--format", "xml"}, 2, "xml"},
           {"no such address", {weir, "--bootstrap=here", "topic", "list"}, 2, "here"},
           {"nobody there",
            {weir, nobody, "--timeout", "2", "topic", "list"},
            1,
            "cannot be reached"},
           {"nobody to produce to", {weir, nobody, "--timeout", "2", "produce", "orders"}, 1, ""},
       }) {
    ExpectEnds(row);
  }
}

TEST(BadStarts, ARunningClusterIsLeftAsItIs) {
  SmallCluster cluster;
  ASSERT_NO_FATAL_FAILURE(cluster.Found());
  ASSERT_EQ(cluster.Weir({"produce", "orders"}, "one\ntwo\n").code, 0);

  auto other_ports = cluster.NodeCommand(cluster.folder + "/node");
  auto taken = cluster.NodeCommand(NewFolder());
  taken[2] = "--client_listen=" + cluster.node_at();
  auto wrong_role = cluster.NodeCommand(cluster.folder + "/controller");
  auto wrong_id = cluster.NodeCommand(cluster.folder + "/node");
  for (const Case& row : std::vector<Case>{
           {"a second on the folder", other_ports, 1, "is in use by process"},
           {"a second controller on the folder",
            {PathOf("controller"), "--id=1", "--listen=" + At(FreePort()),
             "--data=" + cluster.folder + "/controller"},
            1,
            "is in use by process"},
           {"a port in use", taken, 1, "address in use"},
           {"a controller's port in use",
            {PathOf("controller"), "--id=1", "--listen=" + cluster.controller_at,
             "--data=" + NewFolder()},
            1,
            "address in use"},
           {"an id that is taken", cluster.NodeCommand(NewFolder()), 2,
            "give this one another --id"},
           {"an unknown topic",
            {PathOf("weir"), "--bootstrap=" + cluster.node_at(), "topic", "describe", "order"},
            1,
            "did you mean orders?"},
           {"an unknown topic to read",
            {PathOf("weir"), "--bootstrap=" + cluster.node_at(), "consume", "order"},
            1,
            "orders"},
       }) {
    ExpectEnds(row);
  }
  EXPECT_FALSE(cluster.node->Wait(std::chrono::milliseconds(0)).has_value());
  EXPECT_FALSE(cluster.controller->Wait(std::chrono::milliseconds(0)).has_value());
  Ended read = cluster.Weir({"consume", "orders", "--from-beginning"});
  EXPECT_EQ(read.code, 0);
  EXPECT_NE(read.output.find("one\ntwo\n"), std::string::npos) << read.output;

  cluster.node->Signal(SIGTERM);
  EXPECT_EQ(cluster.node->Wait(), 0) << cluster.node->Output();
  cluster.controller->Signal(SIGTERM);
  EXPECT_EQ(cluster.controller->Wait(), 0) << cluster.controller->Output();
  // Nobody holds the folders now, and still they are another's.
  ExpectEnds({"a controller's folder", wrong_role, 2, "belongs to controller 1"});
  wrong_id[1] = "--id=2";
  ExpectEnds({"another node's folder", wrong_id, 2, "belongs to storage 1"});
}

TEST(BadStarts, AnotherClustersFolderIsRefused) {
  SmallCluster one;
  SmallCluster two;
  ASSERT_NO_FATAL_FAILURE(one.Found());
  ASSERT_NO_FATAL_FAILURE(two.Found());
  one.node->Signal(SIGTERM);
  ASSERT_EQ(one.node->Wait(), 0) << one.node->Output();
  ExpectEnds(
      {"another cluster's folder", two.NodeCommand(one.folder + "/node"), 2, "data folder is of"});
  EXPECT_EQ(two.Weir({"produce", "orders"}, "here\n").code, 0);
  EXPECT_EQ(one.Weir({"--timeout", "1", "cluster", "health"}).code, 3);
}

TEST(BadStarts, AStopWhileStartingDoesNoHarm) {
  SmallCluster cluster;
  for (int delay : {0, 2, 5, 10, 20, 40, 80}) {
    SCOPED_TRACE(delay);
    cluster.node->Wait(std::chrono::milliseconds(delay));
    for (Child* child : {cluster.node.get(), cluster.controller.get()}) {
      child->Signal(SIGTERM);
      auto code = child->Wait();
      ASSERT_TRUE(code.has_value()) << "it does not stop: " << child->Output();
      // Before a process has begun to hear signals, the kernel ends it.
      EXPECT_TRUE(*code == 0 || *code == 128 + SIGTERM) << *code << ": " << child->Output();
    }
    cluster.controller = std::make_unique<Child>(cluster.controller_command);
    cluster.node = std::make_unique<Child>(cluster.node_command);
  }
  ASSERT_NO_FATAL_FAILURE(cluster.Found());
  EXPECT_EQ(cluster.Weir({"produce", "orders"}, "here\n").code, 0);
}

TEST(BadStarts, AStopAfterTheStartIsInOrder) {
  SmallCluster cluster;
  // Without a cluster yet, both only wait.
  EXPECT_TRUE(cluster.node->Says("clients at"));
  EXPECT_TRUE(cluster.controller->Says("listening at"));
  for (Child* child : {cluster.node.get(), cluster.controller.get()}) {
    child->Signal(SIGTERM);
    EXPECT_EQ(child->Wait(), 0) << child->Output();
  }
}

TEST(BadStarts, AStopWhileProducingLosesNothing) {
  SmallCluster cluster;
  ASSERT_NO_FATAL_FAILURE(cluster.Found());
  std::string lines;
  for (int i = 0; i < 40000; ++i) lines += "record " + std::to_string(i) + "\n";
  Child producer(
      {PathOf("weir"), "--bootstrap=" + cluster.node_at(), "produce", "orders", "--rate", "300K"},
      lines);
  // Paced, it takes some two seconds; the stop comes in the middle.
  ASSERT_FALSE(producer.Wait(std::chrono::milliseconds(700)).has_value()) << producer.Output();
  cluster.node->Signal(SIGTERM);
  ASSERT_EQ(cluster.node->Wait(), 0) << cluster.node->Output();
  cluster.node = std::make_unique<Child>(cluster.node_command);
  ASSERT_EQ(producer.Wait(std::chrono::seconds(30)), 0) << producer.Output();
  Ended read = cluster.Weir({"consume", "orders", "--from-beginning"});
  EXPECT_EQ(read.code, 0);
  EXPECT_TRUE(read.output.find(lines) != std::string::npos) << read.output.substr(0, 1000);
}

}  // namespace
}  // namespace weir::chaos
