// Each form of operator delete gives the block back: gigabytes pass through under a limit.
#include "support/memory.h"

#include <sys/resource.h>
#include <initializer_list>
#include <new>

int main() {
  const rlimit limit = {size_t{256} << 20, size_t{256} << 20};
  CHECK_EQUAL(0, setrlimit(RLIMIT_DATA, &limit));
  constexpr std::align_val_t line{64};
  for (int i = 0; i < 500; ++i) {
    for (const size_t size : {size_t{100}, size_t{100000}, size_t{1} << 20}) {
      const auto touched = [size](void* block) {
        return memset(block, 1, size < 4096 ? size : 4096);
      };
      ::operator delete(touched(::operator new(size)));
      ::operator delete[](touched(::operator new[](size)));
      ::operator delete(touched(::operator new(size)), size);
      ::operator delete[](touched(::operator new[](size)), size);
      ::operator delete(touched(::operator new(size)), std::nothrow);
      ::operator delete[](touched(::operator new[](size)), std::nothrow);
      ::operator delete(touched(::operator new(size, line)), line);
      ::operator delete[](touched(::operator new[](size, line)), line);
      ::operator delete(touched(::operator new(size, line)), size, line);
      ::operator delete[](touched(::operator new[](size, line)), size, line);
      ::operator delete(touched(::operator new(size, line)), line, std::nothrow);
      ::operator delete[](touched(::operator new[](size, line)), line, std::nothrow);
    }
  }
}
