// The C++ operators. They go to the next definition, so that its new handler, its exceptions and
// its sized frees are the program's; they are recorded here only if that definition does not itself
// call malloc or free, which are recorded anyway.
#include <bit>
#include <new>

#include "record/recorder/log.hpp"
#include "record/recorder/next.hpp"

namespace strata::record {
namespace {

// The definition behind ours, found at the first call. Two threads may look at once: both find the
// same.
template <class Function>
class Behind {
 public:
  explicit constexpr Behind(const char* name) : name_(name) {}

  Function* get(bool& records_itself) {
    Function* function = __atomic_load_n(&function_, __ATOMIC_ACQUIRE);
    if (function == nullptr) [[unlikely]] {
      const Operator found = find_operator(name_);
      function = reinterpret_cast<Function*>(found.function);
      records_itself_ = found.records_itself;
      __atomic_store_n(&function_, function, __ATOMIC_RELEASE);
    }
    records_itself = records_itself_;
    return function;
  }

 private:
  const char* name_;
  Function* function_ = nullptr;
  bool records_itself_ = false;
};

template <class Function, class... Arguments>
inline void* obtain(Behind<Function>& behind, const void* site, std::size_t size,
                    unsigned alignment, Arguments... arguments) {
  bool records_itself = false;
  void* const block = behind.get(records_itself)(size, arguments...);
  if (!records_itself) {
    log_after(alignment == 0 ? Kind::malloc : Kind::aligned, block, size, site, alignment);
  }
  return block;
}

template <class Function, class... Arguments>
inline void give_back(Behind<Function>& behind, void* block, Arguments... arguments) {
  if (block == nullptr) return;
  bool records_itself = false;
  Function* const function = behind.get(records_itself);
  if (!records_itself) log_before(Kind::free, block);
  function(block, arguments...);
}

unsigned log2_of(std::align_val_t alignment) {
  return unsigned(std::bit_width(std::size_t(alignment))) - 1;
}

}  // namespace
}  // namespace strata::record

using strata::record::Behind;
using strata::record::give_back;
using strata::record::log2_of;
using strata::record::obtain;

#define RECORDED __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)
using Nothrow = std::nothrow_t;
using Align = std::align_val_t;

namespace {
constinit Behind<void*(std::size_t)> new_one("_Znwm");
constinit Behind<void*(std::size_t)> new_many("_Znam");
constinit Behind<void*(std::size_t, const Nothrow&)> new_one_nothrow("_ZnwmRKSt9nothrow_t");
constinit Behind<void*(std::size_t, const Nothrow&)> new_many_nothrow("_ZnamRKSt9nothrow_t");
constinit Behind<void*(std::size_t, Align)> new_one_aligned("_ZnwmSt11align_val_t");
constinit Behind<void*(std::size_t, Align)> new_many_aligned("_ZnamSt11align_val_t");
constinit Behind<void*(std::size_t, Align, const Nothrow&)> new_one_aligned_nothrow(
    "_ZnwmSt11align_val_tRKSt9nothrow_t");
constinit Behind<void*(std::size_t, Align, const Nothrow&)> new_many_aligned_nothrow(
    "_ZnamSt11align_val_tRKSt9nothrow_t");
constinit Behind<void(void*)> delete_one("_ZdlPv");
constinit Behind<void(void*)> delete_many("_ZdaPv");
constinit Behind<void(void*, std::size_t)> delete_one_sized("_ZdlPvm");
constinit Behind<void(void*, std::size_t)> delete_many_sized("_ZdaPvm");
constinit Behind<void(void*, const Nothrow&)> delete_one_nothrow("_ZdlPvRKSt9nothrow_t");
constinit Behind<void(void*, const Nothrow&)> delete_many_nothrow("_ZdaPvRKSt9nothrow_t");
constinit Behind<void(void*, Align)> delete_one_aligned("_ZdlPvSt11align_val_t");
constinit Behind<void(void*, Align)> delete_many_aligned("_ZdaPvSt11align_val_t");
constinit Behind<void(void*, std::size_t, Align)> delete_one_sized_aligned(
    "_ZdlPvmSt11align_val_t");
constinit Behind<void(void*, std::size_t, Align)> delete_many_sized_aligned(
    "_ZdaPvmSt11align_val_t");
constinit Behind<void(void*, Align, const Nothrow&)> delete_one_aligned_nothrow(
    "_ZdlPvSt11align_val_tRKSt9nothrow_t");
constinit Behind<void(void*, Align, const Nothrow&)> delete_many_aligned_nothrow(
    "_ZdaPvSt11align_val_tRKSt9nothrow_t");
}  // namespace

RECORDED void* operator new(std::size_t n) { return obtain(new_one, SITE, n, 0); }
RECORDED void* operator new[](std::size_t n) { return obtain(new_many, SITE, n, 0); }
RECORDED void* operator new(std::size_t n, const Nothrow& t) noexcept {
  return obtain<void*(std::size_t, const Nothrow&), const Nothrow&>(new_one_nothrow, SITE, n, 0, t);
}
RECORDED void* operator new[](std::size_t n, const Nothrow& t) noexcept {
  return obtain<void*(std::size_t, const Nothrow&), const Nothrow&>(new_many_nothrow, SITE, n, 0,
                                                                    t);
}
RECORDED void* operator new(std::size_t n, Align a) {
  return obtain(new_one_aligned, SITE, n, log2_of(a), a);
}
RECORDED void* operator new[](std::size_t n, Align a) {
  return obtain(new_many_aligned, SITE, n, log2_of(a), a);
}
RECORDED void* operator new(std::size_t n, Align a, const Nothrow& t) noexcept {
  return obtain<void*(std::size_t, Align, const Nothrow&), Align, const Nothrow&>(
      new_one_aligned_nothrow, SITE, n, log2_of(a), a, t);
}
RECORDED void* operator new[](std::size_t n, Align a, const Nothrow& t) noexcept {
  return obtain<void*(std::size_t, Align, const Nothrow&), Align, const Nothrow&>(
      new_many_aligned_nothrow, SITE, n, log2_of(a), a, t);
}

RECORDED void operator delete(void* p) noexcept { give_back(delete_one, p); }
RECORDED void operator delete[](void* p) noexcept { give_back(delete_many, p); }
RECORDED void operator delete(void* p, std::size_t n) noexcept {
  give_back(delete_one_sized, p, n);
}
RECORDED void operator delete[](void* p, std::size_t n) noexcept {
  give_back(delete_many_sized, p, n);
}
RECORDED void operator delete(void* p, const Nothrow& t) noexcept {
  give_back<void(void*, const Nothrow&), const Nothrow&>(delete_one_nothrow, p, t);
}
RECORDED void operator delete[](void* p, const Nothrow& t) noexcept {
  give_back<void(void*, const Nothrow&), const Nothrow&>(delete_many_nothrow, p, t);
}
RECORDED void operator delete(void* p, Align a) noexcept { give_back(delete_one_aligned, p, a); }
RECORDED void operator delete[](void* p, Align a) noexcept { give_back(delete_many_aligned, p, a); }
RECORDED void operator delete(void* p, std::size_t n, Align a) noexcept {
  give_back(delete_one_sized_aligned, p, n, a);
}
RECORDED void operator delete[](void* p, std::size_t n, Align a) noexcept {
  give_back(delete_many_sized_aligned, p, n, a);
}
RECORDED void operator delete(void* p, Align a, const Nothrow& t) noexcept {
  give_back<void(void*, Align, const Nothrow&), Align, const Nothrow&>(delete_one_aligned_nothrow,
                                                                       p, a, t);
}
RECORDED void operator delete[](void* p, Align a, const Nothrow& t) noexcept {
  give_back<void(void*, Align, const Nothrow&), Align, const Nothrow&>(delete_many_aligned_nothrow,
                                                                       p, a, t);
}
