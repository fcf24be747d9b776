// All four throwing forms throw std::bad_alloc, and never return null.
#include "support/check.h"

#include <initializer_list>
#include <new>

template <class Allocate>
void check_throws(Allocate allocate) {
  bool thrown = false;
  try {
    allocate();
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  CHECK(thrown);
}

int main() {
  constexpr std::align_val_t page{4096};
  for (const size_t size : {SIZE_MAX, size_t(PTRDIFF_MAX) + 1, size_t(PTRDIFF_MAX)}) {
    check_throws([=] { return ::operator new(size); });
    check_throws([=] { return ::operator new[](size); });
    check_throws([=] { return ::operator new(size, page); });
    check_throws([=] { return ::operator new[](size, page); });
  }
  ::operator delete(::operator new(10));
}
