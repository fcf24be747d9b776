// The definitions behind the recorder's own: those of the allocator under the program.
//
// Found by the loader at the first call, whenever that is. The loader may itself allocate while it
// looks; what it gets then lies in a small arena of ours, is never given back and never recorded.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <new>

namespace strata::record {

struct Next {
  void* (*malloc)(size_t);
  void (*free)(void*);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  void* (*memalign)(size_t, size_t);
  void* (*valloc)(size_t);
  void* (*pvalloc)(size_t);
};

// At first functions that find the others; then the others.
extern Next next;

// What the loader allocates while it looks for malloc. A page has always been ample: glibc takes
// nothing when it finds what it looks for, and one message when it does not.
extern unsigned char arena[4096];
// Whether the block is of our arena.
inline bool is_ours(const void* block) {
  return reinterpret_cast<uintptr_t>(block) - reinterpret_cast<uintptr_t>(arena) < sizeof arena;
}

// The definition behind ours of a C++ operator. `records_itself` says that it comes from another
// library than malloc does: then it calls malloc, and that call is the one to be recorded.
struct Operator {
  void* function;
  bool records_itself;
};
Operator find_operator(const char* name);

}  // namespace strata::record
