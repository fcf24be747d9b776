// profiles::Debug: three errors that programs make, and what the region says to each.
#include <cstdio>
#include <cstring>

#include "strata/region.hpp"

alignas(16) static char memory[64 << 10];

int main() {
  strata::Region<strata::profiles::Debug> region(memory, sizeof memory);
  auto* a = static_cast<char*>(region.allocate(10));
  auto* b = static_cast<char*>(region.allocate(10));

  std::memset(a, 'x', 11);  // one too many
  std::printf("writing past the end:  %s\n", strata::region_error_name(region.check().error));
  std::printf("freeing that block:    %s\n", strata::region_error_name(region.free(a)));

  region.free(b);
  std::printf("freeing twice:         %s\n", strata::region_error_name(region.free(b)));
  std::printf("freeing the middle:    %s\n", strata::region_error_name(region.free(a + 16)));

  strata::Region<strata::profiles::Debug> other(memory, sizeof memory);
  auto* c = static_cast<char*>(other.allocate(100));
  other.free(c);
  c[40] = 1;
  std::printf("writing after freeing: %s\n", strata::region_error_name(other.check().error));
}
