// Switching to a mode. See mode.hpp.
#include "heap/mode.hpp"

#include "heap/state.hpp"

namespace strata::heap {

template <bool exists>
constinit const ModeCalls* ModeInUse<exists>::calls = nullptr;
template struct ModeInUse<true>;

void start_mode(const ModeCalls& calls) noexcept {
  ModeInUse<true>::calls = &calls;
  // What this thread has cached by now would be served by the hot paths.
  close_thread_heap();
}

}  // namespace strata::heap
