// The Linux platform keeps the promises of platform.hpp.
#include "platform/linux/linux_platform.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

namespace {

using namespace strata;

char* at(Address address) { return reinterpret_cast<char*>(address); }

TEST(LinuxPlatform, page_size_is_the_systems) {
  EXPECT_EQ(LinuxPlatform::page_size(), size_t(sysconf(_SC_PAGESIZE)));
}

TEST(LinuxPlatform, reservations_have_the_alignment_asked_for) {
  for (size_t alignment = LinuxPlatform::page_size(); alignment <= 64 * MiB; alignment *= 4) {
    const size_t bytes = 3 * LinuxPlatform::page_size();
    const Address address = LinuxPlatform::reserve(bytes, alignment);
    ASSERT_NE(address, 0U);
    EXPECT_EQ(address % alignment, 0U);
    ASSERT_TRUE(LinuxPlatform::commit(address, bytes));
    std::memset(at(address), 1, bytes);
    LinuxPlatform::release(address, bytes);
  }
}

TEST(LinuxPlatform, reserved_addresses_are_not_usable_until_committed) {
  const Address address = LinuxPlatform::reserve(64 * KiB, 64 * KiB);
  EXPECT_DEATH(*at(address) = 1, "");
  ASSERT_TRUE(LinuxPlatform::commit(address, 64 * KiB));
  *at(address) = 1;
  LinuxPlatform::release(address, 64 * KiB);
}

TEST(LinuxPlatform, committed_pages_read_zero_and_keep_their_contents_when_committed_again) {
  const Address address = LinuxPlatform::reserve(64 * KiB, 64 * KiB);
  ASSERT_TRUE(LinuxPlatform::commit(address, 32 * KiB));
  for (size_t i = 0; i < 32 * KiB; ++i) ASSERT_EQ(at(address)[i], 0);
  std::memset(at(address), 7, 32 * KiB);
  ASSERT_TRUE(LinuxPlatform::commit(address, 64 * KiB));
  for (size_t i = 0; i < 64 * KiB; ++i) ASSERT_EQ(at(address)[i], i < 32 * KiB ? 7 : 0);
  LinuxPlatform::release(address, 64 * KiB);
}

TEST(LinuxPlatform, purged_pages_read_zero_and_stay_usable) {
  const Address address = LinuxPlatform::reserve(64 * KiB, 64 * KiB);
  ASSERT_TRUE(LinuxPlatform::commit(address, 64 * KiB));
  std::memset(at(address), 7, 64 * KiB);
  ASSERT_TRUE(LinuxPlatform::purge(address, 32 * KiB));
  for (size_t i = 0; i < 64 * KiB; ++i) ASSERT_EQ(at(address)[i], i < 32 * KiB ? 0 : 7);
  std::memset(at(address), 8, 64 * KiB);
  LinuxPlatform::release(address, 64 * KiB);
}

TEST(LinuxPlatform, remapping_keeps_contents_and_what_grows_reads_zero) {
  Address address = LinuxPlatform::reserve(64 * KiB, 64 * KiB);
  ASSERT_TRUE(LinuxPlatform::commit(address, 64 * KiB));
  std::memset(at(address), 7, 64 * KiB);
  address = LinuxPlatform::remap(address, 64 * KiB, 8 * MiB);
  ASSERT_NE(address, 0U);
  for (size_t i = 0; i < 8 * MiB; i += 512) ASSERT_EQ(at(address)[i], i < 64 * KiB ? 7 : 0);
  LinuxPlatform::release(address, 8 * MiB);
}

TEST(LinuxPlatform, absurd_requests_are_refused_and_errno_stays) {
  errno = 77;
  EXPECT_EQ(LinuxPlatform::reserve(size_t{1} << 60, 4 * KiB), 0U);
  EXPECT_FALSE(LinuxPlatform::commit(4 * KiB, 4 * KiB));
  EXPECT_EQ(LinuxPlatform::remap(4 * KiB, 4 * KiB, 8 * KiB), 0U);
  EXPECT_EQ(errno, 77);
}

TEST(LinuxPlatform, no_two_live_threads_have_the_same_number) {
  std::set<Address> numbers{LinuxPlatform::current_thread()};
  Address seen[4] = {};
  std::thread threads[4];
  Atomic<int> arrived;
  for (int i = 0; i < 4; ++i) {
    threads[i] = std::thread([&, i] {
      seen[i] = LinuxPlatform::current_thread();
      arrived.fetch_add(1, Order::acq_rel);
      while (arrived.load(Order::acquire) != 4) std::this_thread::yield();
    });
  }
  for (auto& thread : threads) thread.join();
  numbers.insert(std::begin(seen), std::end(seen));
  EXPECT_EQ(numbers.size(), 5U);
  EXPECT_EQ(numbers.count(0), 0U);
}

TEST(LinuxPlatform, clock_goes_forward_in_milliseconds) {
  const std::uint64_t before = LinuxPlatform::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  const std::uint64_t passed = LinuxPlatform::now() - before;
  EXPECT_GE(passed, 40U);  // the coarse clock's steps are up to 10 ms
  EXPECT_LT(passed, 30000U);
}

TEST(LinuxPlatform, limit_on_addresses_is_the_smaller_of_both_limits) {
  rlimit old{};
  getrlimit(RLIMIT_DATA, &old);
  rlimit low = old;
  low.rlim_cur = 123 * GiB;
  if (setrlimit(RLIMIT_DATA, &low) != 0) GTEST_SKIP() << "limits are fixed here";
  EXPECT_LE(LinuxPlatform::address_space_limit(), 123 * GiB);
  setrlimit(RLIMIT_DATA, &old);
}

TEST(LinuxPlatform, failing_says_its_text_and_aborts) {
  EXPECT_EXIT(LinuxPlatform::fail("strata: error: a test\n"), testing::KilledBySignal(SIGABRT),
              "strata: error: a test");
}

}  // namespace
