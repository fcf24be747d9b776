// Where memory is to be had, nothrow forms give blocks like the others.
#include "support/memory.h"

#include <new>

int main() {
  for (size_t size = 0; size < 100000; size = size * 3 + 1) {
    void* one = ::operator new(size, std::nothrow);
    void* many = ::operator new[](size, std::nothrow);
    void* aligned = ::operator new (size, std::align_val_t{256}, std::nothrow);
    void* aligned_many = ::operator new[](size, std::align_val_t{256}, std::nothrow);
    CHECK(one != nullptr && many != nullptr && aligned != nullptr && aligned_many != nullptr);
    CHECK_ALIGNED(16, one);
    CHECK_ALIGNED(256, aligned);
    CHECK_ALIGNED(256, aligned_many);
    fill_pattern(aligned, size, 3);
    ::operator delete(one, std::nothrow);
    ::operator delete[](many, std::nothrow);
    ::operator delete (aligned, std::align_val_t{256}, std::nothrow);
    ::operator delete[](aligned_many, std::align_val_t{256}, std::nothrow);
  }
}
