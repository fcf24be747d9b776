// A process has at most vm.max_map_count mappings. Here all but a few are used up before the heap
// is asked: it gives blocks or NULL with ENOMEM, damages none, and recovers when there is room.
// (The same kernel test as a low vm.max_map_count, without changing the system for others.)
#include <sys/mman.h>
#include "support/use_everything.h"

static struct Everything area;

int main(void) {
  enum { most = 300000 };
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char* hoard =
      mmap(NULL, most * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(hoard != MAP_FAILED);
  size_t used = 1;
  while (used < most && mprotect(hoard + used * page, page, PROT_READ) == 0) used += 2;
  if (used >= most) SKIP("this system allows more mappings than the test can use up");
  use_everything(&area, 1, 2);
  for (size_t spare = 2; spare < 200; spare *= 3) {
    for (size_t i = 0; i < spare; ++i) munmap(hoard + (used -= 2) * page, page);
    use_everything(&area, spare, 2);
  }
  CHECK_EQUAL(0, munmap(hoard, most * page));
  area.refused = 0;
  CHECK_EQUAL(0, use_everything(&area, 7, 2));
  return 0;
}
