// Finding the definitions behind ours.
#include "record/recorder/next.hpp"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>

namespace strata::record {

namespace {

std::atomic<size_t> arena_used;

void* from_arena(size_t size) {
  const size_t needed = (size + 15) / 16 * 16;
  const size_t at = arena_used.fetch_add(needed, std::memory_order_relaxed);
  return at + needed <= sizeof arena ? arena + at : nullptr;
}

// Per thread: a second thread that comes while the first one looks must look itself.
thread_local constinit bool looking = false;

template <class Function>
Function* find(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void look() {
  if (looking) return;
  looking = true;
  Next found{};
  found.malloc = find<void*(size_t)>("malloc");
  found.free = find<void(void*)>("free");
  found.calloc = find<void*(size_t, size_t)>("calloc");
  found.realloc = find<void*(void*, size_t)>("realloc");
  found.posix_memalign = find<int(void**, size_t, size_t)>("posix_memalign");
  found.aligned_alloc = find<void*(size_t, size_t)>("aligned_alloc");
  found.memalign = find<void*(size_t, size_t)>("memalign");
  found.valloc = find<void*(size_t)>("valloc");
  found.pvalloc = find<void*(size_t)>("pvalloc");
  // A C library has all nine, so there is no case to treat where one is missing.
  next = found;
  looking = false;
}

void* first_malloc(size_t size) {
  look();
  return looking ? from_arena(size) : next.malloc(size);
}
void first_free(void* block) {
  look();
  if (!looking) next.free(block);
}
void* first_calloc(size_t count, size_t size) {
  look();
  return looking ? from_arena(count * size)
                 : next.calloc(count, size);  // of zeroes, never used before
}
void* first_realloc(void* block, size_t size) {
  look();
  if (!looking) return next.realloc(block, size);
  return block == nullptr ? from_arena(size) : nullptr;
}
int first_posix_memalign(void** result, size_t alignment, size_t size) {
  look();
  return looking ? ENOMEM : next.posix_memalign(result, alignment, size);
}
void* first_aligned_alloc(size_t alignment, size_t size) {
  look();
  return looking ? nullptr : next.aligned_alloc(alignment, size);
}
void* first_memalign(size_t alignment, size_t size) {
  look();
  return looking ? nullptr : next.memalign(alignment, size);
}
void* first_valloc(size_t size) {
  look();
  return looking ? nullptr : next.valloc(size);
}
void* first_pvalloc(size_t size) {
  look();
  return looking ? nullptr : next.pvalloc(size);
}

// Where the library that holds an address begins.
void* library_of(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

}  // namespace

constinit Next next{first_malloc,   first_free,           first_calloc,
                    first_realloc,  first_posix_memalign, first_aligned_alloc,
                    first_memalign, first_valloc,         first_pvalloc};

alignas(16) unsigned char arena[4096];

Operator find_operator(const char* name) {
  if (next.malloc == first_malloc) look();
  void* function = dlsym(RTLD_NEXT, name);
  if (function == nullptr) {
    // The C++ runtime came later, for a library opened by the program alone.
    void* const runtime = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
    function = runtime != nullptr ? dlsym(runtime, name) : nullptr;
  }
  if (function == nullptr) abort();  // an operator is called, and nobody has it
  void* const malloc_library = library_of(reinterpret_cast<void*>(next.malloc));
  return {function, library_of(function) != malloc_library};
}

}  // namespace strata::record
