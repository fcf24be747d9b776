// The heap profiler: its estimates are those of what the program did, per stack, live and in sum,
// and its slice is one that another process can read at any moment.
//
// Estimates are compared within five standard deviations of their distribution, with fixed seeds.
#include "observe/profiler.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "heap/heap.hpp"
#include "heap/sample.hpp"
#include "observe/chance.hpp"
#include "observe/profile_area.hpp"

namespace {

using namespace strata;
using observe::Layout;

class File {
 public:
  File() : file_(memfd_create("profile", 0)) {
    EXPECT_EQ(ftruncate(file_, off_t(slices) << observe::profile_slice_shift), 0);
    memory_ = static_cast<char*>(mmap(nullptr, slices << observe::profile_slice_shift,
                                      PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0));
    EXPECT_NE(memory_, MAP_FAILED);
    auto* const header = new (memory_) observe::ProfileHeader();
    header->magic = observe::profile_magic;
    header->version = observe::profile_version;
    header->next.store(1, Order::relaxed);
  }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }
  [[nodiscard]] std::uint32_t slices_taken() const {
    return reinterpret_cast<observe::ProfileHeader*>(memory_)->next.load(Order::relaxed) - 1;
  }
  template <class T>
  [[nodiscard]] T* at(std::uint32_t slice, size_t offset) const {
    return reinterpret_cast<T*>(memory_ + (size_t{slice} << observe::profile_slice_shift) + offset);
  }
  [[nodiscard]] const observe::Profile& head(std::uint32_t slice) const {
    return *at<observe::Profile>(slice, 0);
  }

 private:
  static constexpr size_t slices = 8;
  int file_;
  char* memory_ = nullptr;
};

// One for all tests: a process keeps its slice.
File& file() {
  static File one;
  return one;
}

constexpr size_t mean = 16 * KiB;

class Profiler : public testing::Test {
 protected:
  void SetUp() override {
    heap::sample::set_seed(12345);
    ASSERT_EQ(observe::profiler::start(file().path().c_str(), mean),
              observe::profiler::Start::done);
  }
  void TearDown() override { observe::profiler::stop(); }
};

struct Sum {
  double blocks = 0;
  double bytes = 0;
  size_t samples = 0;
};
// Functions whose frames can be told, because each stands in a section of its own.
struct Code {
  const char* begin;
  const char* end;
};
extern "C" const char __start_text_hold[], __stop_text_hold[];
extern "C" const char __start_text_elsewhere[], __stop_text_elsewhere[];
extern "C" const char __start_text_pass[], __stop_text_pass[];
const Code in_hold = {__start_text_hold, __stop_text_hold};
const Code in_elsewhere = {__start_text_elsewhere, __stop_text_elsewhere};
const Code in_pass = {__start_text_pass, __stop_text_pass};

bool stack_has(std::uint32_t slice, const observe::Stack& stack, const Code& code) {
  for (std::uint32_t i = 0; i < stack.frames; ++i) {
    const auto frame = file().at<std::uint64_t>(slice, Layout::frames)[stack.first_frame + i];
    const std::uint64_t address = frame & observe::frame_address;
    if (address > Address(code.begin) && address <= Address(code.end)) return true;
  }
  return false;
}

Sum live_of(Code code, std::uint32_t slice = 1) {
  Sum sum;
  const std::uint32_t used = file().head(slice).live_used.load(Order::relaxed);
  for (std::uint32_t i = 0; i < used; ++i) {
    const auto& sample = file().at<observe::LiveSample>(slice, Layout::live)[i];
    const std::uint32_t stack = sample.stack.load(Order::acquire);
    if (stack == 0) continue;
    const auto& where = file().at<observe::Stack>(slice, Layout::stacks)[stack - 1];
    if (!stack_has(slice, where, code)) continue;
    sum.blocks += sample.weight;
    sum.bytes += sample.weight * double(sample.bytes);
    ++sum.samples;
  }
  return sum;
}
Sum allocated_of(Code code, std::uint32_t slice = 1) {
  Sum sum;
  for (std::uint32_t i = 0; i < file().head(slice).stacks.load(Order::acquire); ++i) {
    const auto& stack = file().at<observe::Stack>(slice, Layout::stacks)[i];
    if (!stack_has(slice, stack, code)) continue;
    sum.blocks += stack.blocks;
    sum.bytes += stack.bytes;
    sum.samples += stack.samples;
  }
  return sum;
}

// Of blocks of `size` bytes, `count` of them.
void expect_blocks(const Sum& sum, size_t size, size_t count) {
  const double p = observe::chance_of(size, mean, mean);
  const double sigma = std::sqrt(double(count) * (1 - p) / p);
  EXPECT_NEAR(sum.blocks, double(count), 5 * sigma + 1e-9);
  EXPECT_NEAR(sum.bytes, double(count * size), (5 * sigma + 1e-9) * double(size));
}

std::vector<void*> held;

[[gnu::noipa, gnu::section("text_hold")]] void hold(size_t size, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    void* const block = heap::allocate(size);
    std::memset(block, 1, size);
    held.push_back(block);
  }
}
[[gnu::noipa, gnu::section("text_elsewhere")]] void hold_elsewhere(size_t size, size_t count) {
  for (size_t i = 0; i < count; ++i) held.push_back(heap::allocate(size));
  asm volatile("" ::: "memory");
}
[[gnu::noipa, gnu::section("text_pass")]] void pass(size_t size, size_t count) {
  for (size_t i = 0; i < count; ++i) heap::free(heap::allocate(size));
  asm volatile("" ::: "memory");
}
void let_go() {
  for (void* block : held) heap::free(block);
  held.clear();
}

TEST_F(Profiler, live_blocks_are_estimated_per_stack) {
  hold(48, 40'000);
  hold_elsewhere(1024, 5'000);
  expect_blocks(live_of(in_hold), 48, 40'000);
  expect_blocks(live_of(in_elsewhere), 1024, 5'000);
  let_go();
  EXPECT_EQ(live_of(in_hold).samples, 0U);
  EXPECT_EQ(live_of(in_elsewhere).samples, 0U);
  EXPECT_EQ(file().head(1).live_bytes.load(Order::relaxed), 0U);
}

TEST_F(Profiler, what_passes_is_counted_and_not_live) {
  const Sum before = allocated_of(in_pass);
  pass(256, 100'000);
  Sum after = allocated_of(in_pass);
  after.blocks -= before.blocks;
  after.bytes -= before.bytes;
  expect_blocks(after, 256, 100'000);
  EXPECT_EQ(live_of(in_pass).samples, 0U);
}

TEST_F(Profiler, large_and_huge_blocks_are_in_it) {
  hold(1 * MiB, 20);
  hold_elsewhere(2 * GiB, 1);  // not touched
  expect_blocks(live_of(in_hold), 1 * MiB, 20);
  expect_blocks(live_of(in_elsewhere), 2 * GiB, 1);
  let_go();
  EXPECT_EQ(live_of(in_hold).samples, 0U);
}

[[gnu::noipa]] void* grow_and_shrink(void* block, size_t size) {
  void* const moved = heap::reallocate(block, size);
  asm volatile("" ::: "memory");
  return moved;
}

TEST_F(Profiler, a_resized_large_block_has_its_new_size) {
  const auto live = [] { return file().head(1).live_bytes.load(Order::relaxed); };
  void* block = heap::allocate(4 * MiB);
  EXPECT_EQ(live(), 4 * MiB);
  block = grow_and_shrink(block, 4 * MiB + 8 * KiB);
  EXPECT_EQ(live(), 4 * MiB + 8 * KiB);
  block = grow_and_shrink(block, 1 * MiB);
  EXPECT_EQ(live(), 1 * MiB);
  heap::free(block);
  EXPECT_EQ(live(), 0U);
}

TEST_F(Profiler, blocks_of_other_threads_are_followed) {
  std::vector<std::thread> threads;
  std::vector<std::vector<void*>> blocks(4);
  for (auto& mine : blocks) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 20'000; ++i) mine.push_back(heap::allocate(64));
    });
  }
  for (auto& thread : threads) thread.join();
  const double p = observe::chance_of(64, mean, mean);
  const double sigma = std::sqrt(80'000 * (1 - p) / p) * 64;
  EXPECT_NEAR(double(file().head(1).live_bytes.load(Order::relaxed)), 80'000 * 64.0, 5 * sigma);
  for (auto& mine : blocks) {
    for (void* block : mine) heap::free(block);
  }
  EXPECT_EQ(file().head(1).live_bytes.load(Order::relaxed), 0U);
}

TEST_F(Profiler, a_forked_child_has_a_slice_of_its_own) {
  hold(100, 20'000);
  const Sum before = live_of(in_hold);
  const std::uint32_t slices = file().slices_taken();
  const pid_t child = fork();
  if (child == 0) {
    // Inherited blocks are freed like any, and the parent's slice does not hear of it.
    for (void* block : held) heap::free(block);
    held.clear();
    hold_elsewhere(200, 20'000);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(file().slices_taken(), slices + 1);
  const observe::Profile& head = file().head(slices + 1);
  EXPECT_EQ(head.process, std::uint32_t(child));
  EXPECT_EQ(head.parent, std::uint32_t(getpid()));
  expect_blocks(live_of(in_elsewhere, slices + 1), 208, 20'000);
  EXPECT_EQ(live_of(in_hold, slices + 1).samples, 0U);
  EXPECT_EQ(live_of(in_hold).samples, before.samples);
  let_go();
}

TEST_F(Profiler, a_child_that_no_handler_knows_of_leaves_the_slice_alone) {
  hold(100, 20'000);
  const Sum before = live_of(in_hold);
  const pid_t child = _Fork();
  if (child == 0) {
    for (void* block : held) heap::free(block);
    hold_elsewhere(100, 20'000);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(live_of(in_hold).samples, before.samples);
  EXPECT_EQ(live_of(in_elsewhere).samples, 0U);
  let_go();
}

TEST_F(Profiler, modules_and_the_executable_are_named) {
  hold(64 * KiB, 10);
  const observe::Profile& head = file().head(1);
  EXPECT_NE(std::string(head.executable).find("profiler_test"), std::string::npos);
  bool found = false;
  for (std::uint32_t i = 0; i < head.modules.load(Order::acquire); ++i) {
    const auto& module = file().at<observe::Module>(1, Layout::modules)[i];
    const auto here = Address(&let_go);
    if (here < module.begin || here >= module.end) continue;
    found = true;
    EXPECT_STREQ(file().at<char>(1, Layout::names) + module.name, "");
  }
  EXPECT_TRUE(found);
  let_go();
}

TEST_F(Profiler, it_can_be_switched_off_and_on) {
  hold(1 * MiB, 3);
  EXPECT_EQ(file().head(1).mean, mean);
  observe::profiler::stop();
  EXPECT_FALSE(observe::profiler::is_on());
  EXPECT_EQ(file().head(1).mean, 0U);
  const Sum before = allocated_of(in_elsewhere);
  hold_elsewhere(1 * MiB, 3);
  EXPECT_EQ(allocated_of(in_elsewhere).samples, before.samples);
  EXPECT_EQ(live_of(in_hold).samples, 3U);
  let_go();  // what was sampled is followed
  EXPECT_EQ(live_of(in_hold).samples, 0U);
  ASSERT_EQ(observe::profiler::start(file().path().c_str(), mean), observe::profiler::Start::done);
  hold_elsewhere(1 * MiB, 3);
  EXPECT_EQ(allocated_of(in_elsewhere).samples, before.samples + 3);
  let_go();
}

TEST_F(Profiler, another_place_is_refused_while_it_has_one) {
  EXPECT_EQ(observe::profiler::start("/another/file", mean),
            observe::profiler::Start::kept_elsewhere);
  EXPECT_EQ(observe::profiler::start_at(4096, mean), observe::profiler::Start::kept_elsewhere);
  EXPECT_TRUE(observe::profiler::is_on());
}

TEST(Chance, is_that_of_the_exponential_function) {
  for (double x = 1e-9; x < 60; x *= 1.07) {
    const double exact = -std::expm1(-x);
    EXPECT_NEAR(observe::one_minus_exp(x) / exact, 1, 1e-12) << x;
  }
}

}  // namespace
