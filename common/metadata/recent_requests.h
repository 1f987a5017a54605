// SPDX-License-Identifier: Apache-2.0
// The requests decided last, with what their callers were told: a retry after a failover is
// recognised by its id, and answered the same. Bounded; a value, as cheap to copy as its maps.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/ids.h"
#include "common/collections/persistent_map.h"

namespace weir::metadata {

inline constexpr size_t kRecentRequestsMax = 10'000;

class RecentRequests {
 public:
  struct Request {
    RequestId id;
    std::string answer;
    bool operator==(const Request&) const = default;
  };

  // Null if it is not among the last; the answer otherwise.
  const std::string* Find(const RequestId& id) const {
    const int64_t* number = numbers_.Find(id);
    return number == nullptr ? nullptr : &requests_.Find(*number)->answer;
  }

  // The newest of them. The oldest is forgotten where there are too many. `id` is not among them.
  void Add(RequestId id, std::string answer) {
    if (requests_.size() == kRecentRequestsMax) {
      auto oldest = requests_.begin();
      numbers_.Erase(oldest->second.id);
      requests_.Erase(oldest->first);
    }
    numbers_.Set(id, next_);
    requests_.Set(next_, Request{id, std::move(answer)});
    ++next_;
  }

  size_t size() const { return requests_.size(); }

  // From the oldest to the newest.
  const PersistentMap<int64_t, Request>& in_order() const { return requests_; }

  // The same requests in the same order; how many were forgotten before them does not matter.
  friend bool operator==(const RecentRequests& a, const RecentRequests& b) {
    if (a.next_ == b.next_) return a.requests_ == b.requests_;
    if (a.size() != b.size()) return false;
    auto at_b = b.requests_.begin();
    for (auto at_a = a.requests_.begin(); at_a != a.requests_.end(); ++at_a, ++at_b) {
      if (!(at_a->second == at_b->second)) return false;
    }
    return true;
  }

 private:
  PersistentMap<int64_t, Request> requests_;
  PersistentMap<RequestId, int64_t> numbers_;
  int64_t next_ = 0;
};

}  // namespace weir::metadata
