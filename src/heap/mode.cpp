// Switching to a mode. See mode.hpp.
#include "heap/mode.hpp"

#include "heap/state.hpp"

namespace strata::heap {

constinit const ModeCalls* mode;

void start_mode(const ModeCalls& calls) noexcept {
  mode = &calls;
  // What this thread has cached by now would be served by the hot paths.
  close_thread_heap();
}

}  // namespace strata::heap
