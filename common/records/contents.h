// SPDX-License-Identifier: Apache-2.0
// What a batch holds, decompressed where it is compressed, and batches made anew of it: with
// another compression, of the same records. Bounded; pure.
#pragma once

#include <string_view>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/error_code.h"
#include "common/codec/compression.h"
#include "common/records/batch.h"
#include "common/records/record_reader.h"

namespace weir::records {

// What producers may pack into one batch. As many bytes are held at most where a batch is read.
inline constexpr size_t kContentsBytesMax = size_t{128} << 20;

class Contents {
 public:
  // Of `batch`, which is exactly the header's, and whose checksum was found right. INVALID_RECORD
  // where what is compressed is spoiled (whoever sends it again sends the same), MESSAGE_TOO_LARGE
  // where it holds more than `bytes_max`.
  static Answer<Contents> Of(const BatchHeader& header, const Bytes& batch,
                             size_t bytes_max = kContentsBytesMax);

  // The records one behind the other.
  const Bytes& bytes() const { return bytes_; }
  // What it reads are views into bytes().
  RecordReader Records(RecordReader::Offsets offsets = RecordReader::Offsets::kSome) const {
    return RecordReader::OfContents(header_, bytes_.view(), offsets);
  }

 private:
  Contents(const BatchHeader& header, Bytes bytes) : header_(header), bytes_(std::move(bytes)) {}

  BatchHeader header_;
  Bytes bytes_;
};

// The batch of `header` and the records in `contents`, in that compression. All else that the
// header says stays: offsets, producer, sequences, timestamps. `level` as in codec::Compress.
Bytes Repacked(BatchHeader header, std::string_view contents, Compression compression, int level);

}  // namespace weir::records
