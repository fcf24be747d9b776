// Memory of the program's own mapping is freed.
//= default hardened diagnose | small | own other | invalid free of … (not Strata's memory)
#include <sys/mman.h>
#include "misuse.h"

static void misuse(size_t size) {
  take(size);
  free_by_whom(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}
