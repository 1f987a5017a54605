// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/memory/memory_quorum_log.h"

#include "controller/quorum/quorum_log_contract.h"
#include "controller/quorum/test_world.h"

namespace weir::quorum {
namespace {

class MemoryWorld {
 public:
  void Open() { log_ = OpenAnother(); }
  std::unique_ptr<QuorumLog> OpenAnother() {
    return std::make_unique<MemoryQuorumLog>(strand, strand, disk);
  }
  void Crash() { log_.reset(); }
  QuorumLog& log() { return *log_; }
  template <class Done>
  void Wait(Done done) {
    ASSERT_TRUE(strand.RunUntil(done));
  }

  TestStrand strand;
  MemoryQuorumDisk disk;

 private:
  std::unique_ptr<QuorumLog> log_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, QuorumLogContract, MemoryWorld);

TEST(MemoryQuorumLog, ACrashLosesWhatWasNotYetSynced) {
  MemoryWorld world;
  world.disk.latency = std::chrono::milliseconds(5);
  world.Open();
  bool heard = false;
  world.log().Save({.hard_state = raft::HardState{Term(9), std::nullopt}},
                   [&](Result<void>) { heard = true; });
  world.strand.RunFor(std::chrono::milliseconds(4));
  world.Crash();
  world.strand.RunFor(std::chrono::milliseconds(10));
  EXPECT_FALSE(heard);
  EXPECT_EQ(world.disk.hard_state.term, Term(0));
}

TEST(MemoryQuorumLog, MayHoldWhatWasNotSaidToBeSaved) {
  MemoryWorld world;
  world.disk.write_error = Error{Error::Kind::kIo, "input/output error"};
  world.disk.keeps_failed_writes = true;
  world.Open();
  std::optional<Result<void>> saved;
  world.log().Save({.hard_state = raft::HardState{Term(9), std::nullopt}},
                   [&](Result<void> result) { saved = std::move(result); });
  world.Wait([&] { return saved.has_value(); });
  EXPECT_FALSE(*saved);
  EXPECT_EQ(world.disk.hard_state.term, Term(9));
}

TEST(MemoryQuorumLog, ReadsNothingThatIsDamaged) {
  MemoryWorld world;
  world.disk.damage = Error{Error::Kind::kCorrupt, "an entry is not what was written"};
  world.Open();
  std::optional<Result<Remembered>> loaded;
  world.log().Load([&](Result<Remembered> result) { loaded = std::move(result); });
  world.Wait([&] { return loaded.has_value(); });
  ASSERT_FALSE(*loaded);
  EXPECT_EQ(loaded->error().kind, Error::Kind::kCorrupt);
}

}  // namespace
}  // namespace weir::quorum
