// SPDX-License-Identifier: Apache-2.0
#include "controller/service/pushed.h"

#include <gtest/gtest.h>

#include "common/edge/methods.h"
#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"
#include "proto/node/session.pb.h"

namespace weir::service {
namespace {

using node::v1::FromController;

TEST(Pushed, AnEntryReadsAsTheMessageItStandsFor) {
  metadata::v1::Entry entry;
  *entry.add_records() = metadata::ToTermRecord(Term(7), ControllerId(2));
  for (const auto& written : {entry, metadata::v1::Entry()}) {
    Bytes bytes = Bytes::FromString(written.SerializeAsString());
    FromController read;
    ASSERT_TRUE(edge::Decode(Join(PushedEntry(Term(9), {.index = 300, .epoch = 7}, bytes)), &read));
    FromController meant;
    meant.mutable_entries()->set_term(9);
    auto* committed = meant.mutable_entries()->add_entries();
    committed->set_index(300);
    committed->set_term(7);
    *committed->mutable_entry() = written;
    EXPECT_EQ(read.SerializeAsString(), meant.SerializeAsString());
  }
}

TEST(Pushed, TheBytesOfAnEntryAreShared) {
  Bytes bytes = Bytes::FromString(std::string(1000, 'e'));
  EXPECT_EQ(PushedEntry(Term(1), {.index = 2, .epoch = 1}, bytes).back().data(), bytes.data());
  EXPECT_EQ(PushedSnapshot(bytes).back().data(), bytes.data());
}

TEST(Pushed, ASnapshotReadsAsTheMessageItStandsFor) {
  metadata::Image image;
  image.index = LogIndex(12);
  image.term = Term(3);
  std::string snapshot = metadata::WriteSnapshot(image);
  FromController read;
  ASSERT_TRUE(edge::Decode(Join(PushedSnapshot(Bytes::FromString(snapshot))), &read));
  ASSERT_TRUE(read.has_snapshot());
  EXPECT_EQ(*metadata::ReadSnapshot(read.snapshot()), image);
}

}  // namespace
}  // namespace weir::service
