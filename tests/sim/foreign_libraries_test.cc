// SPDX-License-Identifier: Apache-2.0
// A claim about the very program that it is linked into: nothing of the real world is in it, so
// nothing of it can break the simulation's rule of one thread and one seed.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace weir::sim {
namespace {

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ForeignLibraries, AreNotLoaded) {
  std::string loaded = ReadWhole("/proc/self/maps");
  // The search itself works.
  ASSERT_NE(loaded.find("libc.so"), std::string::npos);
  for (const char* library : {"libgrpc", "libgpr", "librocksdb", "libasio", "libboost"}) {
    EXPECT_EQ(loaded.find(library), std::string::npos)
        << library << " is linked: the simulation runs on tests/sim alone";
  }
}

TEST(ForeignLibraries, LeaveNoSymbols) {
  std::string program = ReadWhole("/proc/self/exe");
  // As mangled names have them. The search itself works.
  ASSERT_NE(program.find(std::string("4weir") + "3sim"), std::string::npos);
  for (const char* name : {"grpc", "rocksdb", "asio"}) {
    std::string space(name);
    std::string mangled = "N" + std::to_string(space.size()) + space;
    EXPECT_EQ(program.find("_Z" + mangled), std::string::npos)
        << "code of " << space << " is linked: the simulation runs on tests/sim alone";
  }
}

}  // namespace
}  // namespace weir::sim
