// SPDX-License-Identifier: Apache-2.0
#include "cli/input_thread.h"

#include <utility>

namespace weir::cli {

InputThread::InputThread(host::Strand& strand, std::istream& in, InputShape shape)
    : strand_(strand), in_(in), source_(in, std::move(shape)), thread_([this] { Read(); }) {
  thread_.detach();
}

void InputThread::Take(Taken taken) {
  taken_ = std::move(taken);
  wanted_.release();
}

void InputThread::Read() {
  while (true) {
    wanted_.acquire();
    Handful handful = Fill();
    bool last = handful.last;
    strand_.Post([this, handful = std::move(handful)]() mutable {
      std::exchange(taken_, nullptr)(std::move(handful));
    });
    if (last) return;
  }
}

InputThread::Handful InputThread::Fill() {
  constexpr size_t kBytes = 128 * 1024;
  Handful handful;
  size_t bytes = 0;
  // No more than is there: a line that was typed is sent before the next one comes.
  do {
    auto record = source_.Next();
    if (!record) {
      handful.error = record.error();
      handful.last = true;
      return handful;
    }
    if (!*record) {
      handful.last = true;
      return handful;
    }
    bytes += (*record)->value.size() + 1;
    handful.records.push_back(std::move(**record));
  } while (bytes < kBytes && in_.rdbuf()->in_avail() > 0);
  return handful;
}

}  // namespace weir::cli
