// The rest of the family: realloc in small and in geometric steps, calloc, aligned blocks.
//
// Growth is where an allocator may move pages instead of bytes, and calloc where it may know that
// memory is zero already; both are invisible to a workload of malloc and free alone.
#include <cstring>

#include "size_law.hpp"

namespace workloads {
namespace {

void* grow(void* block, std::size_t size) {
  void* const grown = realloc(block, size);
  if (grown == nullptr) {
    fprintf(stderr, "workloads: realloc(%zu) failed\n", size);
    exit(1);
  }
  static_cast<volatile unsigned char*>(grown)[size - 1] = 1;
  return grown;
}

// One block by 1000 bytes at a time to 40 MB, as a reader of a file of unknown length does.
void realloc_steps(Run& run) {
  const std::size_t repeats = run.scaled(12);
  for (std::size_t n = 0; n < repeats; ++n) {
    void* block = nullptr;
    for (std::size_t size = 1000; size < 40'000'000; size += 1000) block = grow(block, size);
    free(block);
    run.count(40'000);
  }
}

// Blocks that double from 16 bytes to up to 8 MiB, sixteen side by side: vectors that grow.
void realloc_doubling(Run& run) {
  constexpr unsigned side_by_side = 16;
  void* blocks[side_by_side];
  Random random(6);
  const std::size_t repeats = run.scaled(1800);
  for (std::size_t n = 0; n < repeats; ++n) {
    for (void*& block : blocks) block = take(16);
    const unsigned last = 8 + unsigned(random.below(n % 16 == 0 ? 16 : 6));
    for (unsigned log = 5; log < last; ++log) {
      const std::size_t size = std::size_t{1} << log;
      for (void*& block : blocks) {
        block = grow(block, size);
        // A vector fills what it grew by; else pages nobody touched would be moved for nothing.
        memset(static_cast<char*>(block) + size / 2, 1, size / 2);
      }
      run.count(side_by_side);
    }
    for (void* block : blocks) free(block);
  }
}

// Two hundred text buffers that grow by a few bytes at random until 8 KiB, then start anew.
void realloc_buffers(Run& run) {
  struct Buffer {
    void* block;
    std::size_t size;
  };
  static Buffer buffers[200];
  Random random(7);
  const std::size_t operations = run.scaled(20'000'000);
  for (std::size_t n = 0; n < operations; ++n) {
    Buffer& buffer = buffers[random.below(200)];
    buffer.size += 1 + (random.next() & 63);
    if (buffer.size > 8192) {
      free(buffer.block);
      buffer = {nullptr, 24};
    }
    buffer.block = grow(buffer.block, buffer.size);
  }
  for (Buffer& buffer : buffers) {
    free(buffer.block);
    buffer = {nullptr, 0};
  }
  run.count(operations);
}

void calloc_churn(Run& run, std::size_t live, std::size_t operations, const SizeLaw& law) {
  MappedArray<unsigned char*> blocks(live);
  Random random(8);
  for (std::size_t n = 0; n < operations; ++n) {
    unsigned char*& block = blocks[random.below(live)];
    free(block);
    const std::size_t size = law.draw(random);
    block = static_cast<unsigned char*>(calloc(1, size));
    if (block == nullptr || block[size / 2] != 0) {
      fprintf(stderr, "workloads: calloc(%zu) failed or is not zero\n", size);
      exit(1);
    }
    touch(block, size);
  }
  for (unsigned char* block : blocks) free(block);
  run.count(operations);
}

void calloc_small(Run& run) { calloc_churn(run, 4000, run.scaled(20'000'000), SizeLaw::typical()); }
// Mapped afresh or known to be zero, such a block need not be cleared.
void calloc_large(Run& run) {
  calloc_churn(run, 40, run.scaled(40'000), SizeLaw::logarithmic(65536, 1048576));
}

void aligned(Run& run) {
  constexpr std::size_t live = 2000;
  const SizeLaw law = SizeLaw::uniform(16, 1024);
  MappedArray<void*> blocks(live);
  Random random(9);
  const std::size_t operations = run.scaled(40'000'000);
  for (std::size_t n = 0; n < operations; ++n) {
    void*& block = blocks[random.below(live)];
    free(block);
    const std::size_t alignment = std::size_t{32} << random.below(n % 64 == 0 ? 8 : 3);
    const std::size_t size = law.draw(random);
    if (posix_memalign(&block, alignment, size) != 0) {
      fprintf(stderr, "workloads: posix_memalign(%zu, %zu) failed\n", alignment, size);
      exit(1);
    }
    // Not what was asked for, and said so in the report; the time is comparable all the same.
    if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0) ++run.misaligned;
    touch(block, size);
  }
  for (void* block : blocks) free(block);
  run.count(operations);
}

constexpr Workload table[] = {
    {"realloc_steps", "single", realloc_steps, "one block grown by 1000 bytes at a time to 40 MB"},
    {"realloc_doubling", "single", realloc_doubling,
     "sixteen blocks doubling side by side to 8 MiB"},
    {"realloc_buffers", "single", realloc_buffers,
     "200 buffers growing by up to 64 bytes to 8 KiB"},
    {"calloc_small", "single", calloc_small, "zeroed blocks of typical sizes, 4000 live"},
    {"calloc_large", "single", calloc_large, "zeroed blocks of 64 KiB-1 MiB, 40 live"},
    {"aligned", "single", aligned, "alignments of 32-128 bytes, some to 4 KiB, 2000 live"},
};

}  // namespace

std::span<const Workload> family_workloads() { return table; }

}  // namespace workloads
