// Bad input: each kind has its named error, and the region goes on unharmed.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "strata/region.hpp"

namespace strata::testing {
namespace {

alignas(64) char memory[1 << 14];

struct BadInput : ::testing::Test {
  Region<> region{memory, sizeof memory};
  void TearDown() override {
    // Unharmed: it checks, and serves.
    EXPECT_TRUE(region.check());
    void* p = region.allocate(1000);
    EXPECT_NE(p, nullptr);
    EXPECT_EQ(region.free(p), RegionError::none);
  }
  void refused(void* p, RegionError error) {
    EXPECT_EQ(p, nullptr);
    EXPECT_EQ(region.last_error(), error) << region_error_name(region.last_error());
  }
};

TEST_F(BadInput, zero_size) {
  refused(region.allocate(0), RegionError::zero_size);
  refused(region.falloc(0), RegionError::zero_size);
  refused(region.allocate_aligned(0, 64), RegionError::zero_size);
}
TEST_F(BadInput, sizes_up_to_the_end_of_numbers) {
  for (std::size_t size :
       {~std::size_t{0}, ~std::size_t{0} - 7, ~std::size_t{0} / 2 + 1, Region<>::max_size + 1}) {
    refused(region.allocate(size), RegionError::too_large);
    refused(region.falloc(size), RegionError::too_large);
    refused(region.allocate_aligned(size, 4096), RegionError::too_large);
    void* p = region.allocate(1);
    refused(region.reallocate(p, size), RegionError::too_large);
    EXPECT_FALSE(region.resize_in_place(p, size));
    EXPECT_EQ(region.free(p), RegionError::none);
  }
  refused(region.allocate(Region<>::max_size), RegionError::out_of_memory);
}
struct Small : DefaultPolicy {
  static constexpr std::size_t max_size = 100;
};
TEST_F(BadInput, sizes_over_the_policys_largest_request) {
  alignas(16) static char other[4096];
  Region<Small> small(other, sizeof other);
  EXPECT_NE(small.allocate(100), nullptr);
  EXPECT_EQ(small.allocate(101), nullptr);
  EXPECT_EQ(small.last_error(), RegionError::too_large);
}
TEST_F(BadInput, alignments) {
  for (std::size_t alignment :
       {std::size_t{0}, std::size_t{3}, std::size_t{48}, 2 * GiB, ~std::size_t{0}}) {
    refused(region.allocate_aligned(10, alignment), RegionError::bad_alignment);
  }
}
TEST_F(BadInput, memory_to_manage) {
  Region<> other;
  EXPECT_EQ(other.add(nullptr, 1000), RegionError::null_memory);
  alignas(16) static char place[4096];
  EXPECT_EQ(other.add(place + 1, 1000), RegionError::misaligned_memory);
  for (std::size_t bytes = 0; bytes < 64; ++bytes) {
    EXPECT_EQ(other.add(place, bytes), RegionError::memory_too_small) << bytes;
  }
  EXPECT_EQ(other.add(place, ~std::size_t{0} - 15), RegionError::memory_overlaps);
  EXPECT_EQ(other.add(place, 2048), RegionError::none);
  EXPECT_EQ(other.add(place + 1024, 2048), RegionError::memory_overlaps);
  EXPECT_EQ(other.add(place, 16 * GiB), RegionError::memory_overlaps);
  EXPECT_TRUE(other.check());
}
TEST_F(BadInput, every_size_of_memory_is_refused_or_works) {
  alignas(16) static char place[1024];
  for (std::size_t bytes = 0; bytes < sizeof place; ++bytes) {
    std::memset(place, 0x77, sizeof place);
    Region<> other(place, bytes);
    if (other.last_error() == RegionError::none) {
      EXPECT_NE(other.allocate(1), nullptr) << bytes;
      EXPECT_TRUE(other.check());
    }
    for (std::size_t i = bytes; i < sizeof place; ++i) ASSERT_EQ(place[i], 0x77) << bytes;
  }
}
TEST_F(BadInput, double_free_at_once_and_after_joining) {
  void* a = region.allocate(100);
  void* b = region.allocate(100);
  void* c = region.allocate(100);
  EXPECT_EQ(region.free(b), RegionError::none);
  EXPECT_EQ(region.free(b), RegionError::double_free);
  EXPECT_EQ(region.free(a), RegionError::none);
  EXPECT_EQ(region.free(b), RegionError::double_free);
  EXPECT_EQ(region.free(c), RegionError::none);
  for (void* p : {a, b, c}) EXPECT_EQ(region.free(p), RegionError::double_free);
  EXPECT_EQ(region.reallocate(a, 10), nullptr);
  EXPECT_EQ(region.usable_size(a), 0U);
}
TEST_F(BadInput, foreign_pointers) {
  int on_stack = 0;
  EXPECT_EQ(region.free(&on_stack), RegionError::foreign_pointer);
  EXPECT_EQ(region.free(memory), RegionError::foreign_pointer);
  EXPECT_EQ(region.free(memory + sizeof memory), RegionError::foreign_pointer);
  EXPECT_EQ(region.free(reinterpret_cast<void*>(8)), RegionError::foreign_pointer);
  EXPECT_EQ(region.free(reinterpret_cast<void*>(~std::uintptr_t{0})), RegionError::foreign_pointer);
}
TEST_F(BadInput, a_region_of_nothing_owns_nothing) {
  Region<> nothing;
  EXPECT_EQ(nothing.free(memory + 64), RegionError::foreign_pointer);
  EXPECT_EQ(nothing.allocate(1), nullptr);
  EXPECT_TRUE(nothing.check());
}
TEST_F(BadInput, pointers_into_a_block) {
  auto* p = static_cast<char*>(region.allocate(256));
  std::memset(p, 0, 256);
  for (int i = 1; i < 16; ++i) EXPECT_EQ(region.free(p + i), RegionError::misaligned_pointer);
  for (int i = 16; i < 256; i += 16) EXPECT_EQ(region.free(p + i), RegionError::not_a_block);
  EXPECT_EQ(region.free(p), RegionError::none);
}
TEST_F(BadInput, an_overrun_into_the_next_header_is_named) {
  auto* a = static_cast<unsigned char*>(region.allocate(28));
  auto* b = static_cast<unsigned char*>(region.allocate(28));
  ASSERT_EQ(b, a + 32);
  unsigned char kept[4];
  std::memcpy(kept, a + 28, 4);
  for (unsigned char junk : {0x00, 0xFF, 0x02, 0x41}) {
    std::memset(a + 28, junk, 4);
    EXPECT_NE(region.free(b), RegionError::none) << int(junk);
    EXPECT_FALSE(region.check());
  }
  std::memcpy(a + 28, kept, 4);
  EXPECT_EQ(region.free(b), RegionError::none);
  EXPECT_EQ(region.free(a), RegionError::none);
}

TEST(BadInputDebug, every_byte_around_a_block_is_guarded) {
  for (std::size_t size : {1, 15, 16, 17, 100}) {
    Region<profiles::Debug> region(memory, sizeof memory);
    auto* p = static_cast<unsigned char*>(region.allocate(size));
    (void)region.allocate(50);
    for (int at = -32; at < 32; ++at) {
      unsigned char& byte = at < 0 ? p[at] : p[size + std::size_t(at)];
      byte ^= 0x10;
      EXPECT_NE(region.free(p), RegionError::none) << size << " " << at;
      EXPECT_FALSE(region.check());
      byte ^= 0x10;
    }
    EXPECT_TRUE(region.check());
    EXPECT_EQ(region.free(p), RegionError::none);
  }
}
TEST(BadInputDebug, writing_to_freed_memory_is_named) {
  Region<profiles::Debug> region(memory, sizeof memory);
  auto* p = static_cast<unsigned char*>(region.allocate(100));
  (void)region.allocate(10);
  region.free(p);
  p[50] = 1;
  const RegionCheck result = region.check();
  EXPECT_EQ(result.error, RegionError::used_after_free);
  EXPECT_NE(region.allocate(100), nullptr);
  EXPECT_EQ(region.last_error(), RegionError::used_after_free);
}
TEST(BadInputDebug, sealed_headers_tell_every_overwritten_bit) {
  Region<profiles::Debug> region(memory, sizeof memory);
  auto* p = static_cast<unsigned char*>(region.allocate(100)) - 32;  // the header ends here
  for (int bit = 0; bit < 64; ++bit) {
    p[-8 + bit / 8] ^= static_cast<unsigned char>(1 << (bit % 8));
    EXPECT_FALSE(region.check()) << bit;
    p[-8 + bit / 8] ^= static_cast<unsigned char>(1 << (bit % 8));
  }
  EXPECT_TRUE(region.check());
}
TEST(BadInputHandler, the_handler_is_told_and_may_use_the_region) {
  struct Handled : DefaultPolicy {
    using Errors = errors::Handler;
    using Lock = SpinLock;
  };
  static std::vector<RegionError> seen;
  Region<Handled> region(memory, sizeof memory);
  region.on_error() = {&region, [](void* context, RegionError error, const void*) {
                         seen.push_back(error);
                         auto* r = static_cast<Region<Handled>*>(context);
                         EXPECT_EQ(r->free(r->allocate(16)), RegionError::none);
                       }};
  void* p = region.allocate(10);
  region.free(p);
  region.free(p);
  EXPECT_EQ(region.allocate(0), nullptr);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], RegionError::double_free);
  EXPECT_EQ(seen[1], RegionError::zero_size);
}
TEST(BadInputHandler, trap_stops_at_damage_but_not_at_refusals) {
  struct Trapping : DefaultPolicy {
    using Errors = errors::Trap;
  };
  Region<Trapping> region(memory, sizeof memory);
  EXPECT_EQ(region.allocate(0), nullptr);
  EXPECT_EQ(region.allocate(1 << 20), nullptr);
  void* p = region.allocate(10);
  region.free(p);
  EXPECT_DEATH(region.free(p), "");
}

}  // namespace
}  // namespace strata::testing
