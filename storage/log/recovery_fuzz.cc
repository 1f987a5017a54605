// SPDX-License-Identifier: Apache-2.0
// Any bytes as the files of a log's folder: a log opens over them, or says which file is damaged.
// The parts of the input are the files in the order of kNames; the checkpoint's own sum is made
// right in a second try, and so is the sum that it has of an index.
#include <glog/logging.h>

#include "common/codec/crc32c.h"
#include "common/records/batch_builder.h"
#include "storage/log/checkpoint.h"
#include "storage/log/files.h"
#include "storage/log/format/names.h"
#include "storage/log/log.h"
#include "storage/log/memory_disk.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

constexpr char kFolder[] = "topics/t-0";

struct Ignored : log::LogEvents {
  void OnWritten(Offset) override {}
  void OnDurable(Offset) override {}
  void OnFailed(const Error& error) override { LOG(FATAL) << error; }
};

constexpr size_t kCheckpoint = 0;

std::vector<std::string> Names() {
  using log::FileName;
  return {std::string(log::kCheckpointName),
          log::RecordsName(Offset(0)),
          log::IndexName(Offset(0)),
          log::TimeIndexName(Offset(0)),
          log::RecordsName(Offset(4)),
          log::IndexName(Offset(4)),
          log::TimeIndexName(Offset(4)),
          log::SnapshotName(Offset(4)),
          log::SnapshotName(Offset(6)),
          std::string(log::kEpochCheckpointName),
          FileName{Offset(0), log::FileKind::kRecords, log::FileStage::kSwap}.ToString(),
          FileName{Offset(4), log::FileKind::kRecords, log::FileStage::kDeleted}.ToString()};
}

host::Task<Result<void>> WriteFiles(host::Disk& disk, std::vector<std::string> files) {
  auto done = co_await log::MakeFolderSynced(disk, kFolder);
  std::vector<std::string> names = Names();
  for (size_t i = 0; done && i < std::min(files.size(), names.size()); ++i) {
    if (files[i].empty()) continue;
    done = co_await log::WriteWholeFile(disk, std::string(kFolder) + "/" + names[i], files[i],
                                        log::Durability::kSynced);
  }
  co_return done;
}

Bytes Batch(int count) {
  records::BatchBuilder builder;
  for (int i = 0; i < count; ++i) builder.Add({0}, std::nullopt, "a value of some length");
  builder.SetProducer(ProducerId(7), ProducerEpoch(0), 0);
  return builder.Build();
}

void Run(log::MemoryWorld& world, Ignored& events, std::unique_ptr<log::Log>& opened) {
  log::OpenLog(world.host(), kFolder, {.roll = {.bytes = 400}}, &events, [&](auto result) {
    if (result) opened = std::move(*result);
  });
  world.RunAll();
}

// A log that opened is one: it can be read whole, written to, closed, and opened again.
void Open(std::vector<std::string> files) {
  log::MemoryWorld world;
  host::Spawn<Result<void>>(WriteFiles(world, std::move(files)),
                            [](Result<void> wrote) { CHECK(wrote) << wrote.error(); });
  world.RunAll();
  Ignored events;
  std::unique_ptr<log::Log> opened;
  Run(world, events, opened);
  if (!opened) return;
  opened->Read(opened->start(), opened->written(), size_t{1} << 20, [](Result<Bytes>) {});
  auto appended = opened->AppendAsLeader(
      Batch(2), opened->epochs().latest().value_or(LeaderEpoch(0)), log::Origin::kClient, {});
  world.RunAll();
  Offset end = opened->end();
  opened->Close([](Result<void> closed) { CHECK(closed) << closed.error(); });
  world.RunAll();
  opened.reset();
  if (!appended) return;
  Run(world, events, opened);
  CHECK(opened);
  CHECK_EQ(opened->end(), end);
}

void Feed(std::string_view bytes) {
  std::vector<std::string> files = Unframed(bytes);
  Open(files);
  constexpr size_t kSumAt = 8;
  if (files.empty() || files[kCheckpoint].size() < kSumAt + 4) return;
  std::string& checkpoint = files[kCheckpoint];
  uint32_t sum = codec::Crc32c(std::string_view(checkpoint).substr(kSumAt + 4));
  for (size_t i = 0; i < 4; ++i) checkpoint[kSumAt + i] = static_cast<char>(sum >> (24 - 8 * i));
  Open(files);
}

// The files of a log of two segments, as `closed` or as a crash leaves them.
std::string Folder(bool closed) {
  log::MemoryWorld world;
  Ignored events;
  std::unique_ptr<log::Log> written;
  Run(world, events, written);
  for (int sequence = 0; sequence < 6; ++sequence) {
    records::BatchBuilder builder;
    builder.Add({0}, "key", std::string(100, 'v'));
    builder.SetProducer(ProducerId(7), ProducerEpoch(0), sequence);
    CHECK(written->AppendAsLeader(builder.Build(), LeaderEpoch(sequence / 3), log::Origin::kClient,
                                  {}));
    world.RunAll();
  }
  if (closed) {
    written->Close([](Result<void>) {});
    world.RunAll();
  }
  std::vector<std::string> files;
  for (const std::string& name : Names()) {
    std::string* file = world.Find(std::string(kFolder) + "/" + name);
    files.push_back(file == nullptr ? "" : *file);
  }
  written.reset();
  return Framed(files);
}

}  // namespace

Target MakeTarget() {
  return {.seeds = {Folder(true), Folder(false)},
          .feed = Feed,
          // A scan reads a megabyte at a time.
          .bytes_max = size_t{8} << 20,
          .inputs = 10'000};
}

}  // namespace weir::fuzz
