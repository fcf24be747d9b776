// A handler that makes memory available is why new tries again: the second try succeeds.
#include "support/check.h"

#include <sys/resource.h>
#include <cstdlib>
#include <new>

static void* reserve = nullptr;
static int calls = 0;
static void handler() {
  ++calls;
  std::free(reserve);
  reserve = nullptr;
  if (calls > 3) check_stop(check_exit_failed, "the handler's memory did not help");
}

int main() {
  constexpr size_t half = size_t{300} << 20;
  const rlimit limit = {half + half / 2, half + half / 2};
  CHECK_EQUAL(0, setrlimit(RLIMIT_DATA, &limit));
  reserve = std::malloc(half);
  CHECK(reserve != nullptr);
  std::set_new_handler(handler);
  void* block = ::operator new(half);
  CHECK(block != nullptr);
  CHECK_EQUAL(1, calls);
  ::operator delete(block);
}
