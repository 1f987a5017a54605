// SPDX-License-Identifier: Apache-2.0
#include "client/driver/record_bytes.h"

#include <utility>

#include "common/records/batch.h"
#include "common/records/batch_builder.h"
#include "common/records/contents.h"
#include "common/records/record_reader.h"

namespace weir::client {
namespace {

std::optional<std::string_view> ViewOf(const std::optional<Bytes>& bytes) {
  return bytes ? std::optional(bytes->view()) : std::nullopt;
}

// `view` lies within `whole`.
std::optional<Bytes> SliceOf(const Bytes& whole, std::optional<std::string_view> view) {
  if (!view) return std::nullopt;
  if (view->empty()) return Bytes();
  return whole.Slice(static_cast<size_t>(view->data() - whole.data()), view->size());
}

ReadRecord Keep(const Bytes& contents, const records::Record& record) {
  ReadRecord kept{.offset = record.offset,
                  .timestamp = record.timestamp,
                  .key = SliceOf(contents, record.key),
                  .value = SliceOf(contents, record.value)};
  for (const records::Header& header : record.headers) {
    kept.headers.push_back({std::string(header.key), SliceOf(contents, header.value)});
  }
  return kept;
}

}  // namespace

Bytes EncodeBatch(const Batch& batch) {
  records::BatchBuilder builder;
  std::vector<records::Header> headers;
  for (const Record& record : batch.records) {
    headers.clear();
    for (const Header& header : record.headers) {
      headers.push_back({header.key, ViewOf(header.value)});
    }
    builder.Add(record.timestamp, ViewOf(record.key), ViewOf(record.value), headers);
  }
  if (batch.sequence >= 0) {
    builder.SetProducer(batch.identity.id, batch.identity.epoch, batch.sequence);
  }
  return builder.Build();
}

Answer<std::vector<ReadRecord>> DecodeBatches(const Bytes& bytes) {
  std::vector<ReadRecord> records;
  records::BatchRun run(bytes);
  while (true) {
    auto batch = run.Next();
    if (!batch) return std::unexpected(batch.error());
    if (!*batch) return records;
    const auto& [header, whole] = **batch;
    if (header.is_control()) continue;
    auto contents = records::Contents::Of(header, whole);
    if (!contents) return std::unexpected(contents.error());
    records::RecordReader reader = contents->Records();
    while (true) {
      auto record = reader.Next();
      if (!record) return std::unexpected(record.error());
      if (!*record) break;
      records.push_back(Keep(contents->bytes(), **record));
    }
  }
}

}  // namespace weir::client
