// SPDX-License-Identifier: Apache-2.0
// RocksDB's own log would be a second one beside ours, with little that a person can use: all that
// is kept of it is the last complaint, which names a file where the status does not.
#pragma once

#include <rocksdb/env.h>

#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

namespace weir::quorum {

class Complaints final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < rocksdb::WARN_LEVEL || level > rocksdb::FATAL_LEVEL) return;
    char line[512] = {};
    std::vsnprintf(line, sizeof line, format, arguments);
    // That repeats the status.
    if (std::string_view(line).find("DB::Open() failed") != std::string_view::npos) return;
    std::lock_guard lock(mutex_);
    last_ = line;
  }
  std::string last() const {
    std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  mutable std::mutex mutex_;
  std::string last_;
};

}  // namespace weir::quorum
