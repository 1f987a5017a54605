// SPDX-License-Identifier: Apache-2.0
#include "storage/broker/catalog.h"

#include <utility>

namespace weir::broker {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

}  // namespace

void Catalog::Publish(const metadata::Image& image) {
  image_ = image;
  while (!waiting_.empty() && waiting_.begin()->first <= image_.index()) {
    Waiter waiter = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    host_.strand.Cancel(waiter.timer);
    waiter.done(Describe(waiter.topics));
  }
}

void Catalog::Locate(std::vector<std::string> topics, LogIndex min_index,
                     Callback<void(Answer<log::v1::LocateResponse>)> done) {
  // Before its first image a node knows nothing, not even that a topic is missing.
  if (min_index < LogIndex(1)) min_index = LogIndex(1);
  if (min_index <= image_.index()) {
    done(Describe(topics));
    return;
  }
  auto waiter = waiting_.emplace(min_index, Waiter{std::move(topics), std::move(done)});
  waiter->second.timer =
      host_.strand.RunAt(host_.clock.Now() + kPatience, lifetime_.Bind([this, waiter, min_index] {
        Waiter late = std::move(waiter->second);
        waiting_.erase(waiter);
        late.done(Refuse(ErrorCode::kRequestTimedOut,
                         "this node has applied metadata up to " +
                             std::to_string(image_.index().value()) + ", and " +
                             std::to_string(min_index.value()) + " was asked for"));
      }));
}

}  // namespace weir::broker
