// SPDX-License-Identifier: Apache-2.0
// A partition's log as the cleaner sees it. While the log is being opened, cut or closed it has
// nothing to clean, and what was asked of it is refused. One strand; outlived by its partition.
#pragma once

#include <string>
#include <vector>

#include "common/host/strand.h"
#include "storage/compaction/driver/cleanable_log.h"
#include "storage/partition/partition.h"

namespace weir::broker {

class CompactedLog final : public compaction::CleanableLog {
 public:
  CompactedLog(host::Strand& strand, partition::Partition* partition)
      : strand_(strand), partition_(partition) {}

  Offset start() const override;
  Offset end() const override;
  Offset stable_end() const override;
  std::vector<compaction::ClosedSegment> Closed() const override;
  compaction::ProducerBatches Producers() const override;
  void Read(Offset from, Offset limit, size_t max_bytes,
            Callback<void(Result<Bytes>)> done) override;
  std::string CleanedPath(Offset base) const override;
  void Replace(std::vector<Offset> bases, Callback<void(Result<void>)> done) override;

 private:
  host::Strand& strand_;
  partition::Partition* const partition_;
};

}  // namespace weir::broker
