// Estimates: how many blocks of each small size the program has ever allocated, from the sampling
// point (heap/sample.hpp). The hot path counts nothing that would say; one allocation in so many
// bytes is looked at instead, and counts for as many as it stands for, so that the expectation is
// the true number whatever the program does.
//
// Nothing is counted unless somebody asks: `strata run` for the whole run, `strata top` while it
// looks. Large and huge blocks are counted exactly, without sampling (heap/thread_counts.hpp).
#pragma once

#include "observe/board.hpp"

namespace strata::observe {

// Looks at one allocation in `mean` bytes from now on, for `milliseconds` (0: until told
// otherwise); 0 bytes: at none. Takes the registry's lock.
void estimate(size_t mean, std::uint32_t milliseconds) noexcept;
// Milliseconds until end_estimates() is due; 0: it is not.
std::uint32_t estimates_last() noexcept;
// Goes back to what was last asked for without a limit, if the time is over.
void end_estimates() noexcept;

void read_estimates(Estimates& estimates) noexcept;
// In the child of a fork: from here on it counts for itself.
void start_estimates_anew() noexcept;

}  // namespace strata::observe
