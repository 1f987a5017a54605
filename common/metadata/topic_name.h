// SPDX-License-Identifier: Apache-2.0
// Which names a topic may have: Kafka's rules, said in words. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error_code.h"
#include "common/metadata/image.h"

namespace weir::metadata {

inline constexpr size_t kTopicNameMax = 249;

// 1 to 249 of a-z A-Z 0-9 . _ -, and neither "." nor "..".
Answer<void> ValidateTopicName(std::string_view name);

// Two names that differ only in '.' and '_' collide in the names of metrics. The topic that `name`
// collides with, and is not; empty: none.
std::string CollidingTopic(const Image& image, const std::string& name);

}  // namespace weir::metadata
