// SPDX-License-Identifier: Apache-2.0
// Any bytes as the file that says whose a data folder is: understood whole, or refused.
#include <glog/logging.h>

#include "common/host/task.h"
#include "common/identity/data_folder.h"
#include "tests/fuzz/target.h"
#include "tests/sim/world.h"

namespace weir::fuzz {
namespace {

using identity::DataFolder;

void Feed(std::string_view bytes) {
  sim::World world(1);
  sim::Process& process = world.AddProcess("node");
  host::Host host = process.host();
  bool wrote = false;
  host::Spawn<Result<void>>(identity::ReplaceFile(host.disk, "identity", std::string(bytes)),
                            [&](Result<void> done) { wrote = done.has_value(); });
  CHECK(world.RunUntil([&] { return wrote; }));
  std::optional<Result<DataFolder>> opened;
  host::Spawn<Result<DataFolder>>(
      identity::OpenDataFolder(host.disk, host.random, "controller", 3),
      [&](Result<DataFolder> folder) { opened.emplace(std::move(folder)); });
  CHECK(world.RunUntil([&] { return opened.has_value(); }));
  if (!*opened) return;
  CHECK_EQ((*opened)->role, "controller");
  CHECK_EQ((*opened)->id, 3);
}

}  // namespace

Target MakeTarget() {
  std::string directory = Uuid::FromRandom(1, 2).ToString();
  std::string folder = "format=1\nrole=controller\nid=3\ndirectory=" + directory + "\n";
  return {.seeds = {folder, folder + "cluster=" + Uuid::FromRandom(3, 4).ToString() + "\n",
                    folder + "siblings=" + Uuid::FromRandom(5, 6).ToString() + "," +
                        Uuid::FromRandom(7, 8).ToString() + "\n"},
          .feed = Feed,
          .inputs = 10'000};
}

}  // namespace weir::fuzz
