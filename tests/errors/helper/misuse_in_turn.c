// A program that has Strata linked in, for what a preloaded library cannot show: it frees one byte
// too much, then a block twice. `misuse_in_turn fork|signal` does it in a child or a handler.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void* hide(void* pointer) {
  __asm__ volatile("" : "+r"(pointer));
  return pointer;
}

static void overflow(void) {
  char* const block = hide(malloc(48));
  block[48] = 0;
  free(block);
}
static void free_twice(void) {
  void* const block = hide(malloc(48));
  void* const keep = hide(malloc(48));
  free(block);
  free(hide(block));
  free(keep);
}
static void on_signal(int number) {
  (void)number;
  free_twice();
}

int main(int count, char** arguments) {
  if (count > 1 && strcmp(arguments[1], "fork") == 0) {
    if (fork() == 0) {
      free_twice();
      _exit(0);
    }
    wait(NULL);
    free_twice();
  } else if (count > 1 && strcmp(arguments[1], "signal") == 0) {
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
  } else {
    overflow();
    free_twice();
  }
  fputs("survived\n", stderr);
  return 0;
}
