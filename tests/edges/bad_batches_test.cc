// SPDX-License-Identifier: Apache-2.0
// Batches that a producer must not send, appends and fetches that cannot be: each is refused with
// its reason, and the log is not a byte longer.
#include <gtest/gtest.h>

#include <functional>

#include "common/codec/crc32c.h"
#include "tests/edges/caller.h"

namespace weir::edges {
namespace {

constexpr char kAppend[] = "/weir.log.v1.Log/Append";
constexpr char kFetch[] = "/weir.log.v1.Log/Fetch";

// Where the fields of a batch's header lie.
constexpr size_t kLengthAt = 8;
constexpr size_t kMagicAt = 16;
constexpr size_t kChecksumAt = 17;
constexpr size_t kCountAt = 57;
constexpr size_t kLastOffsetDeltaAt = 23;

void Put32(std::string& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
}

std::string WithChecksum(std::string batch) {
  Put32(batch, kChecksumAt,
        codec::Crc32c(std::string_view(batch).substr(records::kChecksumCoversFrom)));
  return batch;
}

struct BatchCase {
  std::string what;
  std::function<std::string(records::BatchBuilder&)> batch;
  std::string reason;
  std::string phrase;
};

std::string Plain(records::BatchBuilder& builder) { return builder.Build().ToString(); }

std::vector<BatchCase> BatchCases() {
  return {
      {"bad checksum",
       [](auto& b) {
         auto batch = Plain(b);
         batch.back() ^= 1;
         return batch;
       },
       "CORRUPT_MESSAGE", "CRC-32C"},
      {"magic 1",
       [](auto& b) {
         auto batch = Plain(b);
         batch[kMagicAt] = 1;
         return batch;
       },
       "UNSUPPORTED_FOR_MESSAGE_FORMAT", "magic 1"},
      {"a length beyond the bytes",
       [](auto& b) {
         auto batch = Plain(b);
         Put32(batch, kLengthAt, 5000);
         return batch;
       },
       "CORRUPT_MESSAGE", "cut short"},
      {"a length short of the bytes",
       [](auto& b) {
         auto batch = Plain(b);
         Put32(batch, kLengthAt, 51);
         return batch;
       },
       "", ""},
      {"a negative length",
       [](auto& b) {
         auto batch = Plain(b);
         Put32(batch, kLengthAt, -1u);
         return batch;
       },
       "CORRUPT_MESSAGE", "length is -1"},
      {"half a header", [](auto& b) { return Plain(b).substr(0, 30); }, "CORRUPT_MESSAGE",
       "cut short"},
      {"nothing at all", [](auto&) { return std::string(); }, "CORRUPT_MESSAGE", "cut short"},
      {"two batches",
       [](auto& b) {
         auto batch = Plain(b);
         return batch + batch;
       },
       "INVALID_RECORD", "one batch at a time"},
      {"larger than max.message.bytes",
       [](auto& b) {
         b.Add(WallTime{}, std::nullopt, std::string(1 << 20, 'x'));
         return Plain(b);
       },
       "MESSAGE_TOO_LARGE", "max.message.bytes"},
      {"no records",
       [](auto& b) {
         auto batch = Plain(b).substr(0, records::kHeaderBytes);
         Put32(batch, kLengthAt, records::kHeaderBytes - records::kLengthCountsFrom);
         Put32(batch, kCountAt, 0);
         return WithChecksum(batch);
       },
       "INVALID_RECORD", "no records"},
      {"a count that lies",
       [](auto& b) {
         auto batch = Plain(b);
         Put32(batch, kCountAt, 1000);
         Put32(batch, kLastOffsetDeltaAt, 999);
         return WithChecksum(batch);
       },
       "INVALID_RECORD", ""},
      {"transactional",
       [](auto& b) {
         b.SetProducer(ProducerId(1), ProducerEpoch(0), 0);
         b.SetAttributes(0x10);
         return Plain(b);
       },
       "INVALID_RECORD", "transactional"},
      {"control batch",
       [](auto& b) {
         b.SetAttributes(0x20);
         return Plain(b);
       },
       "INVALID_RECORD", "control batch"},
      {"a compression that is not known",
       [](auto& b) {
         b.SetAttributes(0x07);
         return Plain(b);
       },
       "UNSUPPORTED_COMPRESSION_TYPE", ""},
      {"a producer id below -1",
       [](auto& b) {
         b.SetProducer(ProducerId(-7), ProducerEpoch(0), 0);
         return Plain(b);
       },
       "INVALID_RECORD", "producer id -7"},
  };
}

using BadBatches = CallerTest;

TEST_F(BadBatches, AreRefusedWithTheirReason) {
  int64_t end = Offsets().log_end();
  for (const BatchCase& row : BatchCases()) {
    SCOPED_TRACE(row.what);
    records::BatchBuilder builder;
    builder.Add(Now(), "key", "value");
    auto request = AppendOf(row.batch(builder));
    ExpectRefused(Call(LeaderEndpoint(), kAppend, request.SerializeAsString()), row.reason,
                  row.phrase);
    EXPECT_EQ(Offsets().log_end(), end);
  }
}

TEST_F(BadBatches, LeaveNoGapInAProducersSequence) {
  struct Case {
    int32_t sequence;
    std::string reason;
  };
  for (const Case& row : std::vector<Case>{{0, ""}, {5, "OUT_OF_ORDER_SEQUENCE_NUMBER"}, {1, ""}}) {
    SCOPED_TRACE(row.sequence);
    records::BatchBuilder builder;
    builder.Add(Now(), "key", "value");
    builder.SetProducer(ProducerId(77), ProducerEpoch(0), row.sequence);
    Answered answered =
        Call(LeaderEndpoint(), kAppend, AppendOf(builder.Build().ToString()).SerializeAsString());
    if (row.reason.empty()) {
      EXPECT_TRUE(answered.status.ok()) << answered.status.message;
    } else {
      ExpectRefused(answered, row.reason, "");
    }
  }
}

struct AppendCase {
  std::string what;
  std::function<void(log::v1::AppendRequest&)> change;
  std::string reason;
  std::string phrase;
};

TEST_F(BadBatches, AndAppendsThatCannotBeAreRefused) {
  const std::vector<AppendCase> cases = {
      {"acks 2", [](auto& r) { r.set_acks(2); }, "INVALID_REQUIRED_ACKS", "not 2"},
      {"acks -2", [](auto& r) { r.set_acks(-2); }, "INVALID_REQUIRED_ACKS", "not -2"},
      {"a short topic id", [](auto& r) { r.set_topic_id("abc"); }, "INVALID_REQUEST", "16 bytes"},
      {"no topic id", [](auto& r) { r.clear_topic_id(); }, "INVALID_REQUEST", "16 bytes"},
      {"an unknown topic", [](auto& r) { r.set_topic_id(std::string(16, 'x')); },
       "UNKNOWN_TOPIC_ID", "no topic has the id"},
      {"an unknown partition", [](auto& r) { r.set_partition(1); }, "UNKNOWN_TOPIC_OR_PARTITION",
       "no partition 1"},
      {"a negative partition", [](auto& r) { r.set_partition(-1); }, "UNKNOWN_TOPIC_OR_PARTITION",
       "no partition -1"},
      {"a negative timeout", [](auto& r) { r.set_timeout_ms(-1); }, "INVALID_REQUEST",
       "timeout_ms"},
      {"a future leader epoch", [](auto& r) { r.set_leader_epoch(1000); }, "UNKNOWN_LEADER_EPOCH",
       "not 1000"},
      {"a past leader epoch", [](auto& r) { r.set_leader_epoch(-5); }, "FENCED_LEADER_EPOCH",
       "not -5"},
  };
  int64_t end = Offsets().log_end();
  records::BatchBuilder builder;
  builder.Add(Now(), "key", "value");
  const std::string batch = builder.Build().ToString();
  for (const AppendCase& row : cases) {
    SCOPED_TRACE(row.what);
    auto request = AppendOf(batch);
    row.change(request);
    ExpectRefused(Call(LeaderEndpoint(), kAppend, request.SerializeAsString()), row.reason,
                  row.phrase);
  }
  EXPECT_EQ(Offsets().log_end(), end);
}

TEST_F(BadBatches, OnAStreamTheyAreAnsweredInTheirTurn) {
  records::BatchBuilder builder;
  builder.Add(Now(), "key", "value");
  const std::string good = builder.Build().ToString();
  std::string bad = good;
  bad.back() ^= 1;
  Answered answered = Stream(LeaderEndpoint(), "/weir.log.v1.Log/AppendStream",
                             {AppendOf(good).SerializeAsString(), AppendOf(bad).SerializeAsString(),
                              AppendOf(good).SerializeAsString()});
  ASSERT_EQ(answered.messages.size(), 3u);
  const std::vector<ErrorCode> expected = {ErrorCode::kNone, ErrorCode::kCorruptMessage,
                                           ErrorCode::kNone};
  for (size_t i = 0; i < expected.size(); ++i) {
    log::v1::AppendResponse response;
    ASSERT_TRUE(response.ParseFromString(answered.messages[i]));
    EXPECT_EQ(response.error_code(), static_cast<int32_t>(expected[i])) << i;
  }
}

TEST_F(BadBatches, AfterNonsenseAStreamTakesNoMore) {
  int64_t end = Offsets().log_end();
  records::BatchBuilder builder;
  builder.Add(Now(), "key", "value");
  Answered answered =
      Stream(LeaderEndpoint(), "/weir.log.v1.Log/AppendStream",
             {"\xff\xff nonsense", AppendOf(builder.Build().ToString()).SerializeAsString()});
  ExpectRefused(answered, "INVALID_REQUEST", "AppendRequest");
  EXPECT_EQ(Offsets().log_end(), end);
}

struct FetchCase {
  std::string what;
  std::function<void(log::v1::FetchRequest&)> change;
  std::string reason;
  std::string phrase;
};

TEST_F(BadBatches, AndFetchesThatCannotBeAreRefused) {
  const std::vector<FetchCase> cases = {
      {"below the log", [](auto& r) { r.set_offset(-1); }, "OFFSET_OUT_OF_RANGE", "offset -1"},
      {"above the log", [](auto& r) { r.set_offset(4000); }, "OFFSET_OUT_OF_RANGE", "offset 4000"},
      {"the last offset of all", [](auto& r) { r.set_offset(INT64_MAX); }, "OFFSET_OUT_OF_RANGE",
       "out of range"},
      {"negative max_bytes", [](auto& r) { r.set_max_bytes(-1); }, "INVALID_REQUEST", "max_bytes"},
      {"negative max_wait_ms", [](auto& r) { r.set_max_wait_ms(-1); }, "INVALID_REQUEST",
       "max_wait_ms"},
      {"a long topic id", [](auto& r) { r.set_topic_id(std::string(17, 'x')); }, "INVALID_REQUEST",
       "17 came"},
      {"an unknown topic", [](auto& r) { r.set_topic_id(std::string(16, 'x')); },
       "UNKNOWN_TOPIC_ID", "no topic has the id"},
      {"an unknown partition", [](auto& r) { r.set_partition(9); }, "UNKNOWN_TOPIC_OR_PARTITION",
       "no partition 9"},
  };
  for (const FetchCase& row : cases) {
    SCOPED_TRACE(row.what);
    log::v1::FetchRequest request;
    request.set_topic_id(topic_id());
    row.change(request);
    ExpectRefused(Call(LeaderEndpoint(), kFetch, request.SerializeAsString()), row.reason,
                  row.phrase);
    ExpectRefused(
        Stream(LeaderEndpoint(), "/weir.log.v1.Log/FetchStream", {request.SerializeAsString()}),
        row.reason, row.phrase);
  }
}

}  // namespace
}  // namespace weir::edges
