// All four nothrow forms give null, and never throw.
#include "support/check.h"

#include <initializer_list>
#include <new>

int main() {
  constexpr std::align_val_t page{4096};
  for (const size_t size : {SIZE_MAX, size_t(PTRDIFF_MAX) + 1, size_t(PTRDIFF_MAX)}) {
    CHECK(::operator new(size, std::nothrow) == nullptr);
    CHECK(::operator new[](size, std::nothrow) == nullptr);
    CHECK(::operator new(size, page, std::nothrow) == nullptr);
    CHECK(::operator new[](size, page, std::nothrow) == nullptr);
  }
}
