// SPDX-License-Identifier: Apache-2.0
// How consumed records are printed: "%t/%p/%o %k %v\n".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/core/record.h"
#include "common/base/error.h"

namespace weir::cli {

// %t topic, %p partition, %o offset, %k key, %v value, %T timestamp in milliseconds, %s size of the
// value in bytes, %% a percent sign; \n, \t, \r, \0 and \\ as usual. No key or value prints
// nothing.
class RecordFormat {
 public:
  static Result<RecordFormat> Parse(std::string_view format);

  void Print(std::string& out, std::string_view topic, PartitionIndex partition,
             const client::ReadRecord& record) const;

 private:
  // A letter of the list above with no text, or 0 with text.
  struct Part {
    char field = 0;
    std::string text;
  };
  std::vector<Part> parts_;
};

}  // namespace weir::cli
