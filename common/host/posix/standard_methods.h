// SPDX-License-Identifier: Apache-2.0
// What every process answers beside its own methods, so that anybody's tools can ask it: gRPC's
// health, reflection and channelz.
//
// One strand only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/host/network.h"

namespace weir::host {

// Whether a process serves: one word for it and for each of its services.
class Health {
 public:
  void SetServing(bool serving);
  // Who watches hears no more.
  void End();

 private:
  friend std::shared_ptr<Health> AddStandardMethods(Methods* methods);
  class Watch;

  void Check(const Bytes& request, Reply reply) const;
  std::shared_ptr<StreamEvents> Open(std::shared_ptr<Stream> stream);
  bool Knows(const std::string& service) const;

  bool serving_ = false;
  // "" is the process.
  std::vector<std::string> services_;
  std::vector<std::weak_ptr<Watch>> watches_;
};

// Adds them to a server's methods.
std::shared_ptr<Health> AddStandardMethods(Methods* methods);

}  // namespace weir::host
