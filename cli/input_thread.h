// SPDX-License-Identifier: Apache-2.0
// Reads records from a file or stdin on a thread of its own, for either may block, and hands them
// to a strand in handfuls; the next handful is read once the last one was taken.
#pragma once

#include <istream>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "cli/record_source.h"
#include "common/base/callback.h"
#include "common/host/strand.h"

namespace weir::cli {

// Lives until the process ends: the thread may wait for stdin for ever.
class InputThread {
 public:
  struct Handful {
    std::vector<InputRecord> records;
    // Nothing comes after this one.
    bool last = false;
    // Why the input ended before its end.
    std::optional<Error> error;
  };
  using Taken = Callback<void(Handful)>;

  // `in` outlives this.
  InputThread(host::Strand& strand, std::istream& in, InputShape shape);

  // The next handful, on the strand. Not again before `taken` has come.
  void Take(Taken taken);

 private:
  void Read();
  Handful Fill();

  host::Strand& strand_;
  std::istream& in_;
  RecordSource source_;
  Taken taken_;
  std::binary_semaphore wanted_{0};
  std::thread thread_;
};

}  // namespace weir::cli
