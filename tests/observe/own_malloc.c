// A program that brings its own malloc: what is preloaded does not reach it.
#include <stddef.h>

static char memory[1 << 20];
static size_t used;

void* malloc(size_t size) {
  size_t* const block = (size_t*)(memory + used);
  used += (size + 31) / 16 * 16;
  return used <= sizeof memory ? block : NULL;
}
void free(void* block) { (void)block; }

int main(void) { return malloc(100) == NULL; }
