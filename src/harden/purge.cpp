// The queue of slabs with free pages that may go back to the system. See slab.hpp.
#include "base/bits.hpp"
#include "harden/large.hpp"
#include "harden/slab.hpp"
#include "heap/state.hpp"
#include "ranges/settings.hpp"

namespace strata::harden {
namespace {

// First in, first out; links are Slab::queued. Guarded by `lock`.
constinit Machine::Lock lock;
constinit Slab* oldest;
constinit Slab* newest;
constinit Atomic<size_t> waiting;  // slabs; written under the lock

// The oldest slab if there are too many or it has waited long, taken out of the queue.
Slab* take_due(size_t keep, std::uint32_t now) noexcept {
  LockGuard guard(lock);
  Slab* const slab = oldest;
  if (slab == nullptr) return nullptr;
  const bool old = std::int32_t(now - slab->queued_at) >= std::int32_t(range_settings.purge_delay);
  if (waiting.load(Order::relaxed) <= keep && !old) return nullptr;
  oldest = slab->queued;
  if (oldest == nullptr) newest = nullptr;
  slab->queued = nullptr;
  waiting.fetch_sub(1, Order::relaxed);
  return slab;
}

}  // namespace

void push_to_purge(Slab* slab) noexcept {
  const auto now = std::uint32_t(Machine::now());
  LockGuard guard(lock);
  slab->queued_at = now;
  slab->queued = nullptr;
  (newest != nullptr ? newest->queued : oldest) = slab;
  newest = slab;
  waiting.fetch_add(1, Order::relaxed);
}

void purge_excess() noexcept {
  // What ready large blocks leave of the limit, but half of it at least.
  const size_t limit = range_settings.dirty_limit;
  const size_t large = ready_large_bytes() < limit / 2 ? ready_large_bytes() : limit / 2;
  const size_t most = (limit - large) / slot_size;
  const size_t now_waiting = waiting.load(Order::relaxed);
  if (now_waiting == 0) return;
  const auto now = std::uint32_t(Machine::now());
  // A quarter below the limit, so that the next frees need no system call.
  const size_t keep = now_waiting > most ? most / 4 * 3 : most;
  while (Slab* const slab = take_due(keep, now)) pools[slab->size_class].purge(slab);
}

size_t purge_waiting() noexcept {
  size_t bytes = 0;
  while (Slab* const slab = take_due(0, 0)) bytes += pools[slab->size_class].purge(slab);
  return bytes;
}

Machine::Lock& purge_lock() noexcept { return lock; }

}  // namespace strata::harden
