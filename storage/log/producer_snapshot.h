// SPDX-License-Identifier: Apache-2.0
// A log's producers as Kafka's file "<offset>.snapshot" (version 1). Kafka keeps of each producer
// its last batch alone; those before it, by which older retries are known, stand behind what Kafka
// reads, where its tools pass over them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/log/producers.h"

namespace weir::log {

std::string EncodeProducerSnapshot(const Producers& producers);

// The producers as all below `end` left them. Reads what Kafka wrote as well; nothing where the
// bytes are no such file.
std::optional<Producers> DecodeProducerSnapshot(std::string_view bytes, Offset end);

}  // namespace weir::log
