// What the handler throws reaches the caller of operator new as it is.
#include "support/check.h"

#include <new>

struct TooMuch : std::bad_alloc {};
static void handler() { throw TooMuch{}; }

int main() {
  std::set_new_handler(handler);
  int caught = 0;
  for (int i = 0; i < 100; ++i) {
    try {
      ::operator delete(::operator new(PTRDIFF_MAX));
    } catch (const TooMuch&) {
      ++caught;
    }
  }
  CHECK_EQUAL(100, caught);
}
