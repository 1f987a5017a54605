// SPDX-License-Identifier: Apache-2.0
// Any bytes as the file of a journal, first as they are, then as frames whose sums are right: it
// opens and can be used, or is refused. Each part of the input is a frame: four bytes of sequences
// (its own, the one before, the first needed, the last synced), and records.
#include <glog/logging.h>

#include "common/codec/crc32c.h"
#include "storage/journal/frame.h"
#include "storage/journal/journal.h"
#include "storage/journal/record.h"
#include "storage/log/files.h"
#include "storage/log/memory_disk.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

using journal::FrameHead;
using journal::kBlockBytes;
using journal::RecordHead;
using journal::RecordKind;

constexpr char kPath[] = "journal";
constexpr size_t kFileBytes = 64 << 10;
const Uuid kFile = Uuid::FromRandom(1, 2);
const PartitionId kPartition{TopicId(Uuid::FromRandom(3, 4)), PartitionIndex(5)};

struct Ignored : journal::StreamEvents {
  void OnCommitted(journal::Ticket) override {}
  void OnSyncWanted() override {}
  void OnFailed(const Error& error) override { LOG(FATAL) << error; }
};

void Run(log::MemoryWorld& world, std::unique_ptr<journal::Journal>& opened) {
  journal::OpenJournal(world.host(), kPath, {.bytes = kFileBytes, .step_bytes = kFileBytes},
                       [&](auto result) {
                         if (result) opened = std::move(*result);
                       });
  world.RunAll();
}

// What opened can be read, appended to, closed, and opened again.
void Open(std::string file) {
  log::MemoryWorld world;
  file.resize(kFileBytes);
  world.MakeFolder("", [](Result<void>) {});
  host::Spawn<Result<void>>(log::WriteWholeFile(world, kPath, file, log::Durability::kSynced),
                            [](Result<void> wrote) { CHECK(wrote) << wrote.error(); });
  world.RunAll();
  std::unique_ptr<journal::Journal> opened;
  Run(world, opened);
  if (!opened) return;
  Ignored events;
  std::vector<std::unique_ptr<journal::Stream>> streams;
  for (const PartitionId& partition : opened->Unclaimed()) {
    streams.push_back(opened->Attach(partition, &events));
    Offset end;
    for (const journal::Extent& extent : streams.back()->tail()) {
      CHECK_LT(extent.base, extent.end);
      CHECK_GE(extent.base, end);
      end = extent.end;
      streams.back()->Read(extent, [&](Result<Bytes> read) {
        CHECK(read) << read.error();
        CHECK_EQ(read->size(), extent.length);
      });
      world.RunAll();
    }
    streams.back()->Synced(streams.back()->newest());
    streams.back()->Append(end, Offset::Max(), LeaderEpoch(1), {Bytes::FromString("text")});
    world.RunAll();
  }
  streams.clear();
  opened->Close([](Result<void> closed) { CHECK(closed) << closed.error(); });
  world.RunAll();
  opened.reset();
  Run(world, opened);
  CHECK(opened);
}

void Feed(std::string_view bytes) {
  Open(std::string(bytes));
  std::string file = journal::FileHead{kFile}.Encode();
  for (const std::string& part : Unframed(bytes)) {
    if (part.size() < 4) continue;
    auto number = [&](size_t i) { return static_cast<uint64_t>(static_cast<uint8_t>(part[i])); };
    std::string records = part.substr(4);
    FrameHead head{number(0),
                   number(1),
                   number(2),
                   number(3),
                   static_cast<uint32_t>(records.size()),
                   codec::Crc32c(records)};
    std::string frame = head.Encode(kFile) + records;
    frame.resize(head.blocks() * kBlockBytes);
    if (file.size() + frame.size() > kFileBytes) break;
    file += frame;
  }
  Open(std::move(file));
}

std::string Numbers(std::vector<int> numbers) {
  std::string bytes;
  for (int number : numbers) bytes.push_back(static_cast<char>(number));
  return bytes;
}

std::string Append(int64_t base, int64_t end, const std::string& text) {
  RecordHead head{kPartition,  RecordKind::kAppend, Offset(base),
                  Offset(end), LeaderEpoch(1),      static_cast<uint32_t>(text.size())};
  return head.Encode() + text;
}

std::string Forget() { return RecordHead{.partition = kPartition}.Encode(); }

}  // namespace

Target MakeTarget() {
  std::string first = Numbers({1, 0, 1, 0});
  std::string appends = Append(0, 3, "abc") + Append(3, 5, "def");
  return {
      .seeds = {Framed({first, Numbers({2, 1, 1, 1}) + appends, Numbers({3, 2, 1, 2}) + Forget(),
                        Numbers({4, 3, 1, 3}) + Append(3, 9, "new")}),
                Framed({Numbers({5, 4, 3, 4}) + Append(7, 9, "x"), Numbers({3, 2, 2, 2}) + appends,
                        Numbers({4, 3, 3, 3}) + Forget()}),
                Framed({first, Numbers({2, 1, 1, 1}) + appends + Forget(),
                        Numbers({4, 3, 1, 2}) + appends})},
      .feed = Feed,
      .bytes_max = size_t{8} << 20,
      .inputs = 4'000};
}

}  // namespace weir::fuzz
