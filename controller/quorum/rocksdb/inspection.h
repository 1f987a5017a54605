// SPDX-License-Identifier: Apache-2.0
// Reads a quorum's folder and changes nothing in it, whether or not a controller runs on it: as it
// was at some moment of the call of Open. Blocks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controller/quorum/rocksdb/entry_codec.h"

namespace weir::quorum {

class Inspection {
 public:
  // kNotFound where there is no log in the folder.
  static Result<std::unique_ptr<Inspection>> Open(const std::string& folder);
  virtual ~Inspection() = default;

  // Nothing where none was ever written.
  virtual Result<std::optional<Account>> ReadAccount() = 0;
  virtual Result<std::optional<StoredSnapshot>> ReadSnapshot() = 0;
  // Entries [from, to], as they lie there, to the first that cannot be read.
  virtual Result<void> ForEachEntry(LogIndex from, LogIndex to,
                                    std::function<void(const StoredEntry&)> visit) = 0;
};

}  // namespace weir::quorum
