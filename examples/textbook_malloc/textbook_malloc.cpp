// The textbook allocator as a preloadable library: LD_PRELOAD=build/libtextbook_malloc.so PROGRAM
//
// profiles::TextbookSpans over mmap, and the malloc family in front of it: spans of at least 64
// KiB, each with its own free list; blocks from the end; magic numbers; poison; footers. One lock
// makes threads safe. It is made to be read and to be correct, not to be fast: every call takes the
// lock, and a search goes through the free lists block by block.
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "platform/linux/mmap_source.hpp"
#include "strata/region.hpp"

namespace {

using namespace strata;

class OneLock {
 public:
  void lock() noexcept { pthread_mutex_lock(&mutex_); }
  void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

// Refusals become NULL and ENOMEM; anything worse is the program's fault and ends it, with a
// reason.
struct StopOnDamage {
  void operator()(RegionError error, const void*) noexcept {
    if (int(error) < int(RegionError::foreign_pointer)) return;
    const auto say = [](const char* text) noexcept {
      [[maybe_unused]] const ssize_t written = write(2, text, strlen(text));
    };
    say("textbook_malloc: error: ");
    say(region_error_name(error));
    say("\n");
    __builtin_trap();
  }
};

struct Policy : profiles::TextbookSpans<MmapSource, OneLock> {
  using Errors = StopOnDamage;
};

constinit Region<Policy> heap;

// The child of a fork has one thread, so nobody may hold the lock at that moment.
[[gnu::constructor]] void at_fork() {
  pthread_atfork([] { heap.lock().lock(); }, [] { heap.lock().unlock(); },
                 [] { heap.lock().unlock(); });
}

void* or_no_memory(void* block) noexcept {
  if (block == nullptr) errno = ENOMEM;
  return block;
}
size_t at_least_one(size_t size) noexcept { return size == 0 ? 1 : size; }
void* aligned(size_t alignment, size_t size) noexcept {
  return or_no_memory(heap.allocate_aligned(at_least_one(size), alignment));
}
size_t page_size() noexcept { return size_t(sysconf(_SC_PAGESIZE)); }

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT void* malloc(size_t size) { return or_no_memory(heap.allocate(at_least_one(size))); }

EXPORT void free(void* block) {
  const int kept = errno;
  heap.free(block);
  errno = kept;
}

EXPORT void* calloc(size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return or_no_memory(nullptr);
  void* block = heap.allocate(at_least_one(bytes));
  // Through a volatile pointer's value, so that the compiler does not make this a call of calloc.
  void* volatile cleared = block;
  if (block != nullptr) memset(cleared, 0, bytes);
  return or_no_memory(block);
}

EXPORT void* realloc(void* block, size_t size) {
  if (block == nullptr) return malloc(size);
  if (size == 0) {
    free(block);
    return nullptr;
  }
  return or_no_memory(heap.reallocate(block, size));
}

EXPORT void* reallocarray(void* block, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return or_no_memory(nullptr);
  return realloc(block, bytes);
}

EXPORT int posix_memalign(void** out, size_t alignment, size_t size) {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  const int kept = errno;
  void* block = heap.allocate_aligned(at_least_one(size), alignment);
  errno = kept;
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}

EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  if (!is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return aligned(alignment, size);
}
EXPORT void* memalign(size_t alignment, size_t size) {
  return aligned(std::bit_ceil(alignment == 0 ? size_t{1} : alignment), size);
}
EXPORT void* valloc(size_t size) { return aligned(page_size(), size); }
EXPORT void* pvalloc(size_t size) {
  const size_t page = page_size();
  if (size > ~size_t{0} - page) return or_no_memory(nullptr);
  return aligned(page, align_up(at_least_one(size), page));
}
EXPORT size_t malloc_usable_size(void* block) {
  return block == nullptr ? 0 : heap.usable_size(block);
}
