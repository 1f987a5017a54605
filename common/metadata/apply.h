// SPDX-License-Identifier: Apache-2.0
// The fold: the one place where the cluster's metadata changes, on controllers and nodes alike.
// Pure. Two ways in, by who vouches for the record:
//  - Apply, for what this cluster's quorum has committed: a record that does not fit the image, or
//    that this version does not know, stops the process and names the record.
//  - Judge, for what only came over a port: the same fold, and the same words as an error. The
//    image that was given stays what it is.
#pragma once

#include "common/base/error.h"
#include "common/metadata/image.h"
#include "proto/metadata/records.pb.h"

namespace weir::metadata {

Image Apply(Image image, const v1::Record& record);

// The whole entry at (index, term), which lies after the image's last.
Image Apply(Image image, const v1::Entry& entry, LogIndex index, Term term);

// kInvalid.
Result<Image> Judge(Image image, const v1::Record& record);
Result<Image> Judge(Image image, const v1::Entry& entry, LogIndex index, Term term);

}  // namespace weir::metadata
