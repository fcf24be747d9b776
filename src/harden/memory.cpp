// Metadata of hardened mode. See memory.hpp.
#include "harden/memory.hpp"

#include "base/atomic.hpp"
#include "base/bits.hpp"
#include "base/lock_guard.hpp"

namespace strata::harden {
namespace {

constexpr size_t chunk_bytes = 1 * MiB;
constexpr size_t small_chunk_bytes = 64 * KiB;  // where the large one is refused

constinit Machine::Lock lock;
constinit Address fresh;
constinit size_t left;
constinit Atomic<size_t> handed_out;

// What was reserved, as far as there is room for it.
struct Piece {
  Address begin = 0;
  size_t bytes = 0;
};
constexpr unsigned most_pieces = 512;
Piece pieces[most_pieces];
constinit Atomic<unsigned> piece_count;

void note_piece(Address begin, size_t bytes) noexcept {
  const unsigned at = piece_count.fetch_add(1, Order::relaxed);
  if (at < most_pieces) pieces[at] = {begin, bytes};
}

Address take_pages(size_t bytes) noexcept {
  const size_t page = Machine::page_size();
  const size_t whole = align_up(bytes, page);
  const Address address = Machine::reserve(whole + 2 * page, page);
  if (address == 0) return 0;
  if (Machine::commit(address + page, whole)) {
    note_piece(address + page, whole);
    return address + page;
  }
  Machine::release(address, whole + 2 * page);
  return 0;
}

}  // namespace

void* take_memory(size_t bytes) noexcept {
  bytes = align_up(bytes, cache_line);
  LockGuard guard(lock);
  if (bytes > left) {
    size_t chunk = bytes > chunk_bytes ? bytes : chunk_bytes;
    Address address = take_pages(chunk);
    if (address == 0) {
      chunk = bytes > small_chunk_bytes ? bytes : small_chunk_bytes;
      address = take_pages(chunk);
    }
    if (address == 0) return nullptr;
    fresh = address;
    left = chunk;
  }
  void* const taken = reinterpret_cast<void*>(fresh);
  fresh += bytes;
  left -= bytes;
  handed_out.fetch_add(bytes, Order::relaxed);
  return taken;
}

void* take_guarded(size_t bytes) noexcept {
  const Address address = take_pages(bytes);
  if (address != 0) handed_out.fetch_add(bytes, Order::relaxed);
  return reinterpret_cast<void*>(address);
}

bool is_own_memory(Address address) noexcept {
  const unsigned count = piece_count.load(Order::relaxed);
  for (unsigned i = 0; i < count && i < most_pieces; ++i) {
    if (address - pieces[i].begin < pieces[i].bytes) return true;
  }
  return false;
}

size_t memory_bytes() noexcept { return handed_out.load(Order::relaxed); }
Machine::Lock& memory_lock() noexcept { return lock; }

}  // namespace strata::harden
