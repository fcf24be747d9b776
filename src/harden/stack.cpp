// See stack.hpp.
#include "harden/stack.hpp"

#include "heap/report.hpp"
#include "platform/current.hpp"

namespace strata::harden {
namespace {

void tell_frame(Address address) noexcept {
  char path[160];
  Address in_file = 0;
  Line line;
  line.text("strata:     ");
  if (Machine::locate(address, path, sizeof path, in_file)) {
    line.text(path).text("+").hex(in_file);
  } else {
    line.hex(address);
  }
  heap::say(line.text("\n"));
}

void tell(const char* what, const Address* frames, unsigned count, std::uint32_t thread,
          bool first_is_exact) noexcept {
  if (count == 0) return;
  Line line;
  line.text("strata:   ").text(what);
  if (thread != 0) line.text(" by thread ").number(thread);
  heap::say(line.text(" at\n"));
  // A call stands before the address it returns to.
  for (unsigned i = 0; i < count; ++i) tell_frame(frames[i] - (i == 0 && first_is_exact ? 0 : 1));
}

}  // namespace

STRATA_NOINLINE void Stack::take() noexcept {
  count = Machine::walk_stack(frames, most);
  thread = Machine::thread_number();
}

void tell_stack(const char* what, const Address* frames, unsigned count,
                std::uint32_t thread) noexcept {
  tell(what, frames, count, thread, false);
}
void tell_access(const char* what, const Address* frames, unsigned count,
                 std::uint32_t thread) noexcept {
  tell(what, frames, count, thread, true);
}

}  // namespace strata::harden
