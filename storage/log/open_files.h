// SPDX-License-Identifier: Apache-2.0
// A Disk that keeps only so many of another's files open: those that were used last. A file that it
// hands out is opened again when it is used, by its name, which may have changed meanwhile; once it
// was removed, or replaced, it is only there as long as it happens to be open.
//
// One strand, the other disk's. Nothing is closed that has an operation under way. A file that is
// closed with writes unsynced loses none of them, nor their failure: the kernel tells that to who
// opens it next.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/host/disk.h"
#include "common/host/strand.h"

namespace weir::log {

class OpenFiles : public host::Disk {
 public:
  static constexpr size_t kFilesMax = 4096;

  // `disk` and `strand` outlive it and its files.
  OpenFiles(host::Disk& disk, host::Strand& strand, size_t files_max = kFilesMax);

  // How many of the disk's files are open now.
  size_t size() const;

  void Open(std::string path, host::OpenMode mode,
            Callback<void(Result<std::shared_ptr<host::File>>)> done) override;
  void MakeFolder(std::string path, Callback<void(Result<void>)> done) override;
  void List(std::string path, Callback<void(Result<std::vector<std::string>>)> done) override;
  void Rename(std::string from, std::string to, Callback<void(Result<void>)> done) override;
  void Remove(std::string path, Callback<void(Result<void>)> done) override;
  void SyncFolder(std::string path, Callback<void(Result<void>)> done) override;
  void Measure(Callback<void(Result<host::Space>)> done) override;

 private:
  class Table;
  class Named;

  host::Disk& disk_;
  // Shared with the files, which may outlive this.
  std::shared_ptr<Table> table_;
};

}  // namespace weir::log
