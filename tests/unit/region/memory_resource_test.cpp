// std::pmr over a region, and the heap's resource over the functions the heap provides.
#include "strata/memory_resource.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <list>
#include <map>
#include <memory_resource>
#include <string>
#include <vector>

#include "strata/region.hpp"

namespace {

alignas(64) char memory[1 << 18];

TEST(MemoryResource, containers_live_in_a_region_and_leave_it_empty) {
  strata::Region<> region(memory, sizeof memory);
  strata::memory_resource resource(region);
  {
    std::pmr::map<int, std::pmr::string> map(&resource);
    for (int i = 0; i < 500; ++i) map[i] = std::string(std::size_t(i % 100), 'x');
    for (int i = 0; i < 500; i += 2) map.erase(i);
    EXPECT_TRUE(region.owns(&map[1]));
    EXPECT_TRUE(region.check());
  }
  EXPECT_EQ(region.statistics().used_bytes, 0U);
}

TEST(MemoryResource, a_full_region_throws_bad_alloc_and_goes_on) {
  strata::Region<> region(memory, 4096);
  strata::memory_resource resource(region);
  EXPECT_THROW((void)resource.allocate(5000), std::bad_alloc);
  EXPECT_THROW((void)resource.allocate(10, std::size_t{1} << 40), std::bad_alloc);
  void* p = resource.allocate(0);
  resource.deallocate(p, 0);
  EXPECT_TRUE(region.check());
}

TEST(MemoryResource, over_aligned_types_are_aligned) {
  struct alignas(128) Wide {
    char bytes[128];
  };
  strata::Region<> region(memory, sizeof memory);
  strata::memory_resource resource(region);
  std::pmr::list<Wide> list(&resource);
  for (int i = 0; i < 20; ++i) {
    list.emplace_back();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&list.back()) % 128, 0U);
  }
}

TEST(MemoryResource, monotonic_use_lays_blocks_one_behind_the_other) {
  strata::Region<> region(memory, sizeof memory);
  strata::memory_resource resource(region, strata::monotonic);
  char* last = static_cast<char*>(resource.allocate(60));
  for (int i = 0; i < 100; ++i) {
    char* p = static_cast<char*>(resource.allocate(60));
    EXPECT_EQ(p, last + 64);
    last = p;
  }
}

TEST(MemoryResource, the_heap_is_one_resource_and_an_allocator) {
  strata::memory_resource one;
  strata::memory_resource two;
  EXPECT_TRUE(one.is_equal(two));
  EXPECT_FALSE(one.is_equal(*std::pmr::new_delete_resource()));
  std::pmr::vector<int> numbers(strata::heap_resource());
  numbers.resize(1000, 7);
  std::vector<int, strata::allocator<int>> plain(1000, 7);
  EXPECT_TRUE(std::equal(numbers.begin(), numbers.end(), plain.begin()));
}

TEST(MemoryResource, monotonic_use_of_the_heap_lays_blocks_one_behind_the_other) {
  std::pmr::memory_resource* heap = strata::heap_resource(strata::monotonic);
  EXPECT_TRUE(heap->is_equal(*strata::heap_resource()));
  char* const first = static_cast<char*>(heap->allocate(60));
  for (int i = 1; i < 100; ++i) EXPECT_EQ(heap->allocate(60), first + i * 64);
  void* aligned = heap->allocate(60, 4096);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(aligned) % 4096, 0U);
  strata::heap_resource()->deallocate(aligned, 60, 4096);
  for (int i = 0; i < 100; ++i) strata::heap_resource()->deallocate(first + i * 64, 60);
}

}  // namespace
