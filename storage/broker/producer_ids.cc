// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/producer_ids.h"

#include <utility>

namespace weir::broker {

void ProducerIds::Next(Callback<void(Answer<ProducerId>)> done) {
  if (waiting_.size() >= kWaitingMost) {
    done(Refuse(ErrorCode::kCoordinatorLoadInProgress,
                "no producer ids are left, and the controller has granted no more yet; try again"));
    return;
  }
  bool first = waiting_.empty();
  waiting_.push_back(std::move(done));
  Serve();
  if (first && !waiting_.empty()) ask_();
}

void ProducerIds::Granted(ProducerId first, ProducerId next) {
  next_ = first;
  end_ = next;
  Serve();
  if (!waiting_.empty()) ask_();
}

void ProducerIds::AskAgain() {
  if (!waiting_.empty()) ask_();
}

void ProducerIds::Serve() {
  while (next_ < end_ && !waiting_.empty()) {
    auto done = std::move(waiting_.front());
    waiting_.pop_front();
    ProducerId id = next_;
    ++next_;
    done(id);
  }
}

}  // namespace weir::broker
