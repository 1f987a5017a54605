// SPDX-License-Identifier: Apache-2.0
// The target as libFuzzer drives it. Its seeds are written to a folder of their own, which is the
// last of the corpora: what libFuzzer finds goes into the first that is named on the command line.
#include <glog/logging.h>
#include <google/protobuf/stubs/logging.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

const weir::fuzz::Target& TheTarget() {
  static const weir::fuzz::Target target = weir::fuzz::MakeTarget();
  return target;
}

std::string WriteSeeds() {
  std::string folder = std::filesystem::temp_directory_path() / "weir-seeds-XXXXXX";
  CHECK(::mkdtemp(folder.data()) != nullptr);
  int number = 0;
  for (const std::string& seed : TheTarget().seeds) {
    std::ofstream(folder + "/seed" + std::to_string(number++), std::ios::binary) << seed;
  }
  return folder;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  FLAGS_minloglevel = google::GLOG_FATAL;
  google::protobuf::SetLogHandler(nullptr);
  static std::string seeds = WriteSeeds();
  static std::vector<char*> arguments(*argv, *argv + *argc);
  arguments.push_back(seeds.data());
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  TheTarget().feed({reinterpret_cast<const char*>(data), size});
  return 0;
}
