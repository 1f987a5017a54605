// SPDX-License-Identifier: Apache-2.0
// Zig-zag variable-length integers, as record batches use them: small numbers of either sign are
// short. At most 5 bytes for 32 bits, 10 for 64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::codec {

inline constexpr size_t kVarintBytesMax = 5;
inline constexpr size_t kVarlongBytesMax = 10;

void AppendVarint(int32_t value, std::string* out);
void AppendVarlong(int64_t value, std::string* out);
size_t VarlongSize(int64_t value);

// Takes a number off the front of `in`. Nothing, and `in` as it was, where it is cut short, longer
// than it may be, or too large for its width.
std::optional<int32_t> TakeVarint(std::string_view* in);
std::optional<int64_t> TakeVarlong(std::string_view* in);

}  // namespace weir::codec
