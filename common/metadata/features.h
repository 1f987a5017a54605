// SPDX-License-Identifier: Apache-2.0
// What this version can go along with: the features that it knows, and the levels of each.
#pragma once

#include <vector>

#include "common/metadata/node.h"

namespace weir::metadata {

// "metadata" is the level of the metadata log's records.
inline const std::vector<FeatureRange>& SupportedFeatures() {
  static const std::vector<FeatureRange> supported = {{"metadata", 1, 1}};
  return supported;
}

}  // namespace weir::metadata
