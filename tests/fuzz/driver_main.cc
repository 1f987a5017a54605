// SPDX-License-Identifier: Apache-2.0
// The main of a fuzz target in the suite: --seed, --inputs and --only choose what is fed.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <google/protobuf/stubs/logging.h>

#include <iostream>

#include "tests/fuzz/driver.h"

DEFINE_uint64(seed, 1, "What the mutations are drawn from.");
DEFINE_int32(inputs, 0, "How many inputs to feed; 0: as many as the target says.");
DEFINE_int64(only, -1, "Feed the input of this number alone; -1: all.");

int main(int argc, char** argv) {
  google::ParseCommandLineFlags(&argc, &argv, true);
  google::InitGoogleLogging(argv[0]);
  // What is refused is often logged as well, a thousand times over.
  if (FLAGS_only < 0) {
    FLAGS_minloglevel = google::GLOG_FATAL;
    google::protobuf::SetLogHandler(nullptr);
  }
  weir::fuzz::Order order{.seed = FLAGS_seed, .inputs = FLAGS_inputs, .only = {}};
  if (FLAGS_only >= 0) order.only = static_cast<uint64_t>(FLAGS_only);
  auto wrong = weir::fuzz::Drive(weir::fuzz::MakeTarget(), order);
  if (wrong) std::cerr << *wrong << "\n";
  return wrong ? 1 : 0;
}
