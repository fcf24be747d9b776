// Uses a small block after it was freed, with a handler of SIGSEGV of its own.
//
//   handles_faults first|later     the handler is set before anything is allocated, or after
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void handle(int number) {
  (void)number;
  const char text[] = "handled\n";
  (void)!write(2, text, sizeof text - 1);
  _exit(7);
}

static void set_handler(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  sigaction(SIGSEGV, &action, NULL);
}

int main(int count, char** arguments) {
  const int first = count == 2 && strcmp(arguments[1], "first") == 0;
  if (first) set_handler();
  volatile char* volatile block = malloc(48);
  if (!first) set_handler();
  free((void*)block);
  block[8] = 1;
  return 0;
}
