// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/service.h"

#include <glog/logging.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <utility>

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

namespace {

// Every folder is one of its own.
Result<void> CheckApart(const std::vector<std::string>& folders) {
  std::vector<std::filesystem::path> whole;
  for (const std::string& folder : folders) {
    if (folder.empty()) {
      return weir::Fail(Error::Kind::kInvalid, folders.size() > 1
                                                   ? "--data names a folder without a name"
                                                   : "--data is missing: name the data folder");
    }
    std::error_code unknown;
    auto path = std::filesystem::weakly_canonical(folder, unknown);
    if (unknown) path = std::filesystem::path(folder).lexically_normal();
    // Without what a slash at the end leaves.
    whole.push_back(path.has_filename() ? path : path.parent_path());
  }
  for (size_t outer = 0; outer < whole.size(); ++outer) {
    for (size_t inner = 0; inner < whole.size(); ++inner) {
      if (inner == outer) continue;
      auto [end, rest] = std::mismatch(whole[outer].begin(), whole[outer].end(),
                                       whole[inner].begin(), whole[inner].end());
      if (end != whole[outer].end()) continue;
      bool is_same = rest == whole[inner].end();
      return weir::Fail(Error::Kind::kInvalid,
                        "--data: " + folders[inner] +
                            (is_same ? " is the same folder as " : " lies within ") +
                            folders[outer] + ": give each a folder of its own");
    }
  }
  return {};
}

}  // namespace

Service::Service(Config config, std::vector<Result<FolderLock>> locks, const std::string& root)
    : config_(std::move(config)),
      locks_(std::move(locks)),
      world_({.root = root, .client_id = config_.client_id}) {
  bool is_first = true;
  for (size_t i = 0; i < config_.data.size(); ++i) {
    const std::string& path = config_.data[i];
    if (!locks_[i]) {
      folders_.push_back({path, std::unexpected(locks_[i].error())});
    } else if (std::exchange(is_first, false)) {
      folders_.push_back({path, &world_.host().disk});
    } else {
      disks_.push_back(std::make_unique<PosixDisk>(world_.loop(), path));
      folders_.push_back({path, disks_.back().get()});
    }
  }
}

Result<std::unique_ptr<Service>> Service::Open(Config config) {
  if (config.data.empty()) config.data.emplace_back();
  if (auto apart = CheckApart(config.data); !apart) return std::unexpected(apart.error());
  std::vector<Result<FolderLock>> locks;
  std::string root;
  for (const std::string& folder : config.data) {
    locks.push_back(LockFolder(folder));
    const Result<FolderLock>& lock = locks.back();
    if (!lock && lock.error().kind == Error::Kind::kInUse) return std::unexpected(lock.error());
    if (lock && root.empty()) root = folder;
  }
  if (root.empty()) return std::unexpected(locks.front().error());
  return std::unique_ptr<Service>(new Service(std::move(config), std::move(locks), root));
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
  signals_.End();
  return status_;
}

}  // namespace weir::host
