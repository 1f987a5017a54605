// SPDX-License-Identifier: Apache-2.0
// One service's process, from its first line to its exit code: the data folders that are its own,
// the real world on one strand, and a stop in order when it is asked to end. A second signal ends
// it at once, as a crash would.
//
//   auto service = Service::Open({.program = "storage", .data = {FLAGS_data}, .client_id =
//   "node-1"}); if (!service) return Complain("storage", service.error()); StorageNode
//   node((*service)->host(), config, (*service)->Failure());
//   ... node.Start(...) ...
//   return (*service)->Run([&](auto stopped) { node.Stop(std::move(stopped)); });
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/host/posix/process.h"

namespace weir::host {

// Says on the standard error why `program` ends. The exit code: 2 if it was asked for something
// that makes no sense, else 1.
int Complain(const std::string& program, const Error& error);

// The machine's name; what --id=auto reads.
std::string MachineName();

class Service {
 public:
  struct Config {
    std::string program;
    // The data folders; made where they do not exist, and locked.
    std::vector<std::string> data;
    std::string client_id;
  };

  // One of them: a disk, or why there is none.
  struct Folder {
    std::string path;
    Result<Disk*> disk;
  };

  // kInvalid where one folder is named twice or lies within another. Fails if another process holds
  // one of them, or none can be used; a single one that cannot be is the caller's to judge. The
  // first thing that main does with threads in sight.
  static Result<std::unique_ptr<Service>> Open(Config config);

  // Its disk is the first that can be used.
  Host host() { return world_.host(); }
  // In the order given.
  const std::vector<Folder>& folders() const { return folders_; }
  EventLoop& loop() { return world_.loop(); }

  // Ends the process with these words; for whoever can go on no more.
  void Fail(const Error& error);
  Callback<void(Error)> Failure() {
    return [this](Error error) { Fail(error); };
  }

  // Runs until Fail, or until a signal came and `stop` has called back. The exit code.
  int Run(std::function<void(Callback<void()> stopped)> stop);

 private:
  Service(Config config, std::vector<Result<FolderLock>> locks, const std::string& root);

  const Config config_;
  StopSignals signals_;
  std::vector<Result<FolderLock>> locks_;
  PosixHost world_;
  // All but the first that can be used, which is the world's.
  std::vector<std::unique_ptr<PosixDisk>> disks_;
  std::vector<Folder> folders_;
  bool stopping_ = false;
  int status_ = 0;
};

}  // namespace weir::host
