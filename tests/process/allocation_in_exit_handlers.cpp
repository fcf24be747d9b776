// atexit, on_exit, static destructors and destructor functions still have a heap.
#include "support/memory.h"

#include <memory>
#include <vector>

static void work(size_t seed) {
  for (size_t i = 0; i < 100; ++i) {
    void* block = malloc(i * i * 10 + 1);
    CHECK(block != nullptr);
    fill_pattern(block, i * i * 10 + 1, seed);
    block = realloc(block, i * i * 20 + 1);
    CHECK(has_pattern(block, i * i * 10 + 1, seed));
    free(block);
  }
}
static int handlers = 0;
static void* made_in_main = nullptr;

struct Static {
  std::unique_ptr<std::vector<int>> numbers = std::make_unique<std::vector<int>>(1000, 7);
  ~Static() {
    work(1);
    CHECK_EQUAL(7, (*numbers)[999]);
    numbers.reset();
  }
};
static Static object;

__attribute__((destructor)) static void last() {
  work(2);
  CHECK_EQUAL(40, handlers);
  CHECK(has_pattern(made_in_main, 5000, 9));
  free(made_in_main);
}
static void at_exit() {
  work(3);
  ++handlers;
}

int main() {
  made_in_main = malloc(5000);
  fill_pattern(made_in_main, 5000, 9);
  for (int i = 0; i < 20; ++i) CHECK_EQUAL(0, atexit(at_exit));
  for (int i = 0; i < 20; ++i) CHECK_EQUAL(0, on_exit([](int, void*) { at_exit(); }, nullptr));
}
