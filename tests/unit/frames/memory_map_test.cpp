// MemoryMap against what firmware does, and against a map kept byte by byte.
#include "frames/memory_map.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "frames/firmware.hpp"

namespace strata {
namespace {

struct Entry {
  std::uint64_t base, length;
  bool usable;
};
struct ListReader {
  const std::vector<Entry>& entries;
  template <class V>
  void for_each(V&& visit) const {
    for (const Entry& e : entries) visit(e.base, e.length, e.usable);
  }
};

TEST(memory_map, reserved_wins_whatever_the_order) {
  const std::vector<Entry> entries = {{0x5000, 0x2000, false}, {0x1000, 0x9000, true}};
  MemoryMap<16> map;
  map.read(ListReader{entries});
  map.finish();
  ASSERT_EQ(map.size(), 2u);
  EXPECT_EQ(map[0].base, 0x1000u);
  EXPECT_EQ(map[0].end, 0x5000u);
  EXPECT_EQ(map[1].base, 0x7000u);
  EXPECT_EQ(map[1].end, 0xa000u);
}

TEST(memory_map, pieces_that_touch_are_rounded_as_one) {
  MemoryMap<16> map;
  map.add(0x10000, 0x800);
  map.add(0x10800, 0x800);
  map.finish();
  ASSERT_EQ(map.size(), 1u);
  EXPECT_EQ(map[0].bytes(), 0x1000u);
  EXPECT_EQ(map.report().rounded_bytes, 0u);
}

TEST(memory_map, page_zero_is_never_usable) {
  MemoryMap<16> map;
  map.add(0, 0x3000);
  map.finish();
  ASSERT_EQ(map.size(), 1u);
  EXPECT_EQ(map[0].base, 0x1000u);
}

TEST(memory_map, empty_and_wrapping_entries_are_counted_not_used) {
  MemoryMap<16> map;
  map.add(0x1000, 0);
  map.add(~std::uint64_t{0} - 100, 1000);
  map.add(0x100000, 0x1000);
  map.finish();
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.report().empty, 1u);
  EXPECT_EQ(map.report().wrapping, 1u);
}

TEST(memory_map, a_wrapping_reservation_reaches_to_the_top) {
  MemoryMap<16> map;
  map.add(0x100000, 0x100000);
  map.reserve(0x180000, ~std::uint64_t{0});
  map.finish();
  ASSERT_EQ(map.size(), 1u);
  EXPECT_EQ(map[0].end, 0x180000u);
}

TEST(memory_map, memory_beyond_the_address_width_is_reported) {
  MemoryMap<16> map;
  map.add((std::uint64_t{1} << 52) - 0x1000, 0x3000);
  map.finish();
  EXPECT_EQ(map.usable_bytes(), 0x1000u);
  EXPECT_EQ(map.report().beyond_bytes, 0x2000u);
}

TEST(memory_map, a_full_table_drops_the_smallest_and_says_so) {
  MemoryMap<4> map;
  for (std::uint64_t i = 1; i <= 6; ++i) map.add(i * 0x100000, i * 0x1000);
  map.finish();
  EXPECT_EQ(map.size(), 4u);
  EXPECT_EQ(map.report().lost_bytes, 0x1000u + 0x2000u);
  EXPECT_EQ(map[0].base, 0x300000u);
}

TEST(memory_map, agrees_with_a_map_kept_frame_by_frame) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<Entry> entries;
    const size_t count = random() % 300;
    for (size_t i = 0; i < count; ++i) {
      entries.push_back(
          {random() % (256 * KiB), random() % (random() % 3 ? 9000 : 60000), random() % 3 != 0});
    }
    std::vector<char> bytes(400 * KiB, 0);
    for (int pass = 0; pass < 2; ++pass) {
      for (const Entry& e : entries) {
        if (e.usable == (pass == 1)) continue;
        for (std::uint64_t b = e.base; b < e.base + e.length; ++b) bytes[b] = pass == 0 ? 1 : 0;
      }
    }
    MemoryMap<256> map;
    map.read(ListReader{entries});
    map.finish();
    ASSERT_EQ(map.report().lost_bytes, 0u);
    std::vector<char> frames(bytes.size() / frame_size, 0);
    for (const MemorySpan& span : map) {
      for (std::uint64_t f = span.base; f < span.end; f += frame_size) frames[f / frame_size] = 1;
    }
    for (size_t f = 0; f < frames.size(); ++f) {
      bool whole = f != 0;
      for (size_t b = 0; b < frame_size && whole; ++b) whole = bytes[f * frame_size + b] != 0;
      ASSERT_EQ(frames[f] != 0, whole) << "seed " << seed << " frame " << f;
    }
  }
}

TEST(firmware, uefi_descriptors_keep_their_own_stride) {
  unsigned char buffer[48 * 3] = {};
  const auto put = [&](size_t index, std::uint32_t type, std::uint64_t base, std::uint64_t pages) {
    __builtin_memcpy(buffer + 48 * index, &type, 4);
    __builtin_memcpy(buffer + 48 * index + 8, &base, 8);
    __builtin_memcpy(buffer + 48 * index + 24, &pages, 8);
  };
  put(0, 7, 0x100000, 16);  // conventional
  put(1, 0, 0x108000, 1);   // reserved
  put(2, 4, 0x110000, 16);  // boot services data: free after exit
  MemoryMap<16> map;
  map.read(UefiReader{buffer, sizeof(buffer), 48});
  map.finish();
  ASSERT_EQ(map.size(), 2u);
  EXPECT_EQ(map.usable_bytes(), 31 * frame_size);
}

TEST(firmware, a_multiboot_entry_that_runs_out_of_the_buffer_ends_the_walk) {
  unsigned char buffer[24 + 10] = {};
  const std::uint32_t size = 20;
  const std::uint64_t base = 0x100000, length = 0x4000;
  const std::uint32_t type = 1, huge = 4000000000u;
  __builtin_memcpy(buffer, &size, 4);
  __builtin_memcpy(buffer + 4, &base, 8);
  __builtin_memcpy(buffer + 12, &length, 8);
  __builtin_memcpy(buffer + 20, &type, 4);
  __builtin_memcpy(buffer + 24, &huge, 4);
  MemoryMap<16> map;
  map.read(Multiboot1Reader{buffer, sizeof(buffer)});
  map.finish();
  EXPECT_EQ(map.usable_bytes(), 0x4000u);
}

}  // namespace
}  // namespace strata
