// Blocks made in preinit_array (before any library's constructor), in constructors of every
// priority and in static objects are good in main, and can be freed there.
#include "support/memory.h"

#include <string>

static void *from_preinit, *from_first, *from_late;
static void* make(size_t seed) {
  for (size_t i = 0; i < 3000; i += 7) free(malloc(i));
  void* huge = calloc(1, size_t{3} << 20);
  CHECK(huge != nullptr && is_zero(huge, size_t{3} << 20));
  free(huge);
  void* block = malloc(4000 + seed);
  CHECK(block != nullptr);
  fill_pattern(block, 4000 + seed, seed);
  return block;
}
extern "C" void before_everything() { from_preinit = make(1); }
__attribute__((section(".preinit_array"), used)) static void (*preinit)() = before_everything;
__attribute__((constructor(101))) static void first() { from_first = make(2); }
__attribute__((constructor)) static void late() { from_late = make(3); }
static std::string text(5000, 'x');

int main() {
  CHECK(has_pattern(from_preinit, 4001, 1));
  CHECK(has_pattern(from_first, 4002, 2));
  CHECK(has_pattern(from_late, 4003, 3));
  CHECK_EQUAL(5000, text.size());
  free(from_preinit);
  from_first = realloc(from_first, 100000);
  CHECK(has_pattern(from_first, 4002, 2));
  free(from_first);
  free(from_late);
}
