// 64 MB in blocks of one size, for sizes from 16 bytes to 16 MB: freed, they leave no more than the
// dirty bound behind, at once or within two seconds.
#include "support/memory.h"

int main(void) {
  static void* blocks[(64 << 20) / 16];
  static const size_t sizes[] = {16,    48,     200,    1000,    4000,    10000,
                                 33000, 100000, 300000, 1000000, 5000000, 16000000};
  const long before = resident_kib() + (long)sizeof blocks / 1024;
  memset(blocks, 0, sizeof blocks);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    const size_t count = ((size_t)64 << 20) / sizes[i];
    for (size_t j = 0; j < count; ++j) {
      blocks[j] = malloc(sizes[i]);
      CHECK(blocks[j] != NULL);
      memset(blocks[j], 1, sizes[i]);
    }
    for (size_t j = 0; j < count; ++j) free(blocks[j]);
    const long kib = wait_until_resident_at_most(before + 16384, 2000);
    if (kib > before + 16384) {
      check_stop(check_exit_failed, "blocks of %zu bytes: expected at most %ld KiB, got %ld",
                 sizes[i], before + 16384, kib);
    }
  }
  return 0;
}
