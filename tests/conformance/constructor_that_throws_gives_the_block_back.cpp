// When a constructor throws, the language calls the delete that matches the new: nothing leaks.
#include "support/memory.h"

#include <sys/resource.h>
#include <new>

struct Refuses {
  char bytes[1 << 20];
  Refuses() {
    bytes[0] = bytes[500000] = 1;
    throw 1;
  }
};
struct alignas(256) RefusesAligned : Refuses {};

template <class Make>
void check_throws(Make make) {
  bool thrown = false;
  try {
    make();
  } catch (int) {
    thrown = true;
  }
  CHECK(thrown);
}

int main() {
  const rlimit limit = {size_t{256} << 20, size_t{256} << 20};
  CHECK_EQUAL(0, setrlimit(RLIMIT_DATA, &limit));
  for (int i = 0; i < 500; ++i) {
    check_throws([] { return new Refuses; });
    check_throws([] { return new (std::nothrow) Refuses; });
    check_throws([] { return new RefusesAligned; });
    check_throws([] { return new (std::nothrow) RefusesAligned; });
    check_throws([] { return new Refuses[2]; });
  }
}
