// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/high_watermarks.h"

#include <glog/logging.h>

#include <string>
#include <utility>

#include "common/identity/data_folder.h"

namespace weir::broker {
namespace {

constexpr Duration kWrittenEvery = std::chrono::seconds(5);

}  // namespace

void HighWatermarks::Read(Callback<void()> done) {
  host::Spawn<Result<std::string>>(
      identity::ReadFile(host_.disk, kHighWatermarksFile),
      lifetime_.Bind([this, done = std::move(done)](Result<std::string> text) mutable {
        Result<OffsetCheckpoint> read;
        if (text) {
          read = CheckpointOf(*text);
        } else if (text.error().kind != Error::Kind::kNotFound) {
          read = std::unexpected(text.error());
        }
        if (read) {
          known_ = written_ = std::move(*read);
        } else {
          LOG(ERROR) << "the high watermarks are learnt anew: " << read.error();
        }
        done();
      }));
}

Offset HighWatermarks::Of(const PartitionId& partition) const {
  auto known = known_.find(partition);
  return known == known_.end() ? Offset(0) : known->second;
}

void HighWatermarks::Watch(std::function<OffsetCheckpoint()> current) {
  CHECK(!current_);
  current_ = std::move(current);
  WriteLater();
}

void HighWatermarks::WriteLater() {
  host_.strand.Cancel(timer_);
  timer_ = host_.strand.RunAt(host_.clock.Now() + kWrittenEvery, lifetime_.Bind([this] {
    timer_ = 0;
    Write(lifetime_.Bind([this] { WriteLater(); }));
  }));
}

void HighWatermarks::Write(Callback<void()> done) {
  if (is_writing_) return again_.push_back(std::move(done));
  OffsetCheckpoint now = current_ ? current_() : written_;
  if (now == written_) return host_.strand.Post(std::move(done));
  is_writing_ = true;
  std::string text = TextOf(now);
  host::Spawn<Result<void>>(identity::ReplaceFile(host_.disk, kHighWatermarksFile, std::move(text)),
                            lifetime_.Bind([this, now = std::move(now),
                                            done = std::move(done)](Result<void> how) mutable {
                              Written(how, std::move(now), std::move(done));
                            }));
}

void HighWatermarks::Written(const Result<void>& how, OffsetCheckpoint what,
                             Callback<void()> done) {
  is_writing_ = false;
  if (how) {
    written_ = std::move(what);
  } else {
    LOG(ERROR) << "cannot write down the high watermarks: " << how.error();
  }
  for (Callback<void()>& each : std::exchange(again_, {})) Write(std::move(each));
  done();
}

}  // namespace weir::broker
