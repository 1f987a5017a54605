// SPDX-License-Identifier: Apache-2.0
// The fold: the one place where the cluster's metadata changes, on controllers and nodes alike.
// Pure. Never refuses: a record that does not fit the image, or that holds a field or a kind this
// process does not know, stops the process and names the record.
#pragma once

#include "common/metadata/image.h"
#include "proto/metadata/records.pb.h"

namespace weir::metadata {

Image Apply(Image image, const v1::Record& record);

// The whole entry at (index, term), which lies after the image's last.
Image Apply(Image image, const v1::Entry& entry, LogIndex index, Term term);

}  // namespace weir::metadata
