// SPDX-License-Identifier: Apache-2.0
// Any bytes as a message with a payload beside it: what is understood says the same as Protobuf's
// own reading of it, the payload included.
#include <glog/logging.h>

#include "common/codec/payload.h"
#include "proto/log/log.pb.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

constexpr int kField = log::v1::AppendRequest::kRecordsFieldNumber;

void Feed(std::string_view bytes) {
  log::v1::AppendRequest header;
  auto payload = codec::SplitPayload(Bytes::FromString(std::string(bytes)), kField, &header);
  log::v1::AppendRequest whole;
  bool is_one = whole.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!payload || !is_one) return;
  CHECK_EQ(payload->view(), whole.records());
  whole.clear_records();
  header.DiscardUnknownFields();
  whole.DiscardUnknownFields();
  CHECK_EQ(header.SerializeAsString(), whole.SerializeAsString());
}

std::string Request(const std::string& records) {
  log::v1::AppendRequest header;
  header.set_topic_id(std::string(16, 't'));
  header.set_partition(3);
  header.set_acks(-1);
  header.set_timeout_ms(1000);
  return Join(codec::WithPayload(header, kField, Bytes::FromString(records))).ToString();
}

}  // namespace

Target MakeTarget() {
  return {.seeds = {Request("records of some length"), Request(""),
                    Request("first") + Request("and another")},
          .feed = Feed};
}

}  // namespace weir::fuzz
