// SPDX-License-Identifier: Apache-2.0
// A failure of the world (a disk, a file, a network), with context added as it climbs.
// A bug of ours is a CHECK; a refusal to a caller is a Refusal (error_code.h). The three never mix.
#pragma once

#include <expected>
#include <ostream>
#include <string>
#include <string_view>

namespace weir {

struct Error {
  enum class Kind {
    kIo,           // The device failed: EIO and all that has no better name.
    kNotFound,     // No such file or folder.
    kFull,         // No space left, or a quota.
    kReadOnly,     // A read-only file system, or no permission.
    kCorrupt,      // Read, but not what was written: a checksum, a magic, a gap.
    kInUse,        // Another process holds it: a folder, a port.
    kInvalid,      // What was asked makes no sense: a flag, a configuration.
    kUnavailable,  // Not now; later may do.
  };

  Kind kind = Kind::kIo;
  std::string message;

  // "while doing: what happened".
  Error While(std::string_view doing) const {
    return Error{kind, std::string(doing) + ": " + message};
  }
  bool operator==(const Error&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Error& error) {
    return out << error.message;
  }
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> Fail(Error::Kind kind, std::string message) {
  return std::unexpected(Error{kind, std::move(message)});
}

}  // namespace weir
