// SPDX-License-Identifier: Apache-2.0
// A defect that is there on purpose, to prove that the simulation finds it. It is compiled only
// into tests/planted, where WEIR_PLANTED_BUGS is defined and one run carries one bug; everywhere
// else PLANTED_BUG is the constant false.
#pragma once

#ifdef WEIR_PLANTED_BUGS

#include <string_view>

namespace weir {

// The bug that this process carries; empty: none.
inline std::string_view planted_bug;

}  // namespace weir

#define PLANTED_BUG(name) (::weir::planted_bug == (name))

#else

#define PLANTED_BUG(name) false

#endif
