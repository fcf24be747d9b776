// Random programs of the whole interface against a shadow of every block: contents, overlap,
// alignment, and statistics that agree to the byte.
#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <cstring>
#include <map>
#include <tuple>
#include <vector>

#include "heap/heap.hpp"
#include "heap/statistics.hpp"
#include "support/hold.hpp"

namespace {

using namespace strata;

struct Shadow {
  unsigned char* block;
  size_t size;
  unsigned char pattern;
};

class Play {
 public:
  void step(std::uint8_t operation, std::uint32_t a, std::uint16_t b) {
    switch (operation % 8) {
      case 0:
      case 1:
        return add(heap::allocate(size_from(a)), size_from(a), 1);
      case 2:
        return add_zeroed(size_from(a));
      case 3: {
        // Beyond 32 KiB a small block is a large one; blocks_test.cpp has those.
        const size_t alignment = size_t{1} << (b % 16);
        return add(heap::allocate_aligned(alignment, size_from(a)), size_from(a), alignment);
      }
      case 4:
      case 5:
        if (!live_.empty()) remove(b % live_.size());
        return;
      case 6:
        if (!live_.empty()) change(b % live_.size(), size_from(a));
        return;
      default:
        if (b % 64 == 0) heap::trim(a % MiB);
    }
  }
  void end() {
    check_statistics();
    while (!live_.empty()) remove(live_.size() - 1);
    check_statistics();
  }
  void check_statistics() {
    heap::Statistics statistics{};
    heap::collect(statistics);
    size_t small = 0;
    size_t large = 0;
    std::map<size_t, size_t> counts;
    for (const Shadow& shadow : live_) {
      const size_t usable = heap::usable_size(shadow.block);
      if (slot_supply.find(Address(shadow.block))->kind() == SlotKind::slab) {
        small += usable;
        ++counts[usable];
      } else {
        large += usable;
      }
    }
    HOLD(statistics.small_live_bytes == small);
    HOLD(statistics.large_bytes + statistics.huge_bytes == large);
    for (unsigned c = 1; c < class_count; ++c) {
      HOLD(statistics.classes[c].live == counts[size_of_class(c)]);
    }
    HOLD(slot_supply.check());
  }

 private:
  static size_t size_from(std::uint32_t a) {
    switch (a % 16) {
      case 0:
        return (a >> 4) % (600 * KiB);
      case 1:
      case 2:
      case 3:
        return (a >> 4) % (40 * KiB);
      default:
        return (a >> 4) % 600;
    }
  }
  static void paint(unsigned char* block, size_t size, unsigned char pattern) {
    if (size != 0) std::memset(block, pattern, size);
  }
  static void expect(const Shadow& shadow, size_t size) {
    // Both ends and a sample between: large blocks would cost most of the time.
    const size_t step = size > 4096 ? 509 : 1;
    for (size_t i = 0; i < size; i += step) HOLD(shadow.block[i] == shadow.pattern);
    if (size != 0) HOLD(shadow.block[size - 1] == shadow.pattern);
  }
  void add(void* block, size_t size, size_t alignment) {
    HOLD((block != nullptr));
    HOLD(Address(block) % alignment == 0U);
    HOLD(Address(block) % granule_size == 0U);
    const auto pattern = static_cast<unsigned char>(1 + ++serial_ % 255);
    live_.push_back({static_cast<unsigned char*>(block), heap::usable_size(block), pattern});
    HOLD(live_.back().size >= size);
    live_.back().size = size;
    paint(live_.back().block, size, pattern);
  }
  void add_zeroed(size_t size) {
    auto* const block = static_cast<unsigned char*>(heap::allocate_zeroed(size));
    for (size_t i = 0; i < size; ++i) HOLD(block[i] == 0);
    add(block, size, 1);
  }
  void remove(size_t index) {
    expect(live_[index], live_[index].size);
    heap::free(live_[index].block);
    live_[index] = live_.back();
    live_.pop_back();
  }
  void change(size_t index, size_t size) {
    Shadow& shadow = live_[index];
    expect(shadow, shadow.size);
    auto* const moved = static_cast<unsigned char*>(heap::reallocate(shadow.block, size));
    HOLD(moved != nullptr);
    shadow.block = moved;
    expect(shadow, std::min(size, shadow.size));
    shadow.size = size;
    paint(moved, size, shadow.pattern);
  }

  std::vector<Shadow> live_;
  unsigned serial_ = 0;
};

TEST(RandomProgram, agrees_with_the_shadow) {
  using Program = std::vector<std::tuple<std::uint8_t, std::uint32_t, std::uint16_t>>;
  EXPECT_TRUE(rc::check([](const Program& program) {
    Play play;
    for (const auto& [operation, a, b] : program) play.step(operation, a, b);
    play.end();
  }));
}

TEST(RandomProgram, agrees_with_the_shadow_over_a_long_life) {
  Play play;
  std::uint64_t random = 99;
  const auto next = [&] {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return std::uint32_t(random >> 32);
  };
  for (int i = 0; i < 60000; ++i) {
    const std::uint32_t operation = next();
    const std::uint32_t a = next();
    // Waves of growth and of freeing, so that slabs fill, empty, and change their class.
    const bool freeing = i / 3000 % 2 != 0;
    play.step(std::uint8_t(freeing && operation % 3 != 0 ? 4 : operation >> 8), a,
              std::uint16_t(next()));
    if (i % 5000 == 0) play.check_statistics();
  }
  play.end();
}

}  // namespace
