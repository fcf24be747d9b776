// What the compiler expects to exist: the four memory functions, and hooks of C++.
//
// Compiled with -fno-tree-loop-distribute-patterns, so that none becomes a call to itself.
#include <cstddef>

#include "console.hpp"

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t bytes) {
#if defined(__x86_64__)
  void* at = to;
  asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes)::"memory");
#else
  auto* t = static_cast<unsigned char*>(to);
  auto* f = static_cast<const unsigned char*>(from);
  while (bytes-- != 0) *t++ = *f++;
#endif
  return to;
}

void* memset(void* to, int value, std::size_t bytes) {
#if defined(__x86_64__)
  void* at = to;
  asm volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
#else
  auto* t = static_cast<unsigned char*>(to);
  while (bytes-- != 0) *t++ = static_cast<unsigned char>(value);
#endif
  return to;
}

void* memmove(void* to, const void* from, std::size_t bytes) {
  auto* t = static_cast<unsigned char*>(to);
  auto* f = static_cast<const unsigned char*>(from);
  if (t < f) {
    while (bytes-- != 0) *t++ = *f++;
  } else {
    while (bytes-- != 0) t[bytes] = f[bytes];
  }
  return to;
}

int memcmp(const void* left, const void* right, std::size_t bytes) {
  auto* l = static_cast<const unsigned char*>(left);
  auto* r = static_cast<const unsigned char*>(right);
  for (; bytes != 0; --bytes, ++l, ++r) {
    if (*l != *r) return *l < *r ? -1 : 1;
  }
  return 0;
}

void __cxa_pure_virtual() { kernel::panic("a pure virtual function was called"); }
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
void* __dso_handle = nullptr;

}  // extern "C"
