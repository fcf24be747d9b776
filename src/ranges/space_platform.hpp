// SpacePlatform: the heap's Platform on top of a Space. How storey 3 stands on storey 2 in a
// kernel.
//
// reserve is an address range, commit puts zeroed frames under it at once (EagerCommit), purge
// takes them away again: the frames come back to Frames after the next flush, the addresses stay. A
// kernel cannot promise memory it does not have, so a refused frame is a refused allocation, not a
// fault.
//
// The heap keeps its bins in thread-local memory: each CPU needs a thread pointer of its own (see
// platform/kernel/thread_area.hpp) and must not be preempted inside a call.
#pragma once

#include "platform/platform.hpp"
#include "ranges/space.hpp"

namespace strata {

template <PagedMachine M>
struct SpacePlatform {
  using Lock = typename M::Lock;
  using CpuGuard = typename M::CpuGuard;
  struct EagerCommit {};
  static constexpr unsigned max_annexes = 1;

  // Before the first allocation.
  static void start(Space<M>& space) noexcept { space_ = &space; }

  static constexpr size_t page_size() noexcept { return frame_size; }

  static Address reserve(size_t bytes, size_t alignment) noexcept {
    return space_ != nullptr ? space_->reserve({.bytes = bytes, .alignment = alignment}) : 0;
  }
  static void release(Address address, size_t bytes) noexcept { space_->free(address, bytes); }
  static bool commit(Address address, size_t bytes) noexcept {
    return space_->commit(address, bytes, Access::read_write, true);
  }
  static bool purge(Address address, size_t bytes) noexcept {
    return space_->decommit(address, bytes);
  }

  // In place, else by a copy. 0: the old range is as it was.
  static Address remap(Address address, size_t old_bytes, size_t new_bytes) noexcept {
    if (new_bytes <= old_bytes) return space_->trim(address, old_bytes, new_bytes) ? address : 0;
    if (space_->extend(address, old_bytes, new_bytes)) return address;
    const Address moved = space_->allocate({.bytes = new_bytes});
    if (moved == 0) return 0;
    __builtin_memcpy(reinterpret_cast<void*>(moved), reinterpret_cast<void*>(address), old_bytes);
    space_->free(address, old_bytes);
    return moved;
  }

  static Address current_thread() noexcept { return Address(__builtin_thread_pointer()); }
  static std::uint64_t now() noexcept {
    if constexpr (requires { M::now(); }) {
      return M::now();
    } else {
      return 0;
    }
  }
  [[noreturn]] static void fail(const char* text) noexcept {
    M::fail(Problem::heap_misuse, Address(text));
    __builtin_trap();
  }

  static bool decommit(Address address, size_t bytes) noexcept { return purge(address, bytes); }
  static void allow_huge_pages(Address, size_t, bool) noexcept {}  // Space decides by itself
  static void populate(Address, size_t) noexcept {}                // commit has done so
  static size_t address_space_limit() noexcept { return ~size_t{0}; }
  // No thread of our own: whoever frees gives back.
  static bool start_worker(void (*)() noexcept) noexcept { return false; }
  static void wait(Atomic<std::uint32_t>&, std::uint32_t, std::uint32_t) noexcept {}
  static void wake(Atomic<std::uint32_t>&) noexcept {}

 private:
  inline static Space<M>* space_ = nullptr;  // set once, by start()
};

}  // namespace strata
