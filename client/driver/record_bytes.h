// SPDX-License-Identifier: Apache-2.0
// Batches as the bytes that cross the wire, both ways.
#pragma once

#include "client/core/batch.h"
#include "client/core/record.h"
#include "common/base/bytes.h"

namespace weir::client {

Bytes EncodeBatch(const Batch& batch);

// The records of whole batches, as slices of `bytes`, or of what was compressed there.
// CORRUPT_MESSAGE and the like where they are not what they say.
Answer<std::vector<ReadRecord>> DecodeBatches(const Bytes& bytes);

}  // namespace weir::client
