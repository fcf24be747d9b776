// Carving, for every class: each block exactly once, none over an uncarved unit, pages touched only
// as they are needed, zero pages known as such; and from any set of uncarved units.
#include "heap/slab.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

namespace {

using namespace strata;

// A slot of the test's own, on pages that read zero.
class Slab : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    void* const pages =
        mmap(nullptr, slot_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(pages, MAP_FAILED);
    address = Address(pages);
    size = size_of_class(GetParam());
    slab::format(&slot, 1, GetParam(), 1);
    handed_out.assign(slot.capacity(), false);
  }
  void TearDown() override { munmap(reinterpret_cast<void*>(address), slot_size); }

  [[nodiscard]] unsigned first_unit(size_t block) const {
    return unsigned(block * size / carve_unit);
  }
  [[nodiscard]] unsigned last_unit(size_t block) const {
    return unsigned(((block + 1) * size - 1) / carve_unit);
  }
  [[nodiscard]] bool over(size_t block, unsigned units) const {
    for (unsigned unit = first_unit(block); unit <= last_unit(block); ++unit) {
      if ((units >> unit & 1U) != 0) return true;
    }
    return false;
  }
  [[nodiscard]] unsigned used_units() const {
    unsigned units = 0;
    for (size_t block = 0; block < slot.capacity(); ++block) {
      for (unsigned unit = first_unit(block); unit <= last_unit(block); ++unit) units |= 1U << unit;
    }
    return units;
  }

  // Carves once and checks what came of it. Returns the number of blocks.
  size_t carve() {
    const unsigned before = slot.uncarved;
    Block* list = slab::carve(&slot, address);
    size_t count = 0;
    Address last = 0;
    for (; list != nullptr; list = list->next, ++count) {
      const size_t offset = Address(list) - address;
      EXPECT_EQ(offset % size, 0U);
      const size_t block = offset / size;
      if (block >= slot.capacity()) {
        ADD_FAILURE() << "block " << block << " is none";
        return 0;
      }
      EXPECT_FALSE(handed_out[block]) << "block " << block << " twice";
      EXPECT_FALSE(over(block, slot.uncarved)) << "block " << block << " over an uncarved unit";
      EXPECT_TRUE(over(block, before)) << "block " << block << " was not waiting";
      EXPECT_GT(Address(list), last) << "in order of address";
      EXPECT_FALSE(over(block, static_cast<Units>(~slot.written)));
      handed_out[block] = true;
      last = Address(list);
    }
    EXPECT_EQ(slot.uncarved & ~before, 0U);
    if (count == 0) {
      EXPECT_EQ(slot.uncarved, 0U) << "nothing though units are left";
    } else {
      EXPECT_NE(slot.uncarved, before);
    }
    return count;
  }

  Slot slot{};
  Address address = 0;
  size_t size = 0;
  std::vector<bool> handed_out;
};

TEST_P(Slab, carving_gives_each_block_exactly_once) {
  size_t count = 0;
  while (const size_t more = carve()) count += more;
  EXPECT_EQ(count, slot.capacity());
  EXPECT_EQ(slab::carve(&slot, address), nullptr);
}

TEST_P(Slab, carving_touches_only_the_units_of_its_blocks) {
  while (const size_t more = carve()) {
    unsigned char resident[slot_size / 4096] = {};
    if (Machine::page_size() != carve_unit) GTEST_SKIP() << "pages are larger than units";
    ASSERT_EQ(mincore(reinterpret_cast<void*>(address), slot_size, resident), 0);
    for (unsigned unit = 0; unit < carve_units_per_slot; ++unit) {
      if ((slot.written >> unit & 1) != 0) continue;
      ASSERT_EQ(resident[unit] & 1, 0) << "unit " << unit << " after " << more << " blocks";
    }
    // Lazily: as many units as the blocks so far need, and no more.
    size_t end = 0;
    for (size_t block = 0; block < slot.capacity(); ++block) {
      if (handed_out[block]) end = (block + 1) * size;
    }
    ASSERT_EQ(slot.written, first_units(divide_up(end, carve_unit)));
  }
}

TEST_P(Slab, first_carving_of_small_blocks_takes_one_unit) {
  carve();
  if (size <= carve_unit) {
    EXPECT_EQ(slot.written, 1U);
  }
  EXPECT_EQ(slab::resident_bytes(&slot), count_ones(slot.written) * carve_unit);
}

// True to the byte, and not timid: only a block over a unit that was written before the carving may
// read zero without being known to.
TEST_P(Slab, a_mark_of_zero_is_true_whatever_was_written_before) {
  for (unsigned round = 0; round <= 2 * carve_units_per_slot; ++round) {
    const auto before = round <= carve_units_per_slot
                            ? first_units(round)
                            : static_cast<Units>(round * 40503U);  // rows and holes
    std::memset(reinterpret_cast<void*>(address), 0, slot_size);
    for_each_row(before, [&](unsigned first, unsigned count) {
      std::memset(reinterpret_cast<void*>(address + first * carve_unit), 0x5a, count * carve_unit);
    });
    slot.written = before;
    slab::format(&slot, 1, GetParam(), 1);
    for (;;) {
      const Units written = slot.written;
      Block* list = slab::carve(&slot, address);
      if (list == nullptr) break;
      for (; list != nullptr; list = list->next) {
        const size_t block = (Address(list) - address) / size;
        if (list->mark == mark_zero(list)) {
          const auto* const bytes = reinterpret_cast<const char*>(list);
          for (size_t i = sizeof(Block); i < size; ++i) ASSERT_EQ(bytes[i], 0) << "block " << block;
        } else {
          ASSERT_EQ(list->mark, mark_freed(list));
          ASSERT_TRUE(over(block, written)) << "reads zero, and is not known to";
        }
      }
    }
    ASSERT_EQ(slot.written & before, before);
  }
}

// Units are turned uncarved again when all their blocks are free; carving must then give exactly
// the blocks that lie over them. Every mask for the classes with few shapes would be 65536 of them:
// all runs of units, and a spread of others.
TEST_P(Slab, carving_works_from_any_set_of_uncarved_units) {
  const unsigned all = used_units();
  std::vector<unsigned> masks;
  for (unsigned from = 0; from < carve_units_per_slot; ++from) {
    for (unsigned to = from; to < carve_units_per_slot; ++to)
      masks.push_back((2U << to) - (1U << from));
  }
  std::uint32_t random = 1 + GetParam();
  for (int i = 0; i < 300; ++i) {
    random = random * 1664525U + 1013904223U;
    masks.push_back(random >> 16);
  }
  for (const unsigned mask : masks) {
    slot.uncarved = static_cast<std::uint16_t>(mask & all);
    if (slot.uncarved == 0) continue;
    slot.written = strata::all_units;
    const unsigned uncarved = slot.uncarved;
    handed_out.assign(slot.capacity(), false);
    while (carve() != 0) {
    }
    ASSERT_EQ(slot.uncarved, 0U);
    for (size_t block = 0; block < slot.capacity(); ++block) {
      ASSERT_EQ(handed_out[block], over(block, uncarved)) << "block " << block << ", mask " << mask;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryClass, Slab, testing::Range(1U, class_count),
                         [](const auto& at) { return std::to_string(size_of_class(at.param)); });

}  // namespace
