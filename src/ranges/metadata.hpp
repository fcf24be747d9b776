// MetadataPool<T>: memory for the allocator's own records, away from the program's blocks.
//
// Records come from chunks of their own (64 KiB of addresses, touched as used), are recycled
// through a free list and never go back to the system: their number is bounded by what was ever
// alive at once. T has a member `next`. Not thread-safe: the owner locks. O(1).
#pragma once

#include <new>

#include "base/attributes.hpp"
#include "base/bits.hpp"
#include "platform/current.hpp"

namespace strata {

template <class T>
class MetadataPool {
 public:
  // A zero-initialised record, or nullptr when memory is refused.
  T* take() noexcept {
    T* record = free_;
    if (record != nullptr) {
      free_ = record->next;
    } else {
      if (left_ < sizeof(T) && !grow()) return nullptr;
      record = reinterpret_cast<T*>(fresh_);
      fresh_ += sizeof(T);
      left_ -= sizeof(T);
      bytes_ += sizeof(T);
    }
    if constexpr (built_small) {  // all records are valid when all zero
      return static_cast<T*>(__builtin_memset(static_cast<void*>(record), 0, sizeof(T)));
    } else {
      return new (record) T{};
    }
  }
  void give(T* record) noexcept {
    record->next = free_;
    free_ = record;
  }
  // Calls visit(address, bytes) for each chunk, the newest first.
  template <class Visit>
  void for_each_chunk(Visit&& visit) const noexcept {
    for (const Chunk* chunk = chunks_; chunk != nullptr; chunk = chunk->next) {
      visit(Address(chunk), chunk->bytes);
    }
  }
  // Bytes of all records ever needed at once.
  [[nodiscard]] size_t bytes() const noexcept { return bytes_; }

 private:
  // Stands at the start of each chunk.
  struct alignas(T) Chunk {
    Chunk* next;
    size_t bytes;
  };

  bool grow() noexcept {
    const size_t chunk = align_up(64 * KiB, Machine::page_size());
    const Address address = Machine::reserve(chunk, Machine::page_size());
    if (address == 0) return false;
    if (!Machine::commit(address, chunk)) {
      Machine::release(address, chunk);
      return false;
    }
    chunks_ = new (reinterpret_cast<void*>(address)) Chunk{chunks_, chunk};
    fresh_ = address + sizeof(Chunk);
    left_ = chunk - sizeof(Chunk);
    return true;
  }

  T* free_ = nullptr;
  Chunk* chunks_ = nullptr;
  Address fresh_ = 0;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

}  // namespace strata
