// operator new calls the handler again and again until it removes itself; then bad_alloc.
#include "support/check.h"

#include <new>

static int calls = 0;
static void handler() {
  if (++calls == 5) std::set_new_handler(nullptr);
}

template <class Allocate>
void check_calls(Allocate allocate) {
  calls = 0;
  std::set_new_handler(handler);
  bool thrown = false;
  try {
    allocate();
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  CHECK(thrown);
  CHECK_EQUAL(5, calls);
}

int main() {
  constexpr size_t impossible = PTRDIFF_MAX;
  check_calls([] { return ::operator new(impossible); });
  check_calls([] { return ::operator new[](impossible); });
  check_calls([] { return ::operator new (impossible, std::align_val_t{64}); });
  check_calls([] { return ::operator new[](impossible, std::align_val_t{64}); });
}
