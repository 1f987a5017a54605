// SPDX-License-Identifier: Apache-2.0
// An open log as the cleaner sees it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "storage/compaction/driver/cleanable_log.h"
#include "storage/log/log.h"

namespace weir::compaction {

class LogView final : public CleanableLog {
 public:
  // The log outlives it. `stable_end` says below which offset nothing is ever cut.
  LogView(log::Log* log, std::function<Offset()> stable_end)
      : log_(*log), stable_end_(std::move(stable_end)) {}

  Offset start() const override { return log_.start(); }
  Offset end() const override { return log_.end(); }
  Offset stable_end() const override { return stable_end_(); }
  std::vector<ClosedSegment> Closed() const override;
  ProducerBatches Producers() const override { return log_.ProducerBatches(); }
  void Read(Offset from, Offset limit, size_t max_bytes,
            Callback<void(Result<Bytes>)> done) override {
    log_.Read(from, limit, max_bytes, std::move(done));
  }
  std::string CleanedPath(Offset base) const override { return log_.CleanedPath(base); }
  void Replace(std::vector<Offset> bases, Callback<void(Result<void>)> done) override {
    log_.Replace(std::move(bases), std::move(done));
  }

 private:
  log::Log& log_;
  const std::function<Offset()> stable_end_;
};

}  // namespace weir::compaction
