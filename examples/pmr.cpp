// std::pmr containers inside a fixed piece of memory.
#include <cstdio>
#include <map>
#include <memory_resource>
#include <string>

#include "strata/memory_resource.hpp"
#include "strata/region.hpp"

alignas(16) static char memory[256 << 10];

int main() {
  strata::Region<> region(memory, sizeof memory);
  strata::memory_resource resource(region);
  {
    std::pmr::map<int, std::pmr::string> names(&resource);
    for (int i = 0; i < 1000; ++i) names[i] = "a name that is longer than a short string";
    std::printf("1000 names take %zu KB of the region\n", region.statistics().used_bytes >> 10);
  }
  std::printf("and leave %zu bytes behind\n", region.statistics().used_bytes);
}
