// Addresses that nothing is at.
//= default hardened diagnose | small medium large | own other | invalid free of … (not Strata's memory)
#include "misuse.h"

static void misuse(size_t size) {
  take(size);
  free_by_whom((void*)(size == 48 ? (uintptr_t)16 : size == 20000 ? ~(uintptr_t)15 : 0xdeadbeef0));
}
