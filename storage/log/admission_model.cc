// SPDX-License-Identifier: Apache-2.0
#include "storage/log/admission_model.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <vector>

#include "common/records/batch_builder.h"
#include "common/records/contents.h"
#include "storage/log/admission.h"

namespace weir::log {
namespace {

using codec::Compression;
using records::BatchHeader;

constexpr int64_t kForEver = std::numeric_limits<int64_t>::max();
constexpr WallTime kNow{1'700'000'000'000};

struct Drawn {
  std::optional<std::string> key;
  std::string value;
  int64_t timestamp = 0;
};

class Trial {
 public:
  explicit Trial(uint64_t seed) : random_(seed) {}

  std::string Run() {
    DrawRules();
    DrawRecords();
    Bytes batch = DrawBatch();
    before_ = *records::ParseBatch(batch.view());
    std::set<ErrorCode> expected = Expected(batch.size());
    auto admitted = AdmitFromProducer(batch, Origin::kClient, rules_, max_bytes_, kNow);
    if (!admitted) {
      if (!expected.contains(admitted.error().code)) fault_ << "refused: " << admitted.error();
    } else if (!expected.empty()) {
      fault_ << "admitted, and is to be refused with " << NameOf(*expected.begin());
    } else {
      Compare(Join(admitted->Stamped(Offset(77), LeaderEpoch(3))), admitted->header);
    }
    return fault_.str();
  }

 private:
  bool OneIn(uint64_t n) { return random_() % n == 0; }
  Compression DrawCompression() { return codec::kCompressions[random_() % 5]; }

  void DrawRules() {
    rules_.stamps_append_time = OneIn(3);
    rules_.needs_keys = OneIn(3);
    if (OneIn(2)) rules_.compression = DrawCompression();
    if (OneIn(2)) rules_.timestamp_before_max_ms = static_cast<int64_t>(random_() % 2000);
    if (OneIn(2)) rules_.timestamp_after_max_ms = static_cast<int64_t>(random_() % 2000);
    if (OneIn(8)) rules_.timestamp_after_max_ms = kForEver;
    if (OneIn(6)) max_bytes_ = static_cast<int32_t>(100 + random_() % 400);
  }

  void DrawRecords() {
    for (uint64_t n = 1 + random_() % 5; n > 0; --n) {
      Drawn drawn;
      if (!OneIn(12)) drawn.key = std::string(random_() % 5, 'k');
      drawn.value = std::string(random_() % 60, static_cast<char>('a' + random_() % 26));
      drawn.timestamp = kNow.ms - 500 + static_cast<int64_t>(random_() % 1000);
      if (OneIn(12)) drawn.timestamp = -1;
      if (OneIn(12)) drawn.timestamp = static_cast<int64_t>(random_());
      // As a client draws its deltas: without an overflow.
      if (drawn.timestamp < -1) drawn.timestamp = 0;
      records_.push_back(drawn);
    }
  }

  Bytes DrawBatch() {
    records::BatchBuilder builder;
    for (const Drawn& drawn : records_) builder.Add({drawn.timestamp}, drawn.key, drawn.value);
    if (OneIn(2)) builder.SetProducer(ProducerId(9), ProducerEpoch(2), 40);
    Bytes batch = builder.Build();
    BatchHeader header = *records::ParseBatch(batch.view());
    // Its records tell another.
    if (OneIn(4)) header.max_timestamp.ms = static_cast<int64_t>(random_() >> (random_() % 40 + 1));
    return records::Repacked(header, batch.view().substr(records::kHeaderBytes), DrawCompression(),
                             codec::kUsualLevel);
  }

  Compression Target() const { return rules_.compression.value_or(before_.compression()); }

  bool IsRead() const {
    return before_.compression() == Compression::kNone || rules_.needs_keys ||
           Target() != before_.compression() ||
           (rules_.timestamp_before_max_ms != kForEver && !rules_.stamps_append_time);
  }

  bool IsOutOfBounds(int64_t timestamp) const {
    if (rules_.stamps_append_time || timestamp == -1) return false;
    __int128 ahead = static_cast<__int128>(timestamp) - kNow.ms;
    return ahead > rules_.timestamp_after_max_ms || -ahead > rules_.timestamp_before_max_ms;
  }

  // Every refusal that would be right; none where it is to be admitted.
  std::set<ErrorCode> Expected(size_t bytes) const {
    std::set<ErrorCode> expected;
    if (bytes > static_cast<size_t>(max_bytes_)) expected.insert(ErrorCode::kMessageTooLarge);
    if (!IsRead()) {
      if (IsOutOfBounds(before_.max_timestamp.ms)) expected.insert(ErrorCode::kInvalidTimestamp);
      return expected;
    }
    for (const Drawn& drawn : records_) {
      if (rules_.needs_keys && !drawn.key) expected.insert(ErrorCode::kInvalidRecord);
      if (IsOutOfBounds(drawn.timestamp)) expected.insert(ErrorCode::kInvalidTimestamp);
    }
    if (expected.empty() && Target() != before_.compression() && RepackedBytes() > max_bytes_) {
      expected.insert(ErrorCode::kMessageTooLarge);
    }
    return expected;
  }

  int64_t RepackedBytes() const {
    records::BatchBuilder builder;
    for (const Drawn& drawn : records_) builder.Add({drawn.timestamp}, drawn.key, drawn.value);
    Bytes plain = builder.Build();
    return static_cast<int64_t>(
        records::kHeaderBytes +
        codec::Compress(Target(), plain.view().substr(records::kHeaderBytes)).size());
  }

  int64_t LargestTimestamp() const {
    if (rules_.stamps_append_time) return kNow.ms;
    if (!IsRead()) return before_.max_timestamp.ms;
    int64_t largest = -1;
    for (const Drawn& drawn : records_) largest = std::max(largest, drawn.timestamp);
    return largest;
  }

  void Compare(const Bytes& batch, const BatchHeader& told) {
    auto header = records::ParseBatch(batch.view());
    if (!header || header->size() != batch.size()) {
      fault_ << "what is written is no batch";
      if (!header) fault_ << ": " << header.error();
      return;
    }
    BatchHeader expected = before_;
    expected.base_offset = Offset(77);
    expected.leader_epoch = LeaderEpoch(3);
    expected.max_timestamp.ms = LargestTimestamp();
    expected.attributes = static_cast<int16_t>(Target());
    if (rules_.stamps_append_time) expected.attributes |= records::kAppendTimeBit;
    expected.length = header->length;
    expected.checksum = header->checksum;
    if (*header != expected) fault_ << "it has other fields than its producer's: " << *header;
    BatchHeader stamped = told;
    stamped.base_offset = header->base_offset;
    stamped.leader_epoch = header->leader_epoch;
    if (stamped != *header) {
      fault_ << "the log is told another header than is written";
    }
    auto contents = records::Contents::Of(*header, batch);
    if (!contents) {
      fault_ << contents.error();
      return;
    }
    records::RecordReader reader = contents->Records(records::RecordReader::Offsets::kAll);
    for (const Drawn& drawn : records_) {
      auto record = reader.Next();
      int64_t timestamp = rules_.stamps_append_time ? kNow.ms : drawn.timestamp;
      if (!record || !*record || (*record)->key != drawn.key || (*record)->value != drawn.value ||
          (*record)->timestamp.ms != timestamp) {
        fault_ << "a record was changed or lost";
        return;
      }
    }
  }

  std::mt19937_64 random_;
  AdmissionRules rules_;
  int32_t max_bytes_ = 1 << 20;
  std::vector<Drawn> records_;
  BatchHeader before_;
  std::ostringstream fault_;
};

}  // namespace

std::string FaultOfAdmission(uint64_t seed) { return Trial(seed).Run(); }

}  // namespace weir::log
