// operator new gives what malloc gives: aligned for any type, its own, also for zero bytes.
#include "support/memory.h"

#include <new>

int main() {
  for (size_t size = 0; size <= 4096; ++size) {
    void* one = ::operator new(size);
    void* many = ::operator new[](size);
    CHECK(one != nullptr && many != nullptr && one != many);
    CHECK_EQUAL_AT(size, 0, uintptr_t(one) % 16);
    CHECK_EQUAL_AT(size, 0, uintptr_t(many) % 16);
    fill_pattern(one, size, 1);
    fill_pattern(many, size, 2);
    CHECK(has_pattern(one, size, 1));
    ::operator delete(one);
    ::operator delete[](many);
  }
}
