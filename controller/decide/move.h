// SPDX-License-Identifier: Apache-2.0
// A partition on its way to other nodes (Kafka's reassignment): its replicas are the old and the
// new ones together until all that join are in sync. Pure; partition epochs are the caller's.
#pragma once

#include <string>
#include <vector>

#include "common/base/error_code.h"
#include "common/metadata/image.h"

namespace weir::decide {

// Where it is going: its replicas without those that are leaving.
std::vector<metadata::Replica> TargetOf(const metadata::Partition& partition);
// Where it came from: its replicas without those that are joining.
std::vector<metadata::Replica> OriginOf(const metadata::Partition& partition);

// On its way to `target`, from wherever it came from; there at once if nothing has to be waited
// for. Whoever was joining and is not wanted any more goes now: refused where that would leave
// nobody of whom it is known that he has all that was committed.
Answer<metadata::Partition> Moved(const metadata::Image& image, const PartitionId& id,
                                  metadata::Partition partition,
                                  std::vector<metadata::Replica> target);

// Without those that are leaving, if all that join are in sync, somebody may lead, and enough are
// in sync afterwards to write to it; else the same partition.
metadata::Partition Settled(const metadata::Image& image, const PartitionId& id,
                            metadata::Partition partition);

// Replicas whose data folder is gone from its node's registration get another folder of that node,
// to begin anew there, if there is a leader whom they can follow.
metadata::Partition Rehomed(const metadata::Image& image, const PartitionId& id,
                            metadata::Partition partition);

// "(1 2 3)".
std::string ListOf(const std::vector<metadata::Replica>& replicas);
std::string ListOf(const std::vector<NodeId>& nodes);

}  // namespace weir::decide
