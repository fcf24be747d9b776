// Every replaceable C++ operator new and delete.
//
// The library does not load the C++ runtime: a C program must not be made to. The two functions a
// failing operator new needs are weak references, present whenever somebody can catch what is
// thrown.
#include <dlfcn.h>

#include <new>

#include "front/export.hpp"
#include "front/throwing_handler.hpp"
#include "heap/heap.hpp"
#include "observe/survey.hpp"

namespace heap = strata::heap;
using heap::Form;
constexpr Form one = Form::new_one;
constexpr Form array = Form::new_array;

// libstdc++'s and libc++'s ways to throw std::bad_alloc, and the handler both have.
namespace strata_runtime {
[[gnu::weak]] [[noreturn]] void libstdcxx_throw() __asm__("_ZSt17__throw_bad_allocv");
[[gnu::weak]] [[noreturn]] void libcxx_throw() __asm__("_ZNSt3__117__throw_bad_allocB7v160000Ev");
[[gnu::weak]] std::new_handler new_handler() __asm__("_ZSt15get_new_handlerv");
[[gnu::weak]] void* open_library(const char* name, int flags) __asm__("dlopen");
[[gnu::weak]] void* find_symbol(void* library, const char* name) __asm__("dlsym");
}  // namespace strata_runtime

namespace {

// A function of a runtime that was loaded after us, or nullptr. The weak references were bound
// before it came, and a library opened locally is in nobody's scope: so it is asked by name. Weak
// themselves, so that a static program is not made to carry a loader.
STRATA_COLD void* find_in_later_runtime(const char* name) {
  if (strata_runtime::open_library == nullptr || strata_runtime::find_symbol == nullptr) {
    return nullptr;
  }
  void* const runtime = strata_runtime::open_library("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return runtime != nullptr ? strata_runtime::find_symbol(runtime, name) : nullptr;
}

[[noreturn]] STRATA_COLD void throw_bad_alloc() {
  if (strata_runtime::libstdcxx_throw != nullptr) strata_runtime::libstdcxx_throw();
  if (strata_runtime::libcxx_throw != nullptr) strata_runtime::libcxx_throw();
  if (void* const later = find_in_later_runtime("_ZSt17__throw_bad_allocv")) {
    reinterpret_cast<void (*)()>(later)();
  }
  strata::Machine::fail("strata: error: out of memory in operator new, and nobody to catch it\n");
}

std::new_handler current_handler() {
  return strata_runtime::new_handler != nullptr ? strata_runtime::new_handler() : nullptr;
}

// Calls the new handler; false when there is none. What the handler throws goes to the caller.
STRATA_COLD bool handled() {
  strata::observe::note_refusal();
  std::new_handler handler = current_handler();
  if (strata_runtime::new_handler == nullptr) {
    if (void* const later = find_in_later_runtime("_ZSt15get_new_handlerv")) {
      handler = reinterpret_cast<std::new_handler (*)()>(later)();
    }
  }
  if (handler == nullptr) return false;
  handler();
  return true;
}

template <Form form>
STRATA_NOINLINE void* new_slow(size_t size) {
  for (;;) {
    if (void* const block = heap::allocate_slow<form>(size)) return block;
    if (!handled()) throw_bad_alloc();
  }
}

STRATA_NOINLINE void* new_aligned(size_t size, std::align_val_t alignment, Form form) {
  for (;;) {
    if (void* const block = heap::allocate_aligned(size_t(alignment), size, form)) return block;
    if (!handled()) throw_bad_alloc();
  }
}

// The nothrow forms call the handler too; one that throws ends the attempt, and null is the answer.
bool handled_without_throwing() {
  strata::observe::note_refusal();
  const std::new_handler handler = current_handler();
  return handler != nullptr && strata::front::returns_without_throwing(handler);
}

template <Form form>
STRATA_NOINLINE void* nothrow_slow(size_t size) {
  for (;;) {
    if (void* const block = heap::allocate_slow<form>(size)) return block;
    if (!handled_without_throwing()) return nullptr;
  }
}

STRATA_NOINLINE void* nothrow_aligned(size_t size, std::align_val_t alignment, Form form) {
  for (;;) {
    if (void* const block = heap::allocate_aligned(size_t(alignment), size, form)) return block;
    if (!handled_without_throwing()) return nullptr;
  }
}

}  // namespace

#define STRATA_OPERATOR __attribute__((visibility("default")))

STRATA_OPERATOR STRATA_HOT void* operator new(size_t n) { return heap::allocate<new_slow<one>>(n); }
STRATA_OPERATOR STRATA_HOT void* operator new[](size_t n) {
  return heap::allocate<new_slow<array>>(n);
}
STRATA_OPERATOR void* operator new(size_t n, const std::nothrow_t&) noexcept {
  return heap::allocate<nothrow_slow<one>>(n);
}
STRATA_OPERATOR void* operator new[](size_t n, const std::nothrow_t&) noexcept {
  return heap::allocate<nothrow_slow<array>>(n);
}
STRATA_OPERATOR void* operator new(size_t n, std::align_val_t a) { return new_aligned(n, a, one); }
STRATA_OPERATOR void* operator new[](size_t n, std::align_val_t a) {
  return new_aligned(n, a, array);
}
STRATA_OPERATOR void* operator new(size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return nothrow_aligned(n, a, one);
}
STRATA_OPERATOR void* operator new[](size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return nothrow_aligned(n, a, array);
}

STRATA_OPERATOR STRATA_HOT void operator delete(void* p) noexcept { heap::free<one>(p); }
STRATA_OPERATOR STRATA_HOT void operator delete[](void* p) noexcept { heap::free<array>(p); }
STRATA_OPERATOR STRATA_HOT void operator delete(void* p, size_t n) noexcept {
  heap::free<one>(p, n);
}
STRATA_OPERATOR STRATA_HOT void operator delete[](void* p, size_t n) noexcept {
  heap::free<array>(p, n);
}
STRATA_OPERATOR void operator delete(void* p, const std::nothrow_t&) noexcept {
  heap::free<one>(p);
}
STRATA_OPERATOR void operator delete[](void* p, const std::nothrow_t&) noexcept {
  heap::free<array>(p);
}
STRATA_OPERATOR void operator delete(void* p, std::align_val_t) noexcept { heap::free<one>(p); }
STRATA_OPERATOR void operator delete[](void* p, std::align_val_t) noexcept { heap::free<array>(p); }
STRATA_OPERATOR void operator delete(void* p, size_t n, std::align_val_t) noexcept {
  heap::free<one>(p, n);
}
STRATA_OPERATOR void operator delete[](void* p, size_t n, std::align_val_t) noexcept {
  heap::free<array>(p, n);
}
STRATA_OPERATOR void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  heap::free<one>(p);
}
STRATA_OPERATOR void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  heap::free<array>(p);
}
