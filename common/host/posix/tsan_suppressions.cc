// SPDX-License-Identifier: Apache-2.0
// What the race detector is told: the system's gRPC is not compiled with it, so that it sees
// neither gRPC's locks nor its atomics. Libraries only, nothing of ours, and matched by the file
// that a frame lies in, which needs no symbolizer.
#if __has_feature(thread_sanitizer)

extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:libgrpc\n"
         "race:libgpr\n"
         "race:libupb\n"
         "race:libabsl\n"
         "race:libprotobuf\n"
         "mutex:libgrpc\n"
         "deadlock:libgrpc\n";
}

#endif
