// profiles::HobbyKernel: a score between greedy and exact, frees in batches, falloc for the
// hurried.
#include <cstdio>

#include "strata/region.hpp"

alignas(16) static char memory[1 << 20];  // what a kernel has before its page tables

int main() {
  strata::Region<strata::profiles::HobbyKernel> region(memory, sizeof memory);

  // At boot nothing is ever freed: the next bytes at the end will do, without a search.
  char* first = static_cast<char*>(region.falloc(200));
  char* second = static_cast<char*>(region.falloc(200));
  std::printf("falloc: the second block starts %td bytes behind the first\n", second - first);

  void* blocks[63];
  for (void*& block : blocks) block = region.allocate(300);
  for (void* block : blocks) region.free(block);
  std::printf("saved up: %zu KB freed by us, not given back yet\n",
              region.statistics().saved_bytes >> 10);
  region.free(first);  // the 64th: the batch is done in one pass
  std::printf("after the batch: %zu blocks in use\n", region.statistics().used_blocks);

  std::printf("17 MiB: %s\n", region.allocate(17 << 20) == nullptr
                                  ? strata::region_error_name(region.last_error())
                                  : "served");
}
