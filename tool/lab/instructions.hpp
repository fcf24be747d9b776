// Counts the instructions between two marks, exactly, by stepping through them.
//
// A mark is a breakpoint instruction; the handler of its signal sets the processor's trap flag, and
// every instruction up to the next mark gives a signal that is counted. No hardware counter and no
// tracing by another process is needed, so it works in containers, and the figures do not depend on
// what else the machine does. Some microseconds an instruction: sample, do not count everything.
// On a machine without a mark below, there is no answer.
#pragma once

#include <cstddef>
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

// Runs `work` and returns the count of every pair of marks that it passes, most_pairs at most, the
// marks themselves not included. Counts no more after `most_steps` instructions in all. Empty: it
// cannot be counted here. One thread at a time.
constexpr std::size_t most_pairs = 100000;
std::vector<std::uint64_t> count_instructions(const std::function<void()>& work,
                                              std::uint64_t most_steps = 200000);

}  // namespace strata::lab
