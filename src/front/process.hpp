// How the heap joins the process: options at first use, an exit handler for threads, fork handlers,
// statistics at exit.
#pragma once

namespace strata::front {

// Prints statistics to the standard error, as malloc_stats() does.
void print_statistics() noexcept;

}  // namespace strata::front
