// The observer: the thread that answers the command `strata` on the process's board.
//
// Nothing of it exists in a process that is not to be observed. See docs/design/observing.md.
#pragma once

#include "base/units.hpp"

namespace strata::observe {

// Starts answering. `where`: path of the file that `strata run` made, or null for a file of the
// process's own. False when the system refuses the thread or the memory: the program goes on
// unobserved. Once, and again in the child of a fork. Costs about 0.1 ms.
bool start(const char* where) noexcept;

// In the child of a fork, where the parent's observer does not exist: starts one like it.
void start_again_after_fork() noexcept;

// At the end of the process: leaves its last totals on the board, for who has it open.
void finish() noexcept;

[[nodiscard]] bool is_running() noexcept;

}  // namespace strata::observe
