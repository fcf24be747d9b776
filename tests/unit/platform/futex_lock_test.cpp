// FutexLock: one holder at a time, nobody sleeps for ever, and what a holder wrote the next one
// sees.
#include "platform/linux/futex_lock.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <ctime>
#include <thread>
#include <vector>

#include "base/lock_guard.hpp"

namespace {

using strata::FutexLock;
using strata::LockGuard;

TEST(FutexLock, two_threads_are_never_inside_together) {
  FutexLock lock;
  long plain = 0;  // torn by any overlap; ThreadSanitizer sees it too
  int inside = 0;
  bool overlapped = false;
  constexpr int threads = 8;
  constexpr int rounds = 20000;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        LockGuard guard(lock);
        overlapped |= inside != 0;
        ++inside;
        plain = plain + 1;
        if (i % 512 == 0) std::this_thread::yield();  // others come while it is held
        --inside;
      }
    });
  }
  for (auto& thread : all) thread.join();
  EXPECT_EQ(plain, long{threads} * rounds);
  EXPECT_FALSE(overlapped);
}

TEST(FutexLock, waiting_thread_sleeps_and_is_woken) {
  FutexLock lock;
  lock.lock();
  timespec used{};
  bool got = false;
  std::thread waiter([&] {
    lock.lock();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    got = true;
    lock.unlock();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  waiter.join();
  EXPECT_TRUE(got);
  // It did not spin for the 200 ms: less than a quarter of them.
  EXPECT_LT(double(used.tv_sec) * 1e3 + double(used.tv_nsec) / 1e6, 50.0);
}

TEST(FutexLock, try_lock_takes_a_free_lock_alone) {
  FutexLock lock;
  EXPECT_TRUE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  EXPECT_TRUE(lock.try_lock());
  lock.reset();
  EXPECT_TRUE(lock.try_lock());
}

TEST(FutexLock, zeroed_memory_is_a_free_lock) {
  alignas(FutexLock) unsigned char memory[sizeof(FutexLock)];
  std::memset(memory, 0, sizeof memory);
  EXPECT_TRUE(reinterpret_cast<FutexLock*>(memory)->try_lock());
}

}  // namespace
