// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/scrubber.h"

#include <glog/logging.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>

#include "common/host/task.h"
#include "common/identity/data_folder.h"
#include "storage/broker/directory.h"
#include "storage/broker/partitions.h"

namespace weir::broker {
namespace {

constexpr char kFile[] = "scrubbed";
constexpr size_t kChunkBytes = 1 << 20;
// Partitions with nothing to read, one after the other in one turn.
constexpr int kPassedPerTurn = 100;
constexpr Duration kTurn = std::chrono::milliseconds(50);
// No answer takes as long, unless the log went away with it.
constexpr Duration kAnswerMax = std::chrono::minutes(1);

struct Place {
  PartitionId partition;
  Offset offset;
};

std::string Encode(const Place& place) {
  std::ostringstream words;
  words << place.partition.topic.ToString() << ' ' << place.partition.index << ' ' << place.offset
        << '\n';
  return words.str();
}

// Whatever is not right with it: then a round begins anew.
std::optional<Place> Decode(const std::string& text) {
  std::istringstream words(text);
  std::string topic;
  int32_t index = 0;
  int64_t offset = 0;
  if (!(words >> topic >> index >> offset) || offset < 0) return std::nullopt;
  auto id = TopicId::Parse(topic);
  if (!id) return std::nullopt;
  return Place{{*id, PartitionIndex(index)}, Offset(offset)};
}

}  // namespace

// Of one directory.
class Scrubber::Round {
 public:
  Round(host::Host host, Scrubber* scrubber, const Partitions* partitions, Directory* directory,
        ScrubConfig config)
      : host_(host),
        scrubber_(scrubber),
        partitions_(partitions),
        directory_(directory),
        config_(config),
        timer_(host.strand, [this] { Go(); }) {}

  void Start() {
    began_ = noted_ = host_.clock.Now();
    host::Spawn<Result<std::string>>(identity::ReadFile(directory_->host().disk, kFile),
                                     lifetime_.Bind([this](Result<std::string> text) {
                                       auto place = text ? Decode(*text) : std::nullopt;
                                       if (place) {
                                         at_ = place->partition;
                                         next_ = place->offset;
                                       }
                                       Go();
                                     }));
  }

 private:
  void Go() {
    if (!directory_->works()) return;
    ++turn_;
    NoteSometimes();
    for (int passed = 0; passed < kPassedPerTurn; ++passed) {
      partition::Partition* partition = Present();
      if (!partition) return;
      if (log::Log* log = partition->settled_log()) return Read(*log);
      Pass();
    }
    timer_.Set(host_.clock.Now() + kTurn);
  }

  // The partition at which it is, or the next one; null where the round is over.
  partition::Partition* Present() {
    partition::Partition* partition =
        partitions_->FirstIn(*directory_, at_.value_or(PartitionId()),
                             is_passed_ ? Partitions::Bound::kBehind : Partitions::Bound::kFrom);
    if (!partition) {
      EndRound();
      return nullptr;
    }
    if (at_ != partition->id() || is_passed_) next_ = Offset(0);
    at_ = partition->id();
    is_passed_ = false;
    return partition;
  }

  void Pass() { is_passed_ = true; }

  void Read(log::Log& log) {
    // What comes later than that is not waited for.
    timer_.Set(host_.clock.Now() + kAnswerMax);
    log.Scrub(next_, kChunkBytes,
              lifetime_.Bind([this, turn = turn_, from = next_](Result<log::Scrubbed> scrubbed) {
                if (turn == turn_) HasRead(from, std::move(scrubbed));
              }));
  }

  void HasRead(Offset from, Result<log::Scrubbed> scrubbed) {
    // What could not be read now has its turn in the next round.
    if (!scrubbed) VLOG(1) << "scrubbing " << *at_ << ": " << scrubbed.error();
    const bool is_done = !scrubbed || scrubbed->next <= from;
    const uint64_t bytes = scrubbed ? scrubbed->bytes : 0;
    if (is_done) {
      Pass();
    } else {
      next_ = scrubbed->next;
    }
    scrubber_->bytes_ += bytes;
    const Duration pause = std::chrono::nanoseconds(static_cast<int64_t>(bytes) * 1'000'000'000 /
                                                    config_.bytes_per_second);
    timer_.Set(host_.clock.Now() + pause);
  }

  void EndRound() {
    ++scrubber_->rounds_;
    at_.reset();
    is_passed_ = false;
    next_ = Offset(0);
    const Instant next = std::max(began_ + config_.round_min, host_.clock.Now() + kTurn);
    began_ = next;
    timer_.Set(next);
  }

  // It may be lost: then some is read again.
  void NoteSometimes() {
    if (host_.clock.Now() - noted_ < config_.noted_every || is_noting_) return;
    noted_ = host_.clock.Now();
    is_noting_ = true;
    std::string text = at_ ? Encode({*at_, next_}) : "";
    host::Spawn<Result<void>>(
        identity::ReplaceFile(directory_->host().disk, kFile, std::move(text)),
        lifetime_.Bind([this](const Result<void>& noted) {
          is_noting_ = false;
          if (!noted) LOG(WARNING) << "cannot note how far it is scrubbed: " << noted.error();
        }));
  }

  host::Host host_;
  Scrubber* const scrubber_;
  const Partitions* const partitions_;
  Directory* const directory_;
  const ScrubConfig config_;
  std::optional<PartitionId> at_;
  // It is done with that one.
  bool is_passed_ = false;
  Offset next_;
  uint64_t turn_ = 0;
  Instant began_;
  Instant noted_;
  bool is_noting_ = false;
  host::DeadlineTimer timer_;
  Lifetime lifetime_;
};

Scrubber::Scrubber(host::Host host, const Partitions* partitions,
                   std::vector<Directory*> directories, ScrubConfig config) {
  if (config.bytes_per_second <= 0) return;
  for (Directory* directory : directories) {
    running_.push_back(std::make_unique<Round>(host, this, partitions, directory, config));
  }
}

Scrubber::~Scrubber() = default;

void Scrubber::Start() {
  for (const auto& round : running_) round->Start();
}

}  // namespace weir::broker
