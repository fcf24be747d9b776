// A bad_alloc that the handler throws does not leave a nothrow form: it gives null.
#include "support/check.h"

#include <new>

static void handler() { throw std::bad_alloc{}; }

int main() {
  std::set_new_handler(handler);
  CHECK(::operator new(PTRDIFF_MAX, std::nothrow) == nullptr);
  CHECK(::operator new[](PTRDIFF_MAX, std::nothrow) == nullptr);
  CHECK(::operator new (PTRDIFF_MAX, std::align_val_t{64}, std::nothrow) == nullptr);
  CHECK(::operator new[](PTRDIFF_MAX, std::align_val_t{64}, std::nothrow) == nullptr);
}
