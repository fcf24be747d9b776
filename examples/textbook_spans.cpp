// profiles::TextbookSpans: spans that come and go, and a look at the blocks in them.
#include <cstdio>

#include "platform/linux/mmap_source.hpp"
#include "strata/region.hpp"

int main() {
  strata::Region<strata::profiles::TextbookSpans<strata::MmapSource>> region;

  void* small = region.allocate(100);
  void* large = region.allocate(200000);  // a span of its own
  std::printf("spans with a large block: %zu\n", region.statistics().spans);

  region.walk([](const strata::RegionBlock& block) {
    std::printf("  %-4s %7zu bytes at %p\n",
                block.state == strata::BlockState::free ? "free" : "used", block.bytes,
                block.payload);
  });

  region.free(large);
  region.free(small);
  std::printf("spans when all is free:   %zu (one empty span is kept)\n",
              region.statistics().spans);
  std::printf("freeing twice:            %s\n", strata::region_error_name(region.free(small)));
  region.destroy();
}
