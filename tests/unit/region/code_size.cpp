// Everything a program can call on the default region, compiled for size: what it adds to a kernel
// or a device. code_size.sh adds up its text.
#include "strata/region.hpp"

using Region = strata::Region<>;

extern "C" {
void* allocate(Region& r, std::size_t size) { return r.allocate(size); }
void* allocate_aligned(Region& r, std::size_t size, std::size_t alignment) {
  return r.allocate_aligned(size, alignment);
}
void* take_next_bytes(Region& r, std::size_t size) { return r.falloc(size); }
int give_back(Region& r, void* block) { return int(r.free(block)); }
bool resize_in_place(Region& r, void* block, std::size_t size) {
  return r.resize_in_place(block, size);
}
void* reallocate(Region& r, void* block, std::size_t size) { return r.reallocate(block, size); }
std::size_t usable_size(Region& r, void* block) { return r.usable_size(block); }
bool owns(Region& r, void* address) { return r.owns(address); }
int add(Region& r, void* memory, std::size_t bytes) { return int(r.add(memory, bytes)); }
int check(Region& r) { return int(r.check().error); }
void statistics(Region& r, strata::RegionStatistics& out) { out = r.statistics(); }
void settle(Region& r) { r.settle(); }
void destroy(Region& r) { r.destroy(); }
}
