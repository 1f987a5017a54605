// SPDX-License-Identifier: Apache-2.0
#include "common/telemetry/build_version.h"

namespace weir {

namespace {

std::string_view BuildKind() {
#if defined(WEIR_SANITIZED)
  return "sanitized";
#elif defined(NDEBUG)
  return "optimized";
#else
  return "debug";
#endif
}

}  // namespace

std::string_view BuildVersion() { return "0.1.0"; }

std::string DescribeBuild() {
  return "weir " + std::string(BuildVersion()) + " (" + std::string(BuildKind()) + ")";
}

}  // namespace weir
