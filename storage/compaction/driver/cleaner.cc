// SPDX-License-Identifier: Apache-2.0
#include "storage/compaction/driver/cleaner.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "storage/log/files.h"

namespace weir::compaction {
namespace {

// Somebody has to make room first.
constexpr int kPausesWhenFull = 8;
constexpr int kLookedAtPerTurn = 500;

host::Task<Result<void>> WriteEnds(host::Disk& disk, std::string path, std::string text) {
  std::string fresh = path + ".tmp";
  auto wrote = co_await log::WriteWholeFile(disk, fresh, std::move(text), log::Durability::kSynced);
  if (wrote) wrote = co_await log::RenamePath(disk, fresh, path);
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "" : path.substr(0, slash);
  if (wrote) wrote = co_await log::SyncFolderNames(disk, folder);
  co_return wrote;
}

}  // namespace

Cleaner::Cleaner(host::Host host, std::string folder, CleanerOptions options)
    : host_(host),
      path_((folder.empty() ? folder : folder + "/") + std::string(kCleanEndsName)),
      options_(options),
      throttle_(std::make_shared<Throttle>(options.bytes_per_second)),
      timer_(host.strand, [this] { Look(); }) {}

Cleaner::~Cleaner() {
  if (running_) running_->stop->is_asked = true;
}

void Cleaner::Load() {
  if (std::exchange(is_loading_, true)) return;
  host::Spawn(log::ReadWholeFile(host_.disk, path_),
              Callback<void(Result<Bytes>)>(lifetime_.Bind([this](Result<Bytes> read) {
                Loaded(std::move(read));
                is_loaded_ = true;
                Look();
              })));
}

void Cleaner::Loaded(Result<Bytes> read) {
  if (!read && read.error().kind == Error::Kind::kNotFound) return;
  auto ends = read ? DecodeCleanEnds(read->view()) : std::nullopt;
  if (!ends) {
    LOG(WARNING) << path_ << " cannot be read, and compacted logs are cleaned from their starts: "
                 << (read ? "it is damaged" : read.error().message);
    return;
  }
  clean_ends_ = std::move(*ends);
  for (const auto& [id, end] : cut_before_loaded_) LowerTo(id, end);
  cut_before_loaded_.clear();
}

void Cleaner::Enter(const PartitionId& id, CleanableLog* log, const CompactionConfig& config) {
  Entered& entered = logs_[id];
  if (entered.log != log) entered = Entered{.log = log};
  entered.config = config;
  Load();
  Look();
}

void Cleaner::Leave(const PartitionId& id) {
  StopRun(id);
  logs_.erase(id);
}

void Cleaner::Cut(const PartitionId& id, Offset end) {
  StopRun(id);
  if (is_loaded_) return LowerTo(id, end);
  auto [cut, is_new] = cut_before_loaded_.emplace(id, end);
  cut->second = std::min(cut->second, end);
}

void Cleaner::LowerTo(const PartitionId& id, Offset end) {
  auto clean = clean_ends_.find(id);
  if (clean == clean_ends_.end() || clean->second <= end) return;
  clean->second = end;
  SaveSoon();
}

void Cleaner::Forget(const PartitionId& id) {
  Leave(id);
  if (clean_ends_.erase(id) > 0) SaveSoon();
}

std::map<PartitionId, Error> Cleaner::Uncleanable() const {
  std::map<PartitionId, Error> broken;
  for (const auto& [id, entered] : logs_) {
    if (entered.broken) broken.emplace(id, *entered.broken);
  }
  return broken;
}

std::optional<Offset> Cleaner::CleanEnd(const PartitionId& id) const {
  auto clean = clean_ends_.find(id);
  return clean == clean_ends_.end() ? std::nullopt : std::optional(clean->second);
}

std::optional<PartitionId> Cleaner::running() const {
  return running_ ? std::optional(running_->id) : std::nullopt;
}

void Cleaner::StopRun(const PartitionId& id) {
  if (running_ && running_->id == id) running_->stop->is_asked = true;
}

void Cleaner::Look() {
  timer_.Set(logs_.empty() ? Instant::Never() : host_.clock.Now() + options_.pause);
  // Many logs enter at once, and each of them asks.
  if (!is_loaded_ || running_ || std::exchange(is_looking_, true)) return;
  host_.strand.Post(lifetime_.Bind([this] { LookAtSome(); }));
}

// There may be thousands: a turn of the strand looks at some of them.
void Cleaner::LookAtSome() {
  auto at = looked_at_ ? logs_.upper_bound(*looked_at_) : logs_.begin();
  for (int i = 0; i < kLookedAtPerTurn && at != logs_.end(); ++i, ++at) {
    looked_at_ = at->first;
    auto candidate = CandidateOf(at->first, at->second);
    if (!candidate) continue;
    const Candidate both[] = {picked_.value_or(*candidate), *candidate};
    picked_ = *PickNext(both);
  }
  if (at != logs_.end()) return host_.strand.Post(lifetime_.Bind([this] { LookAtSome(); }));
  is_looking_ = false;
  looked_at_.reset();
  auto picked = std::exchange(picked_, std::nullopt);
  if (!picked) return;
  // It may have left meanwhile, and another log be there in its place.
  auto entered = logs_.find(picked->partition);
  if (entered != logs_.end()) picked = CandidateOf(entered->first, entered->second);
  if (entered != logs_.end() && picked) Begin(*picked);
}

// Nothing where the log is not due.
std::optional<Candidate> Cleaner::CandidateOf(const PartitionId& id, const Entered& entered) const {
  if (entered.broken || host_.clock.Now() < entered.not_before) return std::nullopt;
  LogExtent extent{.start = entered.log->start(),
                   .end = entered.log->end(),
                   .stable_end = entered.log->stable_end(),
                   .clean_end = CleanEnd(id),
                   .closed = entered.log->Closed()};
  Cleanable cleanable = FindCleanable(extent, entered.config, host_.clock.WallNow());
  if (!cleanable.is_due(entered.config)) return std::nullopt;
  return Candidate{id, cleanable, entered.config};
}

void Cleaner::Begin(const Candidate& candidate) {
  auto stop = std::make_shared<RunStop>();
  running_ = Running{candidate.partition, stop};
  host::Spawn(CleanLog(host_, logs_.at(candidate.partition).log, candidate.cleanable,
                       candidate.config, options_.run, throttle_, stop),
              Callback<void(Result<RunReport>)>(
                  lifetime_.Bind([this, id = candidate.partition, stop](Result<RunReport> report) {
                    running_.reset();
                    // Where it was stopped, the log is not the one any more that it was.
                    if (!stop->is_asked) Ended(id, report);
                    Look();
                  })));
}

void Cleaner::Ended(const PartitionId& id, const Result<RunReport>& report) {
  Entered& entered = logs_.at(id);
  if (!report) return Failed(id, entered, report.error());
  ++totals_.runs;
  totals_.bytes_before += report->bytes_before;
  totals_.bytes_after += report->bytes_after;
  // What cannot be judged yet is in its way.
  if (report->bytes_before == 0) entered.not_before = host_.clock.Now() + options_.pause;
  VLOG(1) << "cleaned " << id << " up to offset " << report->clean_end << ": "
          << report->records_before << " records, " << report->bytes_before << " bytes became "
          << report->records_after << ", " << report->bytes_after << "; " << report->keys
          << " keys in a map of " << report->map_bytes << " bytes";
  if (report->unreadable > 0) {
    LOG(WARNING) << id << " holds " << report->unreadable << " batches whose records nobody can "
                 << "read; compaction keeps them as they are";
  }
  clean_ends_[id] = report->clean_end;
  SaveSoon();
}

void Cleaner::Failed(const PartitionId& id, Entered& entered, const Error& error) {
  ++totals_.failed;
  entered.not_before = host_.clock.Now() + options_.pause;
  if (error.kind == Error::Kind::kUnavailable) {
    VLOG(1) << "cleaning " << id << " is put off: " << error;
  } else if (error.kind == Error::Kind::kFull) {
    LOG(ERROR) << "there is no space to clean " << id << " (" << error
               << "); it grows until there is some";
    entered.not_before = host_.clock.Now() + options_.pause * kPausesWhenFull;
  } else {
    LOG(ERROR) << "cannot clean " << id << ", which is left as it is and grows until its replica "
               << "is opened anew: " << error;
    entered.broken = error;
  }
}

// One write at a time; what changes meanwhile goes with the next.
void Cleaner::SaveSoon() {
  has_unsaved_ = true;
  if (is_saving_) return;
  is_saving_ = true;
  has_unsaved_ = false;
  host::Spawn(WriteEnds(host_.disk, path_, EncodeCleanEnds(clean_ends_)),
              Callback<void(Result<void>)>(lifetime_.Bind([this](Result<void> wrote) {
                is_saving_ = false;
                // What is clean is then cleaned again: that costs work, and no record.
                if (!wrote) LOG(ERROR) << "cannot write down what is clean: " << wrote.error();
                if (has_unsaved_) SaveSoon();
              })));
}

}  // namespace weir::compaction
