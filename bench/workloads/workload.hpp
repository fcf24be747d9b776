// What every workload is made of: a description, and a run to do its work in.
//
// Idea. A workload is a plain function over malloc and free. It draws sizes and choices from a
// generator with a fixed seed, so that every allocator serves the same requests in the same order
// (with several threads: the same per thread), and counts its operations: one allocation and one
// free, or one realloc, is one operation unless its description says otherwise. It frees all it
// took, so that what is resident at its end is the allocator's.
//
// Its bookkeeping (arrays of pointers, tables of sizes) stands in memory mapped straight from the
// system: nothing but the blocks under test goes through the allocator.
//
// Cost: drawing a size is one table load; choosing a slot one multiplication.
#pragma once

#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace workloads {

// xorshift64*: two words of state less than the field's best, good enough to choose slots.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 0x1234567) {}
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  // Evenly in [0, bound), by multiplication.
  std::size_t below(std::size_t bound) { return std::size_t(((next() >> 32) * bound) >> 32); }
  double unit() { return double(next() >> 11) / double(std::uint64_t{1} << 53); }

 private:
  std::uint64_t state_;
};

// An array outside the allocator under test; zero at first, gone with its owner.
template <class T>
class MappedArray {
 public:
  explicit MappedArray(std::size_t count) : count_(count) {
    void* const memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      perror("workloads: mmap");
      exit(1);
    }
    items_ = static_cast<T*>(memory);
  }
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;
  ~MappedArray() { munmap(static_cast<void*>(items_), count_ * sizeof(T)); }
  T& operator[](std::size_t i) { return items_[i]; }
  T* begin() { return items_; }
  T* end() { return items_ + count_; }
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  T* items_;
  std::size_t count_;
};

// What one run is given, and what it has to tell.
struct Run {
  double scale = 1;
  unsigned threads = 1;
  std::size_t parameter = 0;  // of the scaling workloads: live blocks, or bytes
  std::atomic<std::uint64_t> operations{0};
  std::size_t misaligned = 0;  // blocks that do not stand where they were asked for
  double seconds = 0;          // set by a workload that times only a part of itself

  [[nodiscard]] std::size_t scaled(std::size_t count) const {
    const double n = double(count) * scale;
    return n < 1 ? 1 : std::size_t(n);
  }
  void count(std::uint64_t done) { operations.fetch_add(done, std::memory_order_relaxed); }
};

struct Workload {
  const char* name;
  const char* group;  // "single", "threads" or "scaling"
  void (*body)(Run&);
  const char* about;  // one line: what it measures
};

// Each file's table; main joins them.
std::span<const Workload> churn_workloads();
std::span<const Workload> batch_workloads();
std::span<const Workload> family_workloads();
std::span<const Workload> large_workloads();
std::span<const Workload> container_workloads();
std::span<const Workload> thread_workloads();
std::span<const Workload> handover_workloads();
std::span<const Workload> scaling_workloads();

// A program writes to what it allocates: the first word, and one byte of each further page.
inline void touch(void* block, std::size_t size) {
  auto* const bytes = static_cast<volatile unsigned char*>(block);
  bytes[0] = 1;
  for (std::size_t i = 4096; i < size; i += 4096) bytes[i] = 1;
  bytes[size - 1] = 1;
}

inline void* take(std::size_t size) {
  void* const block = malloc(size);
  if (block == nullptr) {
    fprintf(stderr, "workloads: malloc(%zu) failed\n", size);
    exit(1);
  }
  touch(block, size);
  return block;
}

double now_seconds();

// Runs body(index) in `count` threads and waits for all of them.
template <class Body>
void in_threads(unsigned count, Body body) {
  struct Start {
    Body* body;
    unsigned index;
  };
  MappedArray<pthread_t> threads(count);
  MappedArray<Start> starts(count);
  for (unsigned i = 0; i < count; ++i) {
    starts[i] = {&body, i};
    const int failed = pthread_create(
        &threads[i], nullptr,
        [](void* start) -> void* {
          const auto* const s = static_cast<Start*>(start);
          (*s->body)(s->index);
          return nullptr;
        },
        &starts[i]);
    if (failed != 0) {
      fprintf(stderr, "workloads: no thread %u\n", i);
      exit(1);
    }
  }
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
}

}  // namespace workloads
