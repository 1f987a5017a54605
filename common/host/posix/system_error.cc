// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/system_error.h"

#include <cerrno>
#include <system_error>

namespace weir::host {

namespace {

Error::Kind KindOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return Error::Kind::kNotFound;
    case ENOSPC:
    case EDQUOT:
      return Error::Kind::kFull;
    case EROFS:
    case EACCES:
    case EPERM:
      return Error::Kind::kReadOnly;
    case EADDRINUSE:
    case EBUSY:
    case ETXTBSY:
      return Error::Kind::kInUse;
    case EINVAL:
    case EISDIR:
    case ENAMETOOLONG:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return Error::Kind::kInvalid;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return Error::Kind::kUnavailable;
    default:
      return Error::Kind::kIo;
  }
}

}  // namespace

std::unexpected<Error> SystemFailure(int error_number, std::string_view doing) {
  return Fail(KindOf(error_number),
              std::string(doing) + ": " + std::generic_category().message(error_number));
}

std::unexpected<Error> SyncFailure(int error_number, std::string_view doing) {
  return Fail(Error::Kind::kIo, SystemFailure(error_number, doing).error().message);
}

}  // namespace weir::host
