// SPDX-License-Identifier: Apache-2.0
// Reads numbers and runs off the front of bytes that it does not own. Reading past the end fails,
// and from then on everything does: a caller may read a whole structure and ask `failed` once.
#pragma once

#include <optional>
#include <string_view>

#include "common/codec/big_endian.h"
#include "common/codec/varint.h"

namespace weir::codec {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  // Zero after a failure.
  template <std::integral T>
  T Fixed() {
    if (failed_ || rest_.size() < sizeof(T)) return Failed<T>();
    T value = LoadBigEndian<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  int32_t Varint() {
    auto value = failed_ ? std::nullopt : TakeVarint(&rest_);
    return value ? *value : Failed<int32_t>();
  }
  int64_t Varlong() {
    auto value = failed_ ? std::nullopt : TakeVarlong(&rest_);
    return value ? *value : Failed<int64_t>();
  }
  // Empty after a failure.
  std::string_view Run(size_t size) {
    if (failed_ || rest_.size() < size) return Failed<std::string_view>();
    std::string_view run = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return run;
  }
  // A varint length and that many bytes; the length -1 is null, any other below zero a failure.
  std::optional<std::string_view> NullableRun() {
    int32_t length = Varint();
    if (failed_ || length == -1) return std::nullopt;
    if (length < 0) return Failed<std::optional<std::string_view>>();
    return Run(static_cast<size_t>(length));
  }

  bool failed() const { return failed_; }
  std::string_view rest() const { return rest_; }

 private:
  template <class T>
  T Failed() {
    failed_ = true;
    return T{};
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace weir::codec
