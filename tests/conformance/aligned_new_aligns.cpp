// new of over-aligned types and operator new with std::align_val_t keep every power of two.
#include "support/memory.h"

#include <new>

struct alignas(128) Line {
  char bytes[200];
};

int main() {
  for (size_t alignment = 1; alignment <= size_t{4} << 20; alignment *= 2) {
    for (size_t size = 0; size < 200000; size = size * 4 + 3) {
      void* one = ::operator new (size, std::align_val_t{alignment});
      void* many = ::operator new[](size, std::align_val_t{alignment});
      CHECK_ALIGNED(alignment, one);
      CHECK_ALIGNED(alignment, many);
      fill_pattern(one, size, 1);
      fill_pattern(many, size, 2);
      CHECK(has_pattern(one, size, 1));
      ::operator delete (one, std::align_val_t{alignment});
      ::operator delete[](many, std::align_val_t{alignment});
    }
  }
  for (int i = 0; i < 100; ++i) {
    Line* line = new Line;
    Line* lines = new Line[3];
    CHECK_ALIGNED(128, line);
    CHECK_ALIGNED(128, lines);
    delete line;
    delete[] lines;
  }
}
