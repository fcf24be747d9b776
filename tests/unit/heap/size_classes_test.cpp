// Size classes: each size has the smallest class that fits, block starts are told exactly, and the
// waste is what the header says.
#include "heap/size_classes.hpp"

#include <gtest/gtest.h>

namespace {

using namespace strata;

TEST(SizeClasses, every_size_has_the_smallest_class_that_fits) {
  EXPECT_EQ(class_of(0), 0U);
  for (size_t size = 1; size <= largest_small; ++size) {
    unsigned smallest = 1;
    while (size_of_class(smallest) < size) ++smallest;
    ASSERT_EQ(class_of(size), smallest) << size;
  }
}

TEST(SizeClasses, computed_classes_are_those_of_the_table) {
  for (size_t size = 0; size <= largest_small; ++size) {
    ASSERT_EQ(2 * compute_class_of(size), twice_class_of(size)) << size;
  }
  for (unsigned c = 1; c < class_count; ++c)
    EXPECT_EQ(compute_size(c), size_classes.classes[c].size);
}

TEST(SizeClasses, sizes_grow_by_granules_from_16_bytes_to_32_kib) {
  EXPECT_EQ(size_of_class(1), granule_size);
  EXPECT_EQ(size_of_class(class_count - 1), largest_small);
  for (unsigned c = 2; c < class_count; ++c) {
    EXPECT_GT(size_of_class(c), size_of_class(c - 1));
    EXPECT_EQ(size_of_class(c) % granule_size, 0U);
  }
  EXPECT_EQ(class_count - 1, 72U);
}

TEST(SizeClasses, every_power_of_two_has_a_class) {
  for (size_t size = granule_size; size <= largest_small; size *= 2) {
    EXPECT_EQ(size_of_class(class_of(size)), size);
  }
}

TEST(SizeClasses, block_starts_are_told_exactly_at_every_offset) {
  for (unsigned c = 1; c < class_count; ++c) {
    const SizeClass& entry = size_classes.classes[c];
    for (std::uint32_t offset = 0; offset < slot_size; ++offset) {
      ASSERT_EQ(is_block_start(offset, entry.inverse), offset % entry.size == 0)
          << offset << " in blocks of " << entry.size;
    }
  }
}

TEST(SizeClasses, a_slab_holds_as_many_blocks_as_fit) {
  for (unsigned c = 1; c < class_count; ++c) {
    const SizeClass& entry = size_classes.classes[c];
    EXPECT_LE(size_t{entry.capacity} * entry.size, slot_size);
    EXPECT_GT((size_t{entry.capacity} + 1) * entry.size, slot_size);
    EXPECT_GE(entry.capacity, 2U);
  }
}

TEST(SizeClasses, above_128_bytes_at_most_an_eighth_of_the_request_is_added) {
  double worst = 0;
  for (size_t size = 129; size <= largest_small; ++size) {
    const double waste = 1.0 - double(size) / double(size_of_class(class_of(size)));
    worst = waste > worst ? waste : worst;
  }
  EXPECT_LE(worst, 0.115) << "the header says 11% at worst";
}

TEST(SizeClasses, mean_waste_of_log_uniform_sizes_is_7_5_percent) {
  double sum = 0;
  double weight = 0;
  for (size_t size = granule_size; size <= largest_small; ++size) {
    const double w = 1.0 / double(size);  // log-uniform
    sum += w * (1.0 - double(size) / double(size_of_class(class_of(size))));
    weight += w;
  }
  EXPECT_NEAR(sum / weight, 0.075, 0.001);
}

}  // namespace
