// A region in shared memory: two processes, two addresses, and one of them killed in the middle.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "platform/linux/shared_lock.hpp"
#include "strata/region.hpp"

namespace strata::testing {
namespace {

template <class LayoutPolicy>
struct SharedPolicy : DefaultPolicy {
  using Layout = LayoutPolicy;
  using Lock = SharedLock;
  static constexpr bool self_based = true;
};

template <class Layout>
struct SharedRegion : ::testing::Test {
  using R = Region<SharedPolicy<Layout>>;
  static constexpr std::size_t bytes = 1 << 20;
  int file = -1;
  char* here = nullptr;
  R* region = nullptr;

  void SetUp() override {
    file = memfd_create("region", 0);
    ASSERT_EQ(ftruncate(file, bytes), 0);
    here = map();
    region = R::create(here, bytes);
    ASSERT_NE(region, nullptr);
    ASSERT_TRUE(region->lock().init());
  }
  void TearDown() override {
    munmap(here, bytes);
    close(file);
  }
  char* map() {
    return static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  }

  // Allocates and frees until it is killed or `rounds` are over; false when a promise is broken.
  static bool churn(R* r, unsigned seed, long rounds) {
    unsigned char* mine[32] = {};
    for (long i = 0; i < rounds; ++i) {
      seed = seed * 1103515245U + 12345U;
      const unsigned k = (seed >> 16) % 32;
      if (mine[k] != nullptr) {
        if (mine[k][0] != k || mine[k][7] != k) return false;
        if (r->free(mine[k]) != RegionError::none) return false;
        mine[k] = nullptr;
      } else {
        mine[k] = static_cast<unsigned char*>((seed & 4096) != 0 ? r->falloc(8 + (seed >> 22))
                                                                 : r->allocate(8 + (seed >> 22)));
        if (mine[k] != nullptr) mine[k][0] = mine[k][7] = static_cast<unsigned char>(k);
      }
    }
    for (auto* p : mine) {
      if (r->free(p) != RegionError::none) return false;
    }
    return true;
  }
  template <class Work>
  pid_t in_a_process(Work work) {
    const pid_t child = fork();
    if (child == 0) {
      char* there = map();  // a second mapping: another address than the parent's
      R* r = there != here ? R::attach(there) : nullptr;
      _exit(r != nullptr && work(r) ? 0 : 1);
    }
    return child;
  }
};
using Layouts = ::testing::Types<layout::Compact<>, layout::Offsets<>>;
TYPED_TEST_SUITE(SharedRegion, Layouts);

TYPED_TEST(SharedRegion, two_processes_use_it_at_once_at_different_addresses) {
  const pid_t child = this->in_a_process([](auto* r) { return TestFixture::churn(r, 1, 200000); });
  EXPECT_TRUE(TestFixture::churn(this->region, 2, 200000));
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(this->region->check());
  EXPECT_EQ(this->region->statistics().used_blocks, 0U);
}

TYPED_TEST(SharedRegion, a_block_made_there_is_freed_here) {
  using Shared = typename TestFixture::R;
  const pid_t child = this->in_a_process([](Shared* r) {
    auto* p = static_cast<char*>(r->allocate(100));
    std::strcpy(p, "from the other side");
    return true;
  });
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  const void* found = nullptr;
  this->region->walk([&](const RegionBlock& b) {
    if (b.state == BlockState::used) found = b.payload;
  });
  ASSERT_NE(found, nullptr);
  EXPECT_STREQ(static_cast<const char*>(found), "from the other side");
  EXPECT_EQ(this->region->free(const_cast<void*>(found)), RegionError::none);
}

// Kills at random moments; most fall into the lock, since the child does nothing else.
TYPED_TEST(SharedRegion, stays_intact_when_a_process_is_killed_in_the_middle) {
  unsigned inside = 0;
  for (unsigned round = 0; round < 150; ++round) {
    const pid_t child =
        this->in_a_process([round](auto* r) { return TestFixture::churn(r, round + 1, 1L << 40); });
    usleep(1500 + round * 97 % 1500);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child found a broken promise in round " << round;
    // The first call after it repairs, if need be; then everything holds, and serves.
    ASSERT_TRUE(TestFixture::churn(this->region, round, 500)) << round;
    ASSERT_TRUE(this->region->check()) << round;
    inside = this->region->lock().deaths();
    // What the dead held is shown by walk; here it is given back so that rounds do not add up.
    std::vector<const void*> left;
    this->region->walk([&](const RegionBlock& b) {
      if (b.state == BlockState::used) left.push_back(b.payload);
    });
    ASSERT_LE(left.size(), 33U);  // its 32 slots, and one block that was on its way
    for (const void* p : left) {
      ASSERT_EQ(this->region->free(const_cast<void*>(p)), RegionError::none);
    }
    this->region->settle();
    ASSERT_EQ(this->region->statistics().used_bytes, 0U) << "bytes lost in round " << round;
  }
  EXPECT_GT(inside, 10U) << "too few deaths inside the lock to mean something";
}

TYPED_TEST(SharedRegion, says_so_when_it_is_not_intact) {
  using Shared = typename TestFixture::R;
  const pid_t child = this->in_a_process([](Shared* r) {
    auto* p = static_cast<char*>(r->allocate(100));
    std::memset(p, 0xFF, 200);  // over the next block's header
    r->lock().lock();
    kill(getpid(), SIGKILL);
    return true;
  });
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(this->region->falloc(10), nullptr);
  EXPECT_EQ(this->region->allocate(10), nullptr);
  EXPECT_EQ(this->region->last_error(), RegionError::region_damaged);
  EXPECT_EQ(this->region->check().error, RegionError::region_damaged);
}

}  // namespace
}  // namespace strata::testing
