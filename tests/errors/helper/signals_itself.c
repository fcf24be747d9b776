// Writes behind a block's end, and asks for the heap to be looked over.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  char* volatile block = malloc(40);
  block[40] = 1;
  raise(SIGUSR2);
  free(malloc(40));
  _exit(0);
}
