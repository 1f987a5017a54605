// SPDX-License-Identifier: Apache-2.0
// Where a journal of RocksDB's ends that lies in zeros, found from its records: blocks of 32 KiB of
// fragments, each with a checksum, a length and a place in its record.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::quorum {

class JournalEnd {
 public:
  static constexpr size_t kBlockBytes = 32768;

  // Blocks in order, each whole but the last.
  void Read(std::string_view block);

  // Behind the last whole record, if a crash alone explains what follows. None: a record begins
  // behind something that cannot be read, so the journal is damaged in its middle.
  std::optional<uint64_t> end() const;

 private:
  bool Take(int place, uint64_t after);

  uint64_t at_ = 0;
  uint64_t end_ = 0;
  // Fragments of a record that has not ended came before.
  bool within_ = false;
  bool unreadable_ = false;
  bool resumed_ = false;
};

}  // namespace weir::quorum
