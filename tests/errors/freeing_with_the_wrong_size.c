// free_sized is told another size than malloc was. Default mode does not compare.
//= default | small medium large huge | own other | survived
//= hardened diagnose | small | own other | wrong size for … (48-byte block, freed as 24 bytes)
//= hardened diagnose | medium | own other | wrong size for … (20000-byte block, freed as 10000 bytes)
//= hardened diagnose | large | own other | wrong size for … (1000000-byte block, freed as 500000 bytes)
//= hardened diagnose | huge | own other | wrong size for … (1610612736-byte block, freed as 805306368 bytes)
#include "misuse.h"

__attribute__((weak)) void free_sized(void* block, size_t size);

static size_t half;
static void free_half(void* block) { free_sized(block, half); }

static void misuse(size_t size) {
  half = size / 2;
  by_whom(free_half, take(size));
}
