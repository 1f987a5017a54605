// SPDX-License-Identifier: Apache-2.0
// A disk that is given up with its first failure: a sync that failed, or a device that takes no
// write, is told to the owner once, and from then on nothing is changed or synced there any more.
// So no later sync can pass for the one that failed. Reads go on as far as the device lets them.
//
// A full disk is no failure, nor is what a later try may mend. One strand, as every Disk.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/host/disk.h"
#include "common/host/strand.h"

namespace weir::broker {

class FencedDisk final : public host::Disk {
 public:
  // `disk` and its strand outlive this. `failed` is called once, within the completion of what
  // failed.
  FencedDisk(host::Disk& disk, host::Strand& strand, Callback<void(const Error&)> failed);
  ~FencedDisk() override;

  // Nothing is changed there from here on. `failed` is not called for it.
  void Fence(const Error& why);
  // Why nothing is changed there any more, if so.
  const std::optional<Error>& fence() const;

  void Open(std::string path, host::OpenMode mode,
            Callback<void(Result<std::shared_ptr<host::File>>)> done) override;
  void MakeFolder(std::string path, Callback<void(Result<void>)> done) override;
  void List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) override;
  void Rename(std::string from, std::string to, Callback<void(Result<void>)> done) override;
  void Remove(std::string path, Callback<void(Result<void>)> done) override;
  void SyncFolder(std::string path, Callback<void(Result<void>)> done) override;
  void Measure(Callback<void(Result<host::Space>)> done) override;

 private:
  class State;
  class GuardedFile;

  host::Disk& disk_;
  // Files under way may outlive the disk.
  std::shared_ptr<State> state_;
};

}  // namespace weir::broker
