// SPDX-License-Identifier: Apache-2.0
#include "storage/log/producers_model.h"

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <sstream>
#include <vector>

#include "storage/log/producer_snapshot.h"

namespace weir::log {
namespace {

using records::BatchHeader;

constexpr int64_t kSequences = int64_t{1} << 31;

// What the rules say, from the list of all batches alone.
class Model {
 public:
  struct Verdict {
    ErrorCode code = ErrorCode::kNone;
    const BatchHeader* repeats = nullptr;
  };

  Verdict Judge(const BatchHeader& header) const {
    std::vector<const BatchHeader*> own = LastRun(header.producer_id);
    if (own.empty()) {
      return {header.base_sequence > 0 ? ErrorCode::kUnknownProducerId : ErrorCode::kNone, nullptr};
    }
    ProducerEpoch epoch = own.back()->producer_epoch;
    if (header.producer_epoch < epoch) return {ErrorCode::kInvalidProducerEpoch, nullptr};
    std::erase_if(own, [](const BatchHeader* batch) { return batch->base_sequence < 0; });
    if (header.producer_epoch > epoch || own.empty()) {
      return {header.base_sequence == 0 ? ErrorCode::kNone : ErrorCode::kOutOfOrderSequenceNumber,
              nullptr};
    }
    for (size_t back = 1; back <= std::min<size_t>(5, own.size()); ++back) {
      const BatchHeader* batch = own[own.size() - back];
      if (batch->base_sequence == header.base_sequence && batch->count == header.count) {
        return {ErrorCode::kNone, batch};
      }
    }
    int64_t next = (int64_t{own.back()->base_sequence} + own.back()->count) % kSequences;
    bool is_next = header.base_sequence == next;
    return {is_next ? ErrorCode::kNone : ErrorCode::kOutOfOrderSequenceNumber, nullptr};
  }

  void Append(const BatchHeader& header) { log_.push_back(header); }
  void Cut(size_t batches) { log_.resize(batches); }
  const std::vector<BatchHeader>& log() const { return log_; }
  Offset end() const { return log_.empty() ? Offset(0) : log_.back().end_offset(); }

 private:
  // Its last batches of one epoch and of sequences without a gap.
  std::vector<const BatchHeader*> LastRun(ProducerId id) const {
    std::vector<const BatchHeader*> run;
    int64_t next = -1;
    for (const BatchHeader& batch : log_) {
      if (batch.producer_id != id) continue;
      bool has_sequence = batch.base_sequence >= 0;
      bool follows = !run.empty() && run.back()->producer_epoch == batch.producer_epoch &&
                     (!has_sequence || next < 0 || batch.base_sequence == next);
      if (!follows) run.clear();
      if (!follows && !has_sequence) next = -1;
      if (has_sequence) next = (int64_t{batch.base_sequence} + batch.count) % kSequences;
      run.push_back(&batch);
    }
    return run;
  }

  std::vector<BatchHeader> log_;
};

Producers Folded(const std::vector<BatchHeader>& log, size_t from = 0, Producers producers = {}) {
  for (; from < log.size(); ++from) producers.Apply(log[from]);
  return producers;
}

Producers Reread(const Producers& producers) {
  auto read = DecodeProducerSnapshot(EncodeProducerSnapshot(producers), producers.changed_end());
  return read ? *read : Producers();
}

class Trial {
 public:
  explicit Trial(uint64_t seed) : random_(seed) {}

  std::string Run() {
    for (int step = 0; step < 150 && fault_.str().empty(); ++step) {
      switch (random_() % 12) {
        case 0:
          Restart();
          break;
        case 1:
          Cut();
          break;
        case 2:
          snapshot_ = producers_;
          snapshot_batches_ = model_.log().size();
          break;
        default:
          Write();
      }
      Compare();
    }
    return fault_.str();
  }

 private:
  // Mostly what the producer would send next, or what it sent lately; sometimes anything.
  BatchHeader Draw() {
    BatchHeader header;
    header.producer_id = ProducerId(static_cast<int64_t>(random_() % 3));
    header.count = 1 + static_cast<int32_t>(random_() % 3);
    header.producer_epoch = ProducerEpoch(0);
    header.base_sequence =
        static_cast<int32_t>((kSequences - 8 + static_cast<int64_t>(random_() % 16)) % kSequences);
    std::vector<const BatchHeader*> own;
    for (const BatchHeader& batch : model_.log()) {
      if (batch.producer_id == header.producer_id) own.push_back(&batch);
    }
    if (!own.empty() && random_() % 10 != 0) {
      const BatchHeader& last = *own.back();
      header.producer_epoch = last.producer_epoch;
      header.base_sequence =
          static_cast<int32_t>((int64_t{last.base_sequence} + last.count) % kSequences);
      if (random_() % 3 == 0)
        header = *own[own.size() - 1 - random_() % std::min<size_t>(own.size(), 7)];
    }
    switch (random_() % 16) {
      case 0:
        header.producer_epoch =
            ProducerEpoch(static_cast<int16_t>(header.producer_epoch.value() + 1));
        if (random_() % 3 != 0) header.base_sequence = 0;
        break;
      case 1:
        header.producer_epoch =
            ProducerEpoch(static_cast<int16_t>(std::max(0, header.producer_epoch.value() - 1)));
        break;
      case 2:
        header.base_sequence = 0;
        break;
      case 3:
        // A coordinator's marker.
        header.base_sequence = records::kNoSequence;
        header.attributes = 0x30;
        header.count = 1;
        break;
      default:
        break;
    }
    header.last_offset_delta = header.count - 1;
    header.base_offset = Offset(0);
    header.max_timestamp = {static_cast<int64_t>(random_() % 1'000'000)};
    return header;
  }

  void Write() {
    BatchHeader header = Draw();
    bool is_marker = header.base_sequence < 0;
    auto judged = producers_.Judge(header);
    Model::Verdict expected = model_.Judge(header);
    // An older epoch is refused to a coordinator too; it has no sequence to be wrong.
    if (is_marker && expected.code == ErrorCode::kOutOfOrderSequenceNumber) expected = {};
    ErrorCode code = judged ? ErrorCode::kNone : judged.error().code;
    if (code != expected.code) {
      fault_ << header << " was answered " << NameOf(code) << ", and is to be "
             << NameOf(expected.code);
      return;
    }
    if (!judged) {
      // A leader that remembered more, or another broker, may have taken it.
      bool was_taken = code == ErrorCode::kUnknownProducerId && random_() % 2 == 0;
      if (was_taken) Append(header);
      return;
    }
    if (judged->has_value() != (expected.repeats != nullptr)) {
      fault_ << header << (*judged ? " is new" : " was written before");
      return;
    }
    if (*judged) {
      const Producers::Batch& original = **judged;
      if (original.first != expected.repeats->base_offset ||
          original.last != expected.repeats->last_offset() ||
          original.timestamp != expected.repeats->max_timestamp) {
        fault_ << header << " was told offset " << original.first << ", and repeats "
               << *expected.repeats;
      }
      return;
    }
    Append(header);
  }

  void Append(BatchHeader header) {
    header.base_offset = model_.end();
    model_.Append(header);
    producers_.Apply(header);
    follower_.Apply(header);
  }

  void Restart() {
    bool has_snapshot = random_() % 2 == 0;
    producers_ = has_snapshot ? Folded(model_.log(), snapshot_batches_, Reread(snapshot_))
                              : Folded(model_.log());
  }

  void Cut() {
    if (random_() % 2 == 0) return;
    model_.Cut(model_.log().size() - random_() % (model_.log().size() / 4 + 1));
    if (snapshot_batches_ > model_.log().size()) {
      snapshot_ = {};
      snapshot_batches_ = 0;
    }
    // What changed nothing above the cut is kept as it is, as a log does.
    if (producers_.changed_end() > model_.end()) Restart();
    if (follower_.changed_end() > model_.end()) follower_ = Folded(model_.log());
  }

  void Compare() {
    if (!fault_.str().empty()) return;
    if (producers_ != Folded(model_.log())) fault_ << "the fold depends on where it began";
    if (producers_ != follower_) fault_ << "a follower knows other producers than its leader";
    if (producers_ != Reread(producers_)) fault_ << "what is encoded is not what is decoded";
    for (const auto& [id, producer] : producers_.by_id()) {
      if (producer.batches.size() > Producers::kBatchesMax) fault_ << "too many batches are known";
    }
  }

  std::mt19937_64 random_;
  Model model_;
  Producers producers_;
  Producers follower_;
  Producers snapshot_;
  size_t snapshot_batches_ = 0;
  std::ostringstream fault_;
};

}  // namespace

std::string FaultOfProducers(uint64_t seed) { return Trial(seed).Run(); }

}  // namespace weir::log
