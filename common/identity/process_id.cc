// SPDX-License-Identifier: Apache-2.0
#include "common/identity/process_id.h"

#include <charconv>

namespace weir::identity {
namespace {

bool ParseNumber(std::string_view text, int32_t* number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() && *number >= 0;
}

}  // namespace

Result<int32_t> ProcessId(const std::string& flag, const std::string& host_name) {
  int32_t id = 0;
  if (flag == "auto") {
    size_t dash = host_name.rfind('-');
    if (dash != std::string::npos && ParseNumber(host_name.substr(dash + 1), &id)) return id;
    return Fail(Error::Kind::kInvalid,
                "--id=auto takes the number at the end of the host's name, as in "
                "weir-nodes-2; this host is called '" +
                    host_name + "': give --id=NUMBER");
  }
  if (ParseNumber(flag, &id)) return id;
  return Fail(Error::Kind::kInvalid,
              flag.empty() ? "--id is missing: give a number of 0 or more that no "
                             "other process of this kind has, or auto"
                           : "--id=" + flag + " is not a number of 0 or more, nor auto");
}

}  // namespace weir::identity
