// SPDX-License-Identifier: Apache-2.0
// What the race detector is told: the system's gRPC is not compiled with it, so that it sees
// neither gRPC's locks nor its atomics. Libraries only, nothing of ours. A part of gRPC lies in its
// headers, and so in our binaries: only its name tells it, which takes a symbolizer.
#if __has_feature(thread_sanitizer)

extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:^grpc::\n"
         "race:libgrpc\n"
         "race:libgpr\n"
         "race:libupb\n"
         "race:libabsl\n"
         "race:libprotobuf\n"
         "mutex:libgrpc\n"
         "deadlock:libgrpc\n";
}

#endif
