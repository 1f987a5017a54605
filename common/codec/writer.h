// SPDX-License-Identifier: Apache-2.0
// Puts numbers and runs at the end of a string.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/codec/big_endian.h"
#include "common/codec/varint.h"

namespace weir::codec {

class Writer {
 public:
  explicit Writer(std::string* out) : out_(*out) {}

  template <std::integral T>
  void Fixed(T value) {
    char bytes[sizeof(T)];
    StoreBigEndian(value, bytes);
    out_.append(bytes, sizeof bytes);
  }
  void Varint(int32_t value) { AppendVarint(value, &out_); }
  void Varlong(int64_t value) { AppendVarlong(value, &out_); }
  void Run(std::string_view run) { out_.append(run); }
  // A varint length (-1: null) and the bytes.
  void NullableRun(std::optional<std::string_view> run) {
    Varint(run ? static_cast<int32_t>(run->size()) : -1);
    if (run) Run(*run);
  }

 private:
  std::string& out_;
};

}  // namespace weir::codec
