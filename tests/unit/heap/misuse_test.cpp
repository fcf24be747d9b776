// Misuse is reported in one line that says what the pointer was, and the program ends.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "heap/heap.hpp"

namespace {

using namespace strata;

// Keeps the compiler from seeing that a pointer was freed.
template <class T>
T* laundered(T* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

#define EXPECT_REPORT(statement, pattern) \
  EXPECT_EXIT(statement, testing::KilledBySignal(SIGABRT), pattern)

constexpr char address[] = "0x[0-9a-f]+ ";

std::string double_free(size_t size) {
  return std::string("^strata: error: double free of ") + address + "\\(" + std::to_string(size) +
         "-byte block, freed before( by thread [0-9]+)?\\)\n$";
}
std::string inside(size_t bytes, size_t size) {
  return std::string("^strata: error: invalid free of ") + address +
         "\\(not a block: " + std::to_string(bytes) + " bytes inside a " + std::to_string(size) +
         "-byte block at " + "0x[0-9a-f]+\\)\n$";
}

class Misuse : public testing::Test {
 protected:
  // The children are forked without exec: threads that tests start must have ended.
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "fast"; }
};

TEST_F(Misuse, freeing_a_small_block_twice_at_once_is_reported) {
  for (const size_t size : {16U, 48U, 4096U, 32768U}) {
    EXPECT_REPORT(
        {
          void* const keep = heap::allocate(size);
          void* const block = laundered(heap::allocate(size));
          heap::free(block);
          heap::free(block);
          heap::free(keep);
        },
        double_free(size));
  }
}

TEST_F(Misuse, freeing_a_small_block_twice_later_is_reported) {
  EXPECT_REPORT(
      {
        std::vector<void*> blocks;
        for (int i = 0; i < 200; ++i) blocks.push_back(heap::allocate(64));
        for (size_t i = 0; i < blocks.size(); i += 2) heap::free(blocks[i]);
        for (int i = 0; i < 20; ++i) blocks.push_back(heap::allocate(100));
        heap::free(laundered(blocks[80]));
      },
      double_free(64));
}

TEST_F(Misuse, freeing_twice_is_reported_when_the_block_waits_in_a_bin) {
  EXPECT_REPORT(
      {
        // All of a slab's blocks, freed: the next allocation moves the list to the bin.
        std::vector<void*> blocks;
        const size_t capacity = size_classes.classes[class_of(1024)].capacity;
        for (size_t i = 0; i < capacity; ++i) blocks.push_back(heap::allocate(1024));
        for (size_t i = 1; i < blocks.size(); ++i) heap::free(blocks[i]);
        void* const taken = heap::allocate(1024);
        void* const victim = laundered(blocks[taken == blocks[5] ? 6 : 5]);
        heap::free(victim);
      },
      double_free(1024));
}

TEST_F(Misuse, freeing_twice_in_another_thread_is_reported) {
  EXPECT_REPORT(
      {
        void* const keep = heap::allocate(80);
        void* const block = laundered(heap::allocate(80));
        heap::free(block);
        std::thread([&] { heap::free(block); }).join();
        heap::free(keep);
      },
      double_free(80));
}

TEST_F(Misuse, freeing_twice_is_reported_while_the_block_is_on_its_way_home) {
  EXPECT_REPORT(
      {
        void* const keep = heap::allocate(80);
        void* const block = laundered(heap::allocate(80));
        std::thread([&] {
          heap::free(block);
          heap::free(block);
        }).join();
        heap::free(keep);
      },
      double_free(80));
}

TEST_F(Misuse, freeing_twice_is_reported_when_the_first_free_came_from_another_thread) {
  EXPECT_REPORT(
      {
        void* const keep = heap::allocate(80);
        void* const block = laundered(heap::allocate(80));
        std::thread([&] { heap::free(block); }).join();
        heap::free(block);
        heap::free(keep);
      },
      double_free(80));
}

TEST_F(Misuse, freeing_the_inside_of_a_small_block_is_reported) {
  for (const size_t offset : {1U, 8U, 16U, 47U}) {
    EXPECT_REPORT(
        {
          auto* const block = static_cast<char*>(heap::allocate(48));
          heap::free(laundered(block + offset));
        },
        inside(offset, 48));
  }
  EXPECT_REPORT(
      {
        auto* const block = static_cast<char*>(heap::allocate(5000));
        std::thread([&] { heap::free(laundered(block + 16)); }).join();
      },
      inside(16, 5120));
}

TEST_F(Misuse, freeing_the_stack_is_reported) {
  EXPECT_REPORT(
      {
        int local = 0;
        heap::free(laundered(&local));
      },
      std::string("^strata: error: invalid free of ") + address + "\\(a stack address\\)\n$");
}

int global_variable;

TEST_F(Misuse, freeing_what_is_not_stratas_is_reported) {
  const std::string invalid = std::string("^strata: error: invalid free of ") + address;
  const std::string foreign = invalid + "\\(not Strata's memory\\)\n$";
  EXPECT_REPORT(heap::free(laundered(&global_variable)),
                invalid + "\\(a global variable of heap_test\\)\n$");
  EXPECT_REPORT(heap::free(laundered(static_cast<void*>(std::malloc(100)))), foreign);
  EXPECT_REPORT(heap::free(reinterpret_cast<void*>(16)), foreign);
  EXPECT_REPORT(heap::free(reinterpret_cast<void*>(~Address{0} - 15)), foreign);
}

TEST_F(Misuse, freeing_a_large_block_twice_is_reported) {
  for (const size_t size : {40 * KiB, 100 * KiB, 1 * MiB}) {
    EXPECT_REPORT(
        {
          void* const fence = heap::allocate(40 * KiB);
          void* const block = laundered(heap::allocate(size));
          heap::free(block);
          heap::free(block);
          heap::free(fence);
        },
        double_free(size));
  }
}

TEST_F(Misuse, freeing_the_inside_of_a_large_block_is_reported) {
  for (const size_t offset : {size_t{16}, 4 * KiB, 64 * KiB, 200 * KiB}) {
    EXPECT_REPORT(
        {
          auto* const block = static_cast<char*>(heap::allocate(300 * KiB));
          heap::free(laundered(block + offset));
        },
        inside(offset, 300 * KiB));
  }
}

TEST_F(Misuse, freeing_a_huge_block_twice_or_inside_is_reported) {
  EXPECT_REPORT(
      {
        void* const block = laundered(heap::allocate(2 * GiB));
        heap::free(block);
        heap::free(block);
      },
      double_free(2 * GiB));
  EXPECT_REPORT(
      {
        auto* const block = static_cast<char*>(heap::allocate(2 * GiB));
        heap::free(laundered(block + 4096));
      },
      inside(4096, 2 * GiB));
}

TEST_F(Misuse, freeing_a_block_whose_slab_has_gone_is_reported) {
  EXPECT_REPORT(
      {
        auto* const block = static_cast<char*>(laundered(heap::allocate(640)));
        heap::free(block);
        heap::trim(0);
        heap::free(block + 640);
      },
      std::string("^strata: error: invalid free of ") + address + "\\(memory that is free\\)\n$");
}

TEST_F(Misuse, freeing_behind_the_last_block_of_a_slab_from_another_thread_is_reported) {
  // 65536 is no multiple of 48: 16 bytes are left at the end, where a block would begin.
  EXPECT_REPORT(
      {
        auto* const block = static_cast<char*>(heap::allocate(48));
        char* const slab = reinterpret_cast<char*>(align_down(Address(block), slot_size));
        std::thread([&] { heap::free(laundered(slab + 65520)); }).join();
      },
      std::string("^strata: error: invalid free of ") + address +
          "\\(not a block: behind the last 48-byte block of its slab\\)\n$");
}

TEST_F(Misuse, resizing_and_asking_about_what_is_no_block_is_reported) {
  const std::string invalid = std::string("^strata: error: invalid pointer ") + address + "\\(";
  EXPECT_REPORT(
      {
        void* const keep = heap::allocate(64);
        void* const block = laundered(heap::allocate(64));
        heap::free(block);
        heap::reallocate(block, 64);
        heap::free(keep);
      },
      invalid);
  EXPECT_REPORT(
      {
        void* const keep = heap::allocate(64);
        void* const block = laundered(heap::allocate(64));
        heap::free(block);
        heap::reallocate(block, 6400);
        heap::free(keep);
      },
      invalid + "64-byte block, freed before\\)\n$");
  EXPECT_REPORT(
      {
        void* const keep = heap::allocate(64);
        void* const block = laundered(heap::allocate(64));
        heap::free(block);
        heap::usable_size(block);
        heap::free(keep);
      },
      invalid);
  EXPECT_REPORT(
      {
        auto* const block = static_cast<char*>(heap::allocate(64));
        heap::reallocate(laundered(block + 16), 1000);
      },
      invalid + "not a block: 16 bytes inside a 64-byte block");
  EXPECT_REPORT(heap::usable_size(laundered(&global_variable)), invalid + "a global variable of ");
  EXPECT_REPORT(heap::reallocate(laundered(&global_variable), 100),
                invalid + "a global variable of ");
}

}  // namespace
