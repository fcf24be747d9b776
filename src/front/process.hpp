// How the heap joins the process: options at first use, an exit handler for threads, fork handlers,
// statistics at exit.
#pragma once

namespace strata::front {

// Writes what malloc_stats() does to an open file.
void print_statistics(int file) noexcept;

}  // namespace strata::front
