// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/service.h"

#include <glog/logging.h>
#include <unistd.h>

#include <iostream>

namespace weir::host {

int Complain(const std::string& program, const Error& error) {
  std::cerr << program << ": " << error.message << std::endl;
  return error.kind == Error::Kind::kInvalid ? 2 : 1;
}

std::string MachineName() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

Service::Service(Config config, FolderLock lock)
    : config_(std::move(config)),
      lock_(std::move(lock)),
      world_({.root = config_.data, .client_id = config_.client_id}) {}

Result<std::unique_ptr<Service>> Service::Open(Config config) {
  if (config.data.empty()) {
    return weir::Fail(Error::Kind::kInvalid, "--data is missing: name the data folder");
  }
  auto lock = LockFolder(config.data);
  if (!lock) return std::unexpected(lock.error());
  return std::unique_ptr<Service>(new Service(std::move(config), std::move(*lock)));
}

void Service::Fail(const Error& error) {
  status_ = Complain(config_.program, error);
  world_.loop().Stop();
}

int Service::Run(std::function<void(Callback<void()> stopped)> stop) {
  signals_.Hear(world_.loop(), [this, stop](int) {
    if (stopping_) return world_.loop().Stop();
    stopping_ = true;
    LOG(INFO) << "stopping in order; once more to stop at once";
    stop([this] { world_.loop().Stop(); });
  });
  world_.loop().Run();
  return status_;
}

}  // namespace weir::host
