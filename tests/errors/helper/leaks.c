// Loses blocks in two places, and keeps others: by a global, by a block, by a pointer inside.
//
//   leaks            ends with 0; diagnose mode tells of three blocks in one place and one in another
//   leaks none       loses nothing
#include <stdlib.h>
#include <string.h>

static void* kept[4];

__attribute__((noinline)) static void lose(size_t size) {
  void* volatile block = malloc(size);
  (void)block;
  block = NULL;
}
__attribute__((noinline)) static void overwrite_stack(void) {
  volatile char space[4096];
  memset((char*)space, 0, sizeof space);
}

int main(int count, char** arguments) {
  (void)arguments;
  void** const chain = malloc(sizeof(void*));
  chain[0] = malloc(100);
  kept[0] = chain;
  kept[1] = (char*)malloc(300) + 200;
  kept[2] = malloc(100000);
  *(void**)((char*)kept[2] + 50000) = malloc(70);
  if (count == 1) {
    for (int i = 0; i < 3; ++i) lose(48);
    lose(5000);
  }
  overwrite_stack();
  return 0;
}
