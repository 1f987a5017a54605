// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/patient_log.h"

#include <gtest/gtest.h>

#include "controller/quorum/memory/memory_quorum_log.h"
#include "controller/quorum/quorum_log_contract.h"
#include "controller/quorum/test_world.h"

namespace weir::quorum {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// It keeps all that the log below it promises.
class PatientWorld {
 public:
  void Open() {
    Crash();
    below_ = std::make_unique<MemoryQuorumLog>(strand, strand, disk);
    log_ = std::make_unique<PatientLog>(*below_, strand, strand,
                                        [this](bool waits) { heard.push_back(waits); });
  }
  std::unique_ptr<QuorumLog> OpenAnother() {
    return std::make_unique<MemoryQuorumLog>(strand, strand, disk);
  }
  void Crash() {
    log_.reset();
    below_.reset();
  }
  PatientLog& log() { return *log_; }
  template <class Done>
  void Wait(Done done) {
    ASSERT_TRUE(strand.RunUntil(done));
  }

  TestStrand strand;
  MemoryQuorumDisk disk;
  std::vector<bool> heard;

 private:
  std::unique_ptr<MemoryQuorumLog> below_;
  std::unique_ptr<PatientLog> log_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Patient, QuorumLogContract, PatientWorld);

class PatientLogTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.Open();
    bool loaded = false;
    world_.log().Load([&](Result<Remembered> remembered) { loaded = remembered.has_value(); });
    world_.Wait([&] { return loaded; });
    world_.log().Save(
        {.install = StoredSnapshot{{LogIndex(1), Term(1)}, Bytes::FromString("state")}},
        [this](Result<void> saved) { Hear(1, saved); });
    world_.strand.RunFor(milliseconds(10));
    ASSERT_EQ(done_, (std::vector<int>{1}));
    done_.clear();
  }
  void Save(int index) {
    LogWrite write;
    write.append.push_back({LogIndex(index), Term(1), Bytes::FromString("entry")});
    world_.log().Save(std::move(write), [this, index](Result<void> saved) { Hear(index, saved); });
  }
  void SaveSnapshot(int index) {
    world_.log().SaveSnapshot({{LogIndex(index), Term(1)}, Bytes::FromString("state")},
                              LogIndex(index),
                              [this, index](Result<void> saved) { Hear(index, saved); });
  }
  void Hear(int index, const Result<void>& saved) { done_.push_back(saved ? index : -index); }
  void Fill() { world_.disk.write_error = Error{Error::Kind::kFull, "No space left on device"}; }

  PatientWorld world_;
  // Negative: with an error.
  std::vector<int> done_;
};

TEST_F(PatientLogTest, WaitsForRoomAndKeepsTheOrder) {
  Save(2);
  world_.strand.RunFor(milliseconds(10));
  Fill();
  for (int index : {3, 4}) Save(index);
  SaveSnapshot(3);
  world_.strand.RunFor(seconds(3));
  Save(5);
  world_.strand.RunFor(milliseconds(500));
  EXPECT_EQ(done_, (std::vector<int>{2}));
  EXPECT_TRUE(world_.log().is_waiting());
  EXPECT_GE(world_.heard.size(), 3u);
  world_.disk.write_error.reset();
  world_.strand.RunFor(seconds(1));
  EXPECT_EQ(done_, (std::vector<int>{2, 3, 4, 3, 5}));
  EXPECT_FALSE(world_.log().is_waiting());
  EXPECT_FALSE(world_.heard.back());
  EXPECT_EQ(world_.disk.entries.back().index, LogIndex(5));
}

TEST_F(PatientLogTest, DoesNotMindRoomThatComesBetweenTheWrites) {
  Fill();
  for (int index : {2, 3, 4, 5}) Save(index);
  // The first was refused by now, and the second is under way.
  world_.strand.RunFor(world_.disk.latency);
  world_.disk.write_error.reset();
  world_.strand.RunFor(seconds(2));
  EXPECT_EQ(done_, (std::vector<int>{2, 3, 4, 5}));
}

TEST_F(PatientLogTest, TellsAnyOtherErrorToAllThatWait) {
  Fill();
  for (int index : {2, 3}) Save(index);
  world_.strand.RunFor(seconds(1) + milliseconds(500));
  world_.disk.write_error = Error{Error::Kind::kIo, "Input/output error"};
  world_.strand.RunFor(seconds(1));
  Save(4);
  world_.strand.RunFor(milliseconds(10));
  EXPECT_EQ(done_, (std::vector<int>{-2, -3, -4}));
}

TEST_F(PatientLogTest, ReadsMeanwhile) {
  Fill();
  Save(2);
  world_.strand.RunFor(seconds(2));
  bool read = false;
  world_.log().ReadSnapshot([&](Result<std::optional<StoredSnapshot>> snapshot) {
    read = snapshot && *snapshot && (*snapshot)->state.view() == "state";
  });
  world_.Wait([&] { return read; });
}

}  // namespace
}  // namespace weir::quorum
