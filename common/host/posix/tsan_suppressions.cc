// SPDX-License-Identifier: Apache-2.0
// What the race detector is told in tests: the system's gRPC is not compiled with it, so that it
// sees neither gRPC's locks nor its atomics. Libraries only, nothing of ours.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:^grpc::\n"
         "race:libgrpc\n"
         "race:libgpr\n"
         "race:libabsl\n"
         "race:libprotobuf\n"
         "mutex:libgrpc\n"
         "deadlock:libgrpc\n";
}
