// The stack walk finds the callers that the C++ runtime's own unwinder finds, in code of every
// kind.
#include <alloca.h>
#include <execinfo.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <regex>
#include <thread>
#include <vector>

#include "platform/linux/linux_platform.hpp"

namespace {

using namespace strata;

struct Walks {
  std::vector<Address> ours;
  std::vector<Address> theirs;
};
Walks walks;

// Both from the same function: the frames above it must agree.
[[gnu::noinline]] int look() {
  Address ours[256];
  void* theirs[256];
  const unsigned count = LinuxPlatform::walk_stack(ours, 256);
  const int their_count = backtrace(theirs, 256);
  walks.ours.assign(ours, ours + count);
  walks.theirs.clear();
  for (int i = 0; i < their_count; ++i) walks.theirs.push_back(Address(theirs[i]));
  return int(count);
}

// Where theirs begins: in backtrace's caller, look; under a sanitizer in its own backtrace before.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int before_look = 1;
#else
constexpr int before_look = 0;
#endif

// The frame of look() itself returns to different places in the two calls: left out.
void expect_same(size_t at_least) {
  const auto first = walks.theirs.begin() + before_look + 1;
  const auto ours = std::find(walks.ours.begin(), walks.ours.end(), *first);
  ASSERT_NE(ours, walks.ours.end());
  const std::vector<Address> mine(ours, walks.ours.end());
  const std::vector<Address> other(first, walks.theirs.end());
  // Where the process begins, the runtime may list one place more that nobody returns to.
  const size_t common = std::min(mine.size(), other.size());
  EXPECT_GE(common, at_least);
  EXPECT_LE(other.size() - common, 1U);
  EXPECT_LE(mine.size() - common, 1U);
  EXPECT_EQ(std::vector<Address>(mine.begin(), mine.begin() + common),
            std::vector<Address>(other.begin(), other.begin() + common));
}

// A frame of its own, whatever the optimiser thinks.
#define CALL(expression)                       \
  const int result = (expression);             \
  asm volatile("" : : "r"(result) : "memory"); \
  return result + 1

[[gnu::noinline]] int recurse(int depth) {
  if (depth == 0) return look();
  CALL(recurse(depth - 1));
}

[[gnu::noinline, gnu::optimize("no-omit-frame-pointer")]] int with_frame_pointer() {
  CALL(recurse(3));
}

[[gnu::noinline]] int with_alloca(size_t bytes) {
  auto* const memory = static_cast<volatile char*>(alloca(bytes));
  memory[0] = 1;
  const int result = with_frame_pointer();
  return result + memory[0];
}

[[gnu::noinline]] int with_aligned_frame(int n) {
  alignas(256) volatile char memory[512];
  memory[n] = 1;
  auto* const more = static_cast<volatile char*>(alloca(size_t(n) + 64));
  more[0] = memory[n];
  const int result = with_alloca(size_t(n) * 16 + 100);
  return result + more[0] + memory[n];
}

[[gnu::noinline]] int with_large_frame() {
  volatile char memory[100'000];
  memory[5] = 1;
  const int result = with_aligned_frame(7);
  return result + memory[5];
}

int compare(const void* a, const void* b) {
  if (walks.ours.empty()) with_large_frame();
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

[[gnu::noinline]] int from_c_library() {
  int numbers[] = {3, 1, 2};
  walks.ours.clear();
  qsort(numbers, 3, sizeof *numbers, compare);
  return numbers[0];
}

TEST(StackWalk, finds_recursion) {
  recurse(50);
  expect_same(50);
}

TEST(StackWalk, finds_functions_with_every_kind_of_frame) {
  with_large_frame();
  expect_same(9);
}

TEST(StackWalk, passes_through_the_c_library) {
  from_c_library();
  expect_same(11);
}

TEST(StackWalk, passes_through_std_function_and_exceptions) {
  const std::function<int()> inner = [] { return look(); };
  const std::function<int()> outer = [&] {
    try {
      return inner() + 1;
    } catch (...) {
      return 0;
    }
  };
  outer();
  expect_same(4);
}

TEST(StackWalk, works_in_every_thread) {
  std::vector<std::thread> threads;
  std::thread([&] {
    with_large_frame();
    expect_same(9);
  }).join();
}

TEST(StackWalk, many_threads_share_the_rules) {
  std::vector<std::thread> threads;
  std::atomic<unsigned> wrong = 0;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (unsigned i = 0; i < 20'000; ++i) {
        Address frames[64];
        const std::function<unsigned(unsigned)> descend = [&](unsigned depth) -> unsigned {
          return depth == 0 ? LinuxPlatform::walk_stack(frames, 64) : descend(depth - 1);
        };
        const unsigned shallow = descend(i % 3);
        if (descend(i % 3 + 4) <= shallow) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
}

TEST(StackWalk, gives_at_most_what_it_is_asked_for) {
  Address frames[4] = {0, 0, 0, 77};
  EXPECT_EQ(LinuxPlatform::walk_stack(frames, 3), 3U);
  EXPECT_EQ(frames[3], 77U);
}

TEST(StackWalk, keeps_errno) {
  errno = 42;
  Address frames[64];
  LinuxPlatform::walk_stack(frames, 64);
  EXPECT_EQ(errno, 42);
}

// Code without tables, such as a compiler at run time makes, is passed by its frame pointers.
#if defined(__x86_64__)
TEST(StackWalk, passes_code_made_at_run_time) {
  auto* const code = static_cast<unsigned char*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(code, MAP_FAILED);
  // push rbp; mov rbp, rsp; sub rsp, 64; call rdi; leave; ret
  const unsigned char text[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83,
                                0xec, 0x40, 0xff, 0xd7, 0xc9, 0xc3};
  std::memcpy(code, text, sizeof text);
  reinterpret_cast<void (*)(int (*)())>(code)(look);
  const auto made =
      std::find(walks.ours.begin(), walks.ours.end(), Address(code) + sizeof text - 2);
  ASSERT_NE(made, walks.ours.end());
  EXPECT_GE(walks.ours.end() - made, 3);  // and beyond it: this test and its callers
  munmap(code, 4096);
}

// On a stack of the program's own making nothing is known about its end: frame pointers are not
// believed, tables are.
ucontext_t here;
ucontext_t there;
unsigned found_there;
void on_own_stack() {
  look();
  found_there = unsigned(walks.ours.size());
}
TEST(StackWalk, ends_where_nothing_is_known) {
  std::vector<char> stack(256 * KiB);
  getcontext(&there);
  there.uc_stack.ss_sp = stack.data();
  there.uc_stack.ss_size = stack.size();
  there.uc_link = &here;
  makecontext(&there, on_own_stack, 0);
  swapcontext(&here, &there);
  EXPECT_GE(found_there, 1U);
}
#endif

}  // namespace
