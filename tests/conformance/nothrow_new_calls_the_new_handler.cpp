// The nothrow forms call the handler as well, before they give null.
#include "support/check.h"

#include <new>

static int calls = 0;
static void handler() {
  if (++calls == 3) std::set_new_handler(nullptr);
}

int main() {
  std::set_new_handler(handler);
  CHECK(::operator new(PTRDIFF_MAX, std::nothrow) == nullptr);
  CHECK_EQUAL(3, calls);
  calls = 0;
  std::set_new_handler(handler);
  CHECK(::operator new[](PTRDIFF_MAX, std::align_val_t{128}, std::nothrow) == nullptr);
  CHECK_EQUAL(3, calls);
}
