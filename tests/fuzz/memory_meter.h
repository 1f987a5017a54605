// SPDX-License-Identifier: Apache-2.0
// How much memory this process holds through operator new, and the most that it held since it was
// asked to forget. Linking this replaces operator new. Safe from any thread.
#pragma once

#include <cstddef>

namespace weir::fuzz {

size_t HeldBytes();
size_t MostHeldBytes();
// The most is what is held now.
void ForgetMost();

}  // namespace weir::fuzz
