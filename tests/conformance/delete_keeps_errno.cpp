// operator delete, like free, leaves errno alone.
#include "support/memory.h"

#include <cerrno>
#include <new>

int main() {
  FOR_EACH_EDGE_SIZE(size) {
    void* one = ::operator new(size);
    void* aligned = ::operator new (size, std::align_val_t{4096});
    errno = 77;
    ::operator delete(one, size);
    ::operator delete (aligned, std::align_val_t{4096});
    CHECK_EQUAL(77, errno);
  }
}
