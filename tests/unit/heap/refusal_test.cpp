// The heap when the n-th call to the system is refused, for every n: null or a whole block, never a
// wrong one; contents stay; and afterwards everything works. Each n in a process of its own, so
// that the heap is fresh.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "heap/heap.hpp"
#include "heap/statistics.hpp"

namespace {

using namespace strata;

FakeControl& control = FakePlatform::control;

#define REQUIRE(condition)                                    \
  do {                                                        \
    if (!(condition)) {                                       \
      std::fprintf(stderr, "%d: %s\n", __LINE__, #condition); \
      std::_Exit(1);                                          \
    }                                                         \
  } while (false)

struct Shadow {
  unsigned char* block;
  size_t size;
  unsigned char pattern;
};

bool whole(const Shadow& shadow, size_t size) {
  for (size_t i = 0; i<size; i += size> 8192 ? 1021 : 1) {
    if (shadow.block[i] != shadow.pattern) return false;
  }
  return size == 0 || shadow.block[size - 1] == shadow.pattern;
}

class Play {
 public:
  void add(void* block, size_t size) {
    if (block == nullptr) return;
    const auto pattern = static_cast<unsigned char>(1 + live_.size() % 255);
    std::memset(block, pattern, size);
    live_.push_back({static_cast<unsigned char*>(block), size, pattern});
  }
  void add_zeroed(size_t size) {
    auto* const block = static_cast<unsigned char*>(heap::allocate_zeroed(size));
    if (block == nullptr) return;
    for (size_t i = 0; i<size; i += size> 8192 ? 509 : 1) REQUIRE(block[i] == 0);
    add(block, size);
  }
  void change(size_t index, size_t size) {
    Shadow& shadow = live_[index];
    REQUIRE(whole(shadow, shadow.size));
    auto* const moved = static_cast<unsigned char*>(heap::reallocate(shadow.block, size));
    if (moved == nullptr) {
      REQUIRE(whole(shadow, shadow.size));
      return;
    }
    shadow.block = moved;
    REQUIRE(whole(shadow, std::min(size, shadow.size)));
    shadow.size = size;
    std::memset(moved, shadow.pattern, size);
  }
  void remove(size_t index) {
    if (live_.empty()) return;
    REQUIRE(whole(live_[index], live_[index].size));
    heap::free(live_[index].block);
    live_.erase(live_.begin() + long(index));
  }
  void check() {
    for (const Shadow& shadow : live_) {
      REQUIRE(whole(shadow, shadow.size));
      REQUIRE(heap::usable_size(shadow.block) >= shadow.size);
    }
    REQUIRE(slot_supply.check());
  }

  void everything() {
    for (unsigned c = 1; c < class_count; c += 2) {
      for (int i = 0; i < 3; ++i) add(heap::allocate(size_of_class(c)), size_of_class(c));
    }
    check();
    for (const size_t size : {40000U, 70000U, 200000U, 900000U}) {
      add(heap::allocate(size), size);
      add_zeroed(size);
      add(heap::allocate_aligned(128 * KiB, size), size);
    }
    add(heap::allocate_aligned(4 * MiB, 100), 100);
    heap::free(heap::allocate(70 * MiB));  // longer than an annex
    check();
    for (size_t i = 0; i < live_.size(); i += 3) change(i, live_[i].size * 2);
    for (size_t i = 1; i < live_.size(); i += 3) change(i, live_[i].size / 3 + 1);
    check();
    std::thread([&] {
      for (int i = 0; i < 100; ++i) add(heap::allocate(500), 500);
      for (int i = 0; i < 10; ++i) remove(live_.size() / 2);
      heap::finish_thread();
      for (int i = 0; i < 10; ++i) add(heap::allocate(700), 700);
    }).join();
    check();
    control.now += 1000;
    while (live_.size() > 20) remove(live_.size() / 2);
    heap::trim(0);
    check();
    for (unsigned c = 2; c < class_count; c += 3) add_zeroed(size_of_class(c));
    check();
    while (!live_.empty()) remove(live_.size() - 1);
    heap::trim(0);
    check();
  }

 private:
  std::vector<Shadow> live_;
};

// Runs the program in a child. Returns the number of calls to the system, or -1 when it went wrong.
long run(unsigned refuse_from, unsigned count) {
  int channel[2];
  if (pipe(channel) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    FakePlatform::reset();
    range_settings.reserve = 16 * MiB;
    range_settings.dirty_limit = 1 * MiB;
    control.refuse_from = refuse_from;
    control.refuse_count = count;
    Play().everything();
    const long calls = control.calls.load(Order::relaxed);
    control.refuse_from = FakePlatform::never;
    // All is well again: nothing may be refused now, and nothing may be left of what was.
    void* const small = heap::allocate(100);
    void* const large = heap::allocate(5 * MiB);
    REQUIRE(small != nullptr && large != nullptr);
    heap::free(small);
    heap::free(large);
    heap::Statistics statistics{};
    heap::collect(statistics);
    REQUIRE(statistics.live_bytes() == 0);
    REQUIRE(write(channel[1], &calls, sizeof calls) == sizeof calls);
    std::_Exit(0);
  }
  close(channel[1]);
  long calls = -1;
  if (read(channel[0], &calls, sizeof calls) != sizeof calls) calls = -1;
  close(channel[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? calls : -1;
}

void refuse_each(unsigned count) {
  const long calls = run(FakePlatform::never, 0);
  ASSERT_GT(calls, 30);
  for (long n = 1; n <= calls; ++n) {
    EXPECT_GE(run(unsigned(n), count), 0) << "call " << n << " of " << calls << " refused";
  }
}

TEST(HeapRefusal, of_each_single_call_is_survived) { refuse_each(1); }
TEST(HeapRefusal, of_each_five_calls_is_survived) { refuse_each(5); }
TEST(HeapRefusal, from_each_call_on_is_survived) { refuse_each(FakePlatform::never); }

}  // namespace
