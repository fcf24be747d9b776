// 256 MB in blocks of mixed sizes, all freed: the pages go back to the system within two seconds,
// although the program never calls the heap again.
#include "support/memory.h"

int main(void) {
  enum { most = 200000 };
  static void* blocks[most];
  uint64_t random = 21;
  size_t count = 0, total = 0;
  const long before = resident_kib();
  while (total < ((size_t)256 << 20)) {
    const size_t size =
        count % 20 == 0 ? next_random(&random) % 200000 : random_size(&random, 40000);
    blocks[count] = malloc(size);
    memset(blocks[count++], 1, size);
    total += size;
  }
  CHECK(resident_kib() > before + 250000);
  for (size_t i = 0; i < count; ++i) {  // in random order
    const size_t j = i + next_random(&random) % (count - i);
    free(blocks[j]);
    blocks[j] = blocks[i];
  }
  CHECK_AT_MOST(before + 16384, wait_until_resident_at_most(before + 16384, 2000));
  return 0;
}
