// std::pmr over Strata: a resource over a region, one over the process heap, and an allocator type.
//
//   strata::Region<> region(memory, sizeof memory);
//   strata::memory_resource resource(region);
//   std::pmr::vector<int> numbers(&resource);
//
//   strata::memory_resource heap;                       over the process heap, as heap_resource()
//   is std::pmr::map<...> on_the_heap(strata::heap_resource());
//
// With strata::monotonic, as in memory_resource(region, monotonic), memory_resource(monotonic) and
// heap_resource(monotonic), they serve through falloc: blocks lie one behind the other, without a
// search; they are freed like any other. This header is for hosted programs: it throws
// std::bad_alloc, as std::pmr demands.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <new>

#include "strata/strata.h"

namespace strata {

struct monotonic_t {};
inline constexpr monotonic_t monotonic{};

struct process_heap {};

// Over any region, by reference. Equal only to itself: its blocks are no other resource's. As safe
// for threads as the region: its lock is a policy.
template <class RegionType = process_heap>
class memory_resource final : public std::pmr::memory_resource {
 public:
  explicit memory_resource(RegionType& region) noexcept : region_(region) {}
  memory_resource(RegionType& region, monotonic_t) noexcept : region_(region), at_end_(true) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (bytes == 0) bytes = 1;
    void* block = at_end_ && alignment <= RegionType::granule
                      ? region_.falloc(bytes)
                      : region_.allocate_aligned(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void* block, std::size_t, std::size_t) override { region_.free(block); }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  RegionType& region_;
  bool at_end_ = false;
};

// Over the process heap; needs libstrata. Any two are equal: each frees what the other allocated.
// Any thread may use it.
template <>
class memory_resource<process_heap> final : public std::pmr::memory_resource {
 public:
  memory_resource() noexcept = default;
  explicit memory_resource(monotonic_t) noexcept : at_end_(true) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (bytes == 0) bytes = 1;
    void* block = alignment > 16 ? strata_aligned_alloc(alignment, bytes)
                  : at_end_      ? strata_falloc(bytes)
                                 : strata_malloc(bytes);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void* block, std::size_t, std::size_t) override { strata_free(block); }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return dynamic_cast<const memory_resource*>(&other) != nullptr;
  }

  bool at_end_ = false;
};

memory_resource()->memory_resource<process_heap>;
memory_resource(monotonic_t)->memory_resource<process_heap>;

inline std::pmr::memory_resource* heap_resource() noexcept {
  static memory_resource<process_heap> resource;
  return &resource;
}
inline std::pmr::memory_resource* heap_resource(monotonic_t) noexcept {
  static memory_resource<process_heap> resource(monotonic);
  return &resource;
}

// For containers without pmr: std::vector<int, strata::allocator<int>>.
template <class T>
struct allocator {
  using value_type = T;
  allocator() noexcept = default;
  template <class U>
  allocator(const allocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    const std::size_t bytes = count == 0 ? 1 : count * sizeof(T);
    void* block = alignof(T) <= 16 ? strata_malloc(bytes) : strata_aligned_alloc(alignof(T), bytes);
    if (block == nullptr) throw std::bad_alloc();
    return static_cast<T*>(block);
  }
  void deallocate(T* block, std::size_t) noexcept { strata_free(block); }
  template <class U>
  bool operator==(const allocator<U>&) const noexcept {
    return true;
  }
};

}  // namespace strata
