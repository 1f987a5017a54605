// SPDX-License-Identifier: Apache-2.0
#include "controller/inspect/listing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "common/metadata/records.h"

namespace weir::inspect {
namespace {

const TopicId kTopic(Uuid::FromRandom(1, 2));

quorum::LogEntry Entry() {
  metadata::v1::Entry entry;
  metadata::Partition partition;
  for (int32_t node : {2, 1}) {
    partition.replicas.push_back({NodeId(node), DirectoryId(Uuid::FromRandom(3, 3))});
  }
  partition.isr = {NodeId(1), NodeId(2)};
  partition.leader = NodeId(2);
  std::string value = "1000";
  *entry.add_records() = metadata::ToRecord(metadata::Topic{kTopic, "orders", WallTime{5}});
  *entry.add_records() = metadata::ToRecord({kTopic, PartitionIndex(0)}, partition);
  *entry.add_records() = metadata::ToRecord(
      {metadata::ConfigScope::kTopic, kTopic.ToString(), "retention.ms"}, &value);
  *entry.add_records() = metadata::ToTermRecord(Term(3), ControllerId(1));
  return {LogIndex(7), Term(3), Bytes::FromString(entry.SerializeAsString())};
}

TEST(Listing, HasARecordALine) {
  std::ostringstream out;
  List(Entry(), Format::kText, out);
  std::string topic = kTopic.ToString();
  EXPECT_EQ(out.str(), "entry 7 term 3\n  topic orders " + topic + "\n  partition " + topic +
                           "/0 leader 2 epoch 0.0 isr (1 2) on (2 1)\n  config of topic " + topic +
                           " retention.ms=1000\n  term 3 opened by controller 1\n");
}

TEST(Listing, HasAnObjectALineAsJson) {
  std::ostringstream out;
  List(Entry(), Format::kJson, out);
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  for (const char* piece : {R"("kind":"entry","index":7,"term":3)", R"("name":"orders")",
                            R"("isr":[1,2])", R"("value":"1000")"}) {
    EXPECT_NE(text.find(piece), std::string::npos) << piece << " in " << text;
  }
}

TEST(Listing, ShowsWhatItDoesNotKnow) {
  std::ostringstream out;
  List(quorum::LogEntry{LogIndex(8), Term(3), Bytes::FromString("\xff\xff")}, Format::kText, out);
  EXPECT_EQ(out.str(), "entry 8 term 3: no weir.metadata.v1.Entry; 2 bytes\n");
  metadata::v1::Entry newer;
  newer.add_records();
  out.str("");
  List(quorum::LogEntry{LogIndex(9), Term(3), Bytes::FromString(newer.SerializeAsString())},
       Format::kText, out);
  EXPECT_EQ(out.str(), "entry 9 term 3\n  not known to this version: \n");
}

TEST(Listing, ShowsTheAccountAndTheSnapshot) {
  std::ostringstream out;
  List(quorum::Account{.writes = 12,
                       .hard_state = {Term(4), raft::VoterId{ControllerId(2), {}}},
                       .begin = {LogIndex(5), Term(2)},
                       .last = {LogIndex(9), Term(4)},
                       .snapshot = {LogIndex(5), Term(2)}},
       Format::kText, out);
  metadata::v1::Snapshot snapshot;
  *snapshot.add_records() = metadata::ToFeatureRecord("metadata", 1);
  std::string state = snapshot.SerializeAsString();
  EXPECT_TRUE(List(quorum::StoredSnapshot{{LogIndex(5), Term(2)}, Bytes::FromString(state)},
                   Format::kText, out));
  EXPECT_EQ(out.str(), "term 4, vote for controller 2 with directory " + DirectoryId().ToString() +
                           ", snapshot to 5@2, entries 6 to 9@4, 12 writes\nsnapshot to 5@2, " +
                           std::to_string(state.size()) +
                           " bytes, 1 records\n  feature metadata level 1\n");
}

}  // namespace
}  // namespace weir::inspect
