// SPDX-License-Identifier: Apache-2.0
// Partitions as requests name them, and new ones. Pure.
#pragma once

#include <vector>

#include "common/base/error_code.h"
#include "common/metadata/image.h"
#include "controller/decide/outcomes.h"

namespace weir::decide {

Answer<PartitionId> Find(const metadata::Image& image, const PartitionName& name);

// At least one, not too many, none of them twice.
Answer<void> CheckNamed(const std::vector<PartitionName>& names);

// The cluster may have so many more partitions.
Answer<void> CheckRoom(const metadata::Image& image, int32_t more);

// All of its replicas are in sync, for all of them are empty; the first one leads.
metadata::Partition NewPartition(std::vector<metadata::Replica> replicas);

}  // namespace weir::decide
