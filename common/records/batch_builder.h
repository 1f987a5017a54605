// SPDX-License-Identifier: Apache-2.0
// Builds one uncompressed record batch, record by record. Its base offset is 0 and its leader epoch
// -1, for the leader to stamp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/records/batch.h"
#include "common/records/record.h"

namespace weir::records {

// A batch of a header and the bytes of its records, which are compressed as the header says; its
// length and its checksum become what they must be.
Bytes AssembleBatch(BatchHeader header, std::string_view records);

class BatchBuilder {
 public:
  BatchBuilder();

  void Add(WallTime timestamp, std::optional<std::string_view> key,
           std::optional<std::string_view> value, std::span<const Header> headers = {});

  // Makes the batch idempotent. The records take the sequences from `base_sequence` on.
  void SetProducer(ProducerId id, ProducerEpoch epoch, int32_t base_sequence);

  // Bits of the header's attributes, beside the compression: for coordinators, and for tests.
  void SetAttributes(int16_t attributes);

  int32_t count() const { return header_.count; }
  bool empty() const { return header_.count == 0; }
  // Of the batch as it stands, in bytes.
  size_t size() const { return bytes_.size(); }
  // What Add would make of size(), at the most.
  size_t SizeWith(std::optional<std::string_view> key, std::optional<std::string_view> value,
                  std::span<const Header> headers = {}) const;

  // The batch; the builder is empty after. At least one record must have been added.
  Bytes Build();

 private:
  BatchHeader header_;
  // Room for the header, then the records.
  std::string bytes_;
  std::string record_;
};

}  // namespace weir::records
