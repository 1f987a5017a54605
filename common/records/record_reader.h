// SPDX-License-Identifier: Apache-2.0
// Reads the records of one batch, in their order. Never reads outside of the batch, whatever its
// bytes say. What it returns are views into the batch.
#pragma once

#include <optional>
#include <string_view>

#include "common/base/error_code.h"
#include "common/codec/reader.h"
#include "common/records/batch.h"
#include "common/records/record.h"

namespace weir::records {

class RecordReader {
 public:
  enum class Offsets {
    kSome,  // They rise: compaction takes records away.
    kAll,   // Each of the batch has its record, as a producer sends them.
  };

  // `batch` begins with the header's batch, whole, and outlives the records that are read. Where
  // they are compressed, see contents.h.
  RecordReader(const BatchHeader& header, std::string_view batch, Offsets offsets = Offsets::kSome);

  // The records of that header's batch, which were decompressed into `contents`.
  static RecordReader OfContents(BatchHeader header, std::string_view contents,
                                 Offsets offsets = Offsets::kSome);

  // The next record; nothing after the last. INVALID_RECORD where the bytes are not what the header
  // says, UNSUPPORTED_COMPRESSION_TYPE where they are compressed; after that nothing comes.
  Answer<std::optional<Record>> Next();

 private:
  struct Uncompressed {};
  RecordReader(const BatchHeader& header, std::string_view contents, Offsets offsets, Uncompressed)
      : header_(header), rest_(contents), offsets_(offsets) {}

  std::unexpected<Refusal> Invalid(std::string_view what);

  BatchHeader header_;
  codec::Reader rest_;
  Offsets offsets_;
  int32_t read_ = 0;
  int64_t last_delta_ = -1;
};

}  // namespace weir::records
