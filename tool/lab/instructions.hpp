// Counts the instructions between two marks in a child process, exactly, by stepping through them.
//
// The child traps at each mark; its parent single-steps it in between and counts. No hardware
// counter is needed, so it works in containers, and the figures do not depend on what else the
// machine does. About 5 us an instruction: sample, do not count everything. Where tracing is
// forbidden, or on a machine without a mark below, there is no answer.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace strata::lab {

// Stands in the measured code before and after what is counted. Must be called in pairs.
inline void mark() {
#if defined(__x86_64__)
  asm volatile("int3" ::: "memory");
#endif
}

// Runs `work` in a child and returns the count of every pair of marks it passes, less the cost of
// the marks themselves. Stops after `most_steps` instructions in all. Empty: it cannot be counted
// here.
std::vector<std::uint64_t> count_instructions(const std::function<void()>& work,
                                              std::uint64_t most_steps = 200000);

}  // namespace strata::lab
