// One property per policy: what choosing it changes, and that it does.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <thread>

#include "oracle.hpp"
#include "strata/region.hpp"

namespace strata::testing {
namespace {

alignas(64) char memory[1 << 16];

template <class Policy>
struct Fresh : Region<Policy> {
  Fresh() : Region<Policy>(memory, sizeof memory) {}
};

TEST(RegionPolicy, textbook_hobby_realtime_and_debug_profiles_keep_every_promise) {
  const auto run = [](auto region_type, const char* name) {
    using R = typename decltype(region_type)::type;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      R region(memory, sizeof memory);
      const auto program = random_program(seed, 3000);
      Oracle oracle(region, memory, sizeof memory, 5);
      ASSERT_EQ(oracle.run(Bytes(program.data(), program.size())), "") << name << " seed " << seed;
    }
  };
  run(std::type_identity<Region<profiles::TextbookSpans<>>>{}, "textbook");
  run(std::type_identity<Region<profiles::HobbyKernel>>{}, "hobby");
  run(std::type_identity<Region<profiles::RealTime>>{}, "real time");
  run(std::type_identity<Region<profiles::Debug>>{}, "debug");
}

template <class LayoutPolicy>
struct InPlace : DefaultPolicy {
  using Layout = LayoutPolicy;
  static constexpr bool self_based = LayoutPolicy::position_free;
};
TEST(RegionPolicy, every_layout_keeps_every_promise_in_a_region_that_stands_in_its_memory) {
  const auto run = [](auto layout, const char* name) {
    using R = Region<InPlace<typename decltype(layout)::type>>;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      R* region = R::create(memory, sizeof memory);
      ASSERT_NE(region, nullptr);
      const auto program = random_program(seed, 3000);
      Oracle oracle(*region, memory, sizeof memory, 5);
      ASSERT_EQ(oracle.run(Bytes(program.data(), program.size())), "") << name << " seed " << seed;
    }
  };
  run(std::type_identity<layout::Compact<>>{}, "compact");
  run(std::type_identity<layout::Compact<3>>{}, "compact, aligned to 8");
  run(std::type_identity<layout::ShortTags<>>{}, "short tags");
  run(std::type_identity<layout::ShortTags<3>>{}, "short tags, aligned to 8");
  run(std::type_identity<layout::Offsets<>>{}, "offsets");
}

// Bins are wider from 64 KiB on, a quarter of a power of two.
TEST(RegionPolicy, long_blocks_are_served_wherever_one_a_quarter_longer_is_free) {
  const auto run = [](auto policy, const char* name) {
    constexpr std::size_t bytes = 16 * MiB;
    const std::unique_ptr<char[]> pages(new char[bytes]);
    Region<typename decltype(policy)::type> region(pages.get(), bytes);
    ASSERT_EQ(region.last_error(), RegionError::none) << name;
    void* held[64] = {};
    std::uint64_t random = 1;
    for (int i = 0; i < 4000; ++i) {
      random = random * 6364136223846793005 + 1442695040888963407;
      void*& block = held[(random >> 33) % 64];
      if (block != nullptr) {
        ASSERT_EQ(region.free(block), RegionError::none) << name;
        block = nullptr;
      } else {
        const std::size_t size = (random >> 36) % (std::size_t{16 * KiB} << (random >> 61));
        block = region.allocate(size + 1);
        if (block == nullptr) {
          ASSERT_LT(region.statistics().largest_free_bytes, size + size / 4 + 64) << name;
        }
      }
      ASSERT_TRUE(region.check()) << name;
    }
    for (void* block : held) region.free(block);
    EXPECT_EQ(region.statistics().free_blocks, 1U) << name;
  };
  struct Short : DefaultPolicy {
    using Layout = layout::ShortTags<3>;
  };
  struct BestPolicy : DefaultPolicy {
    using Fit = fit::Best;
  };
  run(std::type_identity<DefaultPolicy>{}, "good");
  run(std::type_identity<Short>{}, "short tags");
  run(std::type_identity<BestPolicy>{}, "best");
}

struct FromEnd : DefaultPolicy {
  static constexpr Serve serve = Serve::from_end;
};
TEST(RegionPolicy, serving_from_the_end_goes_downwards) {
  Fresh<FromEnd> region;
  char* first = static_cast<char*>(region.allocate(100));
  char* second = static_cast<char*>(region.allocate(100));
  EXPECT_GT(first, second);
  EXPECT_GT(first + 256, memory + sizeof memory);
}

struct Least64 : DefaultPolicy {
  static constexpr std::size_t min_block = 64;
};
TEST(RegionPolicy, a_split_that_would_leave_less_than_the_least_block_is_not_made) {
  Fresh<Least64> region;
  void* a = region.allocate(124);  // 128 bytes with its header
  void* fence = region.allocate(1);
  ASSERT_NE(fence, nullptr);
  region.free(a);
  void* b = region.allocate(76);  // 80 of them; 48 would be left
  EXPECT_EQ(a, b);
  EXPECT_EQ(region.usable_size(b), 124U);
}

TEST(RegionPolicy, best_fit_takes_the_shortest_hole_and_first_fit_the_last_freed) {
  const auto place = [](auto region_type) {
    using R = typename decltype(region_type)::type;
    R region(memory, sizeof memory);
    void* small = region.allocate(200);
    (void)region.allocate(1);
    void* large = region.allocate(400);
    (void)region.allocate(1);
    region.free(small);
    region.free(large);
    void* p = region.allocate(180);
    return p == small ? 's' : p == large ? 'l' : '?';
  };
  struct BestPolicy : DefaultPolicy {
    using Fit = fit::Best;
  };
  struct FirstPolicy : DefaultPolicy {
    using Fit = fit::First;
  };
  struct ExactPolicy : DefaultPolicy {
    using Fit = fit::Score<100>;
  };
  struct GreedyPolicy : DefaultPolicy {
    using Fit = fit::Score<0>;
  };
  EXPECT_EQ(place(std::type_identity<Region<BestPolicy>>{}), 's');
  EXPECT_EQ(place(std::type_identity<Region<ExactPolicy>>{}), 's');
  EXPECT_EQ(place(std::type_identity<Region<FirstPolicy>>{}), 'l');
  EXPECT_EQ(place(std::type_identity<Region<GreedyPolicy>>{}), 'l');
}

TEST(RegionPolicy, next_fit_goes_on_where_it_ended) {
  struct NextPolicy : DefaultPolicy {
    using Fit = fit::Next;
  };
  Fresh<NextPolicy> region;
  char* a = static_cast<char*>(region.allocate(64));
  char* b = static_cast<char*>(region.allocate(64));
  region.free(a);
  // The hole at `a` is at the head of the list; the search goes on behind `b` all the same.
  char* c = static_cast<char*>(region.allocate(64));
  EXPECT_GT(c, b);
}

TEST(RegionPolicy, deferred_blocks_are_used_again_as_they_are_and_joined_when_needed) {
  struct Deferred : DefaultPolicy {
    using Coalesce = coalesce::Deferred<1000>;
  };
  Fresh<Deferred> region;
  std::vector<void*> blocks;
  while (void* p = region.allocate(1000)) blocks.push_back(p);
  for (void* p : blocks) region.free(p);
  EXPECT_GT(region.statistics().free_blocks, 50U);
  EXPECT_NE(region.allocate(40000), nullptr);
  EXPECT_LE(region.statistics().free_blocks, 1U);
}

TEST(RegionPolicy, batched_frees_are_saved_up_and_given_back_in_one_pass) {
  struct Batched : DefaultPolicy {
    using Freeing = freeing::Batched<4>;
  };
  Fresh<Batched> region;
  void* p[4];
  for (void*& x : p) x = region.allocate(100);
  const std::size_t used = region.statistics().used_bytes;
  for (int i = 0; i < 3; ++i) region.free(p[i]);
  EXPECT_EQ(region.statistics().used_bytes, used);
  EXPECT_GT(region.statistics().saved_bytes, 0U);
  EXPECT_EQ(region.free(p[1]), RegionError::double_free);
  region.free(p[3]);
  EXPECT_EQ(region.statistics().used_bytes, 0U);
}

TEST(RegionPolicy, a_worker_gives_back_what_others_freed) {
  struct Background : DefaultPolicy {
    using Freeing = freeing::Background<64>;
    using Lock = SpinLock;
  };
  Fresh<Background> region;
  void* p[10];
  for (void*& x : p) x = region.allocate(100);
  for (void* x : p) region.free(x);
  EXPECT_GT(region.statistics().saved_bytes, 0U);
  std::thread([&] { EXPECT_EQ(region.work(), 0U); }).join();
  EXPECT_EQ(region.statistics().used_bytes, 0U);
}

TEST(RegionPolicy, a_worker_that_never_comes_does_not_stop_anybody) {
  struct Background : DefaultPolicy {
    using Freeing = freeing::Background<64>;
    using Lock = SpinLock;
  };
  Fresh<Background> region;
  for (int i = 0; i < 10000; ++i) {
    void* p = region.allocate(3000);
    ASSERT_NE(p, nullptr);
    region.free(p);
  }
  EXPECT_LE(region.statistics().saved_bytes, 64U * 3024U);
}

TEST(RegionPolicy, threads_share_a_region_with_a_spin_lock) {
  struct Shared : DefaultPolicy {
    using Lock = SpinLock;
  };
  Fresh<Shared> region;
  const auto work = [&region](unsigned seed) {
    std::uint32_t* mine[8] = {};
    for (int i = 0; i < 20000; ++i) {
      seed = seed * 1103515245U + 12345U;
      std::uint32_t*& p = mine[(seed >> 16) % 8];
      if (p != nullptr) {
        EXPECT_EQ(p[0], p[1]);
        EXPECT_EQ(region.free(p), RegionError::none);
        p = nullptr;
      } else if ((p = static_cast<std::uint32_t*>(region.allocate(8 + (seed >> 20) % 500)))) {
        p[0] = p[1] = seed;
      }
    }
    for (auto* p : mine) region.free(p);
  };
  std::thread a(work, 1), b(work, 2), c(work, 3);
  a.join(), b.join(), c.join();
  EXPECT_TRUE(region.check());
  EXPECT_EQ(region.statistics().used_blocks, 0U);
}

TEST(RegionPolicy, falloc_takes_the_next_bytes_at_the_end_one_after_the_other) {
  Fresh<DefaultPolicy> region;
  void* hole = region.allocate(64);
  (void)region.allocate(1);
  region.free(hole);
  char* a = static_cast<char*>(region.falloc(60));
  char* b = static_cast<char*>(region.falloc(60));
  EXPECT_EQ(b, a + 64);
  EXPECT_NE(static_cast<void*>(a), hole);
  EXPECT_EQ(region.free(a), RegionError::none);
  EXPECT_TRUE(region.check());
  // What is set aside comes back when it is needed.
  EXPECT_NE(region.allocate(60000), nullptr);
}

TEST(RegionPolicy, several_pieces_serve_as_one) {
  Region<> region(memory, 4096);
  EXPECT_EQ(region.allocate(6000), nullptr);
  EXPECT_EQ(region.add(memory + 8192, 8192), RegionError::none);
  void* p = region.allocate(6000);
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(region.owns(p));
  EXPECT_FALSE(region.owns(memory + 5000));
  EXPECT_EQ(region.free(memory + 6000), RegionError::foreign_pointer);
  EXPECT_EQ(region.free(p), RegionError::none);
  EXPECT_EQ(region.statistics().spans, 2U);
  EXPECT_TRUE(region.check());
}

struct CountingSource {
  static constexpr bool grows = true;
  int taken = 0;
  int given = 0;
  std::size_t least_asked = ~std::size_t{0};
  SourceMemory take(std::size_t least) noexcept {
    ++taken;
    if (least < least_asked) least_asked = least;
    const std::size_t bytes = (least + 4095) / 4096 * 4096;
    return {std::aligned_alloc(4096, bytes), bytes};
  }
  void give(void* p, std::size_t) noexcept {
    ++given;
    std::free(p);
  }
};

TEST(RegionPolicy, one_empty_span_is_kept_and_others_go_back_at_once) {
  using Policy = profiles::TextbookSpans<CountingSource>;
  Region<Policy> region;
  void* p[3];
  for (void*& x : p) x = region.allocate(60000);
  EXPECT_EQ(region.source().taken, 3);
  EXPECT_GE(region.source().least_asked, 65536U);
  for (void* x : p) EXPECT_EQ(region.free(x), RegionError::none);
  EXPECT_EQ(region.source().given, 2);
  EXPECT_EQ(region.statistics().spans, 1U);
  // The one that is kept serves without the source, and stays when it is empty again.
  for (int i = 0; i < 10; ++i) region.free(region.allocate(60000));
  EXPECT_EQ(region.source().taken, 3);
  EXPECT_EQ(region.source().given, 2);
  EXPECT_TRUE(region.check());
  region.destroy();
  EXPECT_EQ(region.source().given, 3);
}

TEST(RegionPolicy, a_pointer_into_a_span_that_went_back_is_foreign) {
  using Policy = profiles::TextbookSpans<CountingSource>;
  Region<Policy> region;
  void* first = region.allocate(60000);
  void* second = region.allocate(60000);
  region.free(second);
  region.free(first);  // its span goes back, the other one is kept
  EXPECT_EQ(region.source().given, 1);
  EXPECT_EQ(region.free(first), RegionError::foreign_pointer);
  EXPECT_EQ(region.free(second), RegionError::double_free);
  region.destroy();
}

TEST(RegionPolicy, a_source_that_refuses_is_out_of_memory_and_no_more) {
  struct Grows : DefaultPolicy {
    using Layout = layout::Pointers<>;
    using Source = source::Functions;
  };
  Region<Grows> region;
  EXPECT_EQ(region.allocate(10), nullptr);
  EXPECT_EQ(region.last_error(), RegionError::out_of_memory);
  region.add(memory, sizeof memory);
  EXPECT_NE(region.allocate(10), nullptr);
  EXPECT_EQ(region.allocate(1 << 20), nullptr);
  EXPECT_TRUE(region.check());
}

TEST(RegionPolicy, freed_payload_is_poisoned) {
  Fresh<profiles::TextbookSpans<>> region;
  auto* p = static_cast<unsigned char*>(region.allocate(200));
  std::memset(p, 1, 200);
  region.free(p);
  for (int i = 16; i < 150; ++i) ASSERT_EQ(p[i], poison_byte) << i;
}

TEST(RegionPolicy, aligned_blocks_at_every_power_of_two) {
  for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
    Fresh<DefaultPolicy> region;
    for (int i = 0; i < 4; ++i) {
      void* p = region.allocate_aligned(33, alignment);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0U);
    }
    EXPECT_TRUE(region.check());
  }
}

struct Movable : DefaultPolicy {
  static constexpr bool self_based = true;
};
TEST(RegionPolicy, a_region_in_its_own_memory_is_attached_at_another_address) {
  using R = Region<Movable>;
  R* region = R::create(memory, sizeof memory / 2);
  ASSERT_NE(region, nullptr);
  auto* p = static_cast<char*>(region->allocate(100));
  std::strcpy(p, "moved");
  std::memcpy(memory + sizeof memory / 2, memory, sizeof memory / 2);
  std::memset(memory, 0xFF, sizeof memory / 2);
  R* moved = R::attach(memory + sizeof memory / 2);
  ASSERT_NE(moved, nullptr);
  char* there = p + sizeof memory / 2;
  EXPECT_STREQ(there, "moved");
  EXPECT_EQ(moved->free(there), RegionError::none);
  EXPECT_TRUE(moved->check());
  RegionError reason;
  EXPECT_EQ(R::attach(memory, &reason), nullptr);
  EXPECT_EQ(reason, RegionError::not_a_region);
}

}  // namespace
}  // namespace strata::testing
