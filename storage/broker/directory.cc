// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/directory.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace weir::broker {
namespace {

// A twentieth for small disks.
constexpr uint64_t kMinFreeShare = 20;
// A disk that was full takes appends again with an eighth more than it must keep: so that it does
// not waver.
constexpr uint64_t kRoomShare = 8;

std::string Megabytes(uint64_t bytes) {
  constexpr uint64_t kMegabyte = 1 << 20;
  if (bytes < kMegabyte) return std::to_string(bytes) + " bytes";
  return std::to_string(bytes / kMegabyte) + " MiB";
}

}  // namespace

Directory::Directory(host::Host host, host::Disk& disk, std::string path, DirectoryId id,
                     RoomConfig config, Callback<void(const Error&)> failed)
    : host_(host),
      path_(std::move(path)),
      id_(id),
      config_(config),
      disk_(disk, host.strand,
            [this, failed = std::move(failed)](const Error& error) mutable {
              host_.strand.Post(
                  lifetime_.Bind([failed = std::move(failed), error]() mutable { failed(error); }));
            }),
      files_(disk_, host.strand),
      high_watermarks_(this->host()),
      cleaner_(this->host(), "", {}),
      timer_(host.strand, [this] { Measure(); }) {}

void Directory::Fail(const Error& error) {
  disk_.Fence(error);
  high_watermarks_.Unwatch();
}

// Its file stays open, whatever else is.
void Directory::OpenJournal(journal::JournalOptions options, Callback<void(Result<void>)> done) {
  CHECK(!journal_);
  options.may_grow = [this](uint64_t bytes) { return Take(bytes); };
  host::Host host{host_.clock, host_.strand, disk_, host_.network, host_.random};
  journal::OpenJournal(
      host, kJournalFile, options,
      lifetime_.Bind(
          [this, done = std::move(done)](Result<std::unique_ptr<journal::Journal>> opened) mutable {
            if (!opened) return done(std::unexpected(opened.error()));
            journal_ = std::move(*opened);
            done({});
          }));
}

void Directory::Watch() { Measure(); }

void Directory::Measure() {
  if (!works()) return;
  const uint64_t before = admitted_;
  disk_.Measure(lifetime_.Bind([this, before](Result<host::Space> space) {
    if (space) {
      // What was admitted while it was measured may or may not be in the figure.
      admitted_ -= before;
      Measured(*space);
    } else {
      LOG(WARNING) << "cannot tell how much room is left in " << path_ << ": " << space.error();
    }
    timer_.Set(host_.clock.Now() + config_.measured_every);
  }));
}

void Directory::Measured(const host::Space& space) {
  space_ = space;
  min_free_ = config_.min_free.value_or(std::min(space.total / kMinFreeShare, kMinFreeMost));
  SetFull(*free() < min_free_ + (is_full_ ? min_free_ / kRoomShare : 0));
}

void Directory::SetFull(bool is_full) {
  if (std::exchange(is_full_, is_full) == is_full) return;
  if (is_full_) {
    LOG(ERROR) << "data folder " << path_ << " is full: " << Megabytes(*free()) << " of "
               << Megabytes(space_->total) << " are free, and " << Megabytes(min_free_)
               << " are kept: producers are refused until there is more";
  } else {
    LOG(INFO) << "data folder " << path_ << " has room again: " << Megabytes(*free());
  }
}

std::optional<uint64_t> Directory::free() const {
  if (!space_) return std::nullopt;
  return space_->free - std::min(space_->free, admitted_);
}

bool Directory::Take(uint64_t bytes) {
  if (!space_ || is_full_ || *free() < min_free_ || *free() - min_free_ < bytes) return false;
  admitted_ += bytes;
  return true;
}

Answer<void> Directory::AdmitAppend(uint64_t bytes) {
  if (!space_ || Take(bytes)) return {};
  const uint64_t left = *free();
  const uint64_t needed = min_free_ + (is_full_ ? min_free_ / kRoomShare : bytes);
  // From the first that does not fit, nothing does: or small ones would pass large ones for ever.
  SetFull(true);
  return Refuse(ErrorCode::kKafkaStorageError,
                "no space left in the data folder of this replica: " + Megabytes(left) +
                    " are free and " + Megabytes(needed) +
                    " needed; reads go on, and appends when there is room");
}

}  // namespace weir::broker
