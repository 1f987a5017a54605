// SPDX-License-Identifier: Apache-2.0
// What this node knows of the cluster, for clients: where partitions are led. One strand.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/callback.h"
#include "common/base/error_code.h"
#include "common/host/host.h"
#include "common/metadata/image.h"
#include "proto/log/log.pb.h"

namespace weir::broker {

class Catalog {
 public:
  explicit Catalog(host::Host host) : host_(host) {}

  // The image moved on: answers wait no longer than they must.
  void Publish(const metadata::Image& image);

  // Topics by name, or all. Waits until metadata of `min_index` is applied; REQUEST_TIMED_OUT if
  // that takes longer than 10 s.
  void Locate(std::vector<std::string> topics, LogIndex min_index,
              Callback<void(Answer<log::v1::LocateResponse>)> done);

  const metadata::Image& image() const { return image_; }

 private:
  struct Waiter {
    std::vector<std::string> topics;
    Callback<void(Answer<log::v1::LocateResponse>)> done;
    host::Strand::TimerId timer = 0;
  };

  log::v1::LocateResponse Describe(const std::vector<std::string>& topics) const;

  host::Host host_;
  metadata::Image image_;
  std::multimap<LogIndex, Waiter> waiting_;
  Lifetime lifetime_;
};

}  // namespace weir::broker
