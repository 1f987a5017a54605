// SPDX-License-Identifier: Apache-2.0
// Any bytes as a key and a value of the quorum's log: a byte that says how long the key is, the
// key, the value. The checksum is ours to make right, since only a disk stands behind it.
#include "controller/quorum/rocksdb/entry_codec.h"

#include <glog/logging.h>

#include "common/codec/big_endian.h"
#include "common/codec/crc32c.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {
namespace {

std::string Pair(const std::string& key, const std::string& value) {
  return std::string(1, static_cast<char>(key.size())) + key + value;
}

void Read(std::string_view key, std::string_view value) {
  if (auto stored = quorum::ReadEntry(key, value)) {
    CHECK_EQ(quorum::EntryKey(stored->entry.index), key);
    CHECK_EQ(quorum::EntryValue(stored->entry, stored->previous), value);
  }
  if (auto account = quorum::ReadAccount(value)) {
    CHECK_EQ(quorum::AccountValue(*account), value);
  }
  if (auto snapshot = quorum::ReadSnapshotValue(value)) {
    CHECK_EQ(quorum::SnapshotValue(*snapshot), value);
  }
}

std::string Sealed(std::string_view key, std::string_view value) {
  std::string sealed(value);
  codec::StoreBigEndian<uint32_t>(codec::Crc32c(value.substr(4), codec::Crc32c(key)),
                                  sealed.data());
  return sealed;
}

void Feed(std::string_view bytes) {
  if (bytes.empty()) return;
  size_t size = std::min<size_t>(static_cast<uint8_t>(bytes[0]), bytes.size() - 1);
  std::string_view key = bytes.substr(1, size);
  std::string_view value = bytes.substr(1 + size);
  Read(key, value);
  if (value.size() < 4) return;
  for (std::string_view sealed_for :
       {key, std::string_view(quorum::kAccountKey), std::string_view(quorum::kSnapshotKey)}) {
    Read(sealed_for, Sealed(sealed_for, value));
  }
}

}  // namespace

Target MakeTarget() {
  quorum::LogEntry entry{LogIndex(300), Term(7), Bytes::FromString("payload")};
  quorum::Account account{9, {Term(5), raft::VoterId{ControllerId(2), {}}}, {}, {}, {}};
  quorum::StoredSnapshot snapshot{{LogIndex(4), Term(2)}, Bytes::FromString("all of it")};
  return {.seeds = {Pair(quorum::EntryKey(entry.index), quorum::EntryValue(entry, Term(6))),
                    Pair(quorum::kAccountKey, quorum::AccountValue(account)),
                    Pair(quorum::kSnapshotKey, quorum::SnapshotValue(snapshot))},
          .feed = Feed};
}

}  // namespace weir::fuzz
