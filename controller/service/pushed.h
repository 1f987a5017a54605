// SPDX-License-Identifier: Apache-2.0
// What is pushed on the sessions of nodes, as weir.node.v1.FromController on the wire: a few bytes
// before those that are there already, which all sessions share. Nothing is decoded or copied.
#pragma once

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/machine/machine_log.h"

namespace weir::service {

// One committed entry (a weir.metadata.v1.Entry), from the controller of `term`.
Pieces PushedEntry(Term term, machine::Position position, const Bytes& entry);

// A weir.metadata.v1.Snapshot.
Pieces PushedSnapshot(const Bytes& snapshot);

}  // namespace weir::service
