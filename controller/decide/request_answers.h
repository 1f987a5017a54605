// SPDX-License-Identifier: Apache-2.0
// What the caller of a repeatable request was told, as bytes for the metadata log, and back. Pure.
#pragma once

#include <string>

#include "common/base/error_code.h"
#include "controller/decide/commands.h"

namespace weir::decide {

std::string EncodeAnswer(const Answer<Outcome>& answer);

// `command` is the one that is repeated. Refused as it was before, or if it cannot be the one that
// was answered so: two different requests came with one id.
Answer<Outcome> DecodeAnswer(const std::string& bytes, const Command& command);

}  // namespace weir::decide
