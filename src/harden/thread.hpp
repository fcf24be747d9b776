// ThreadState: what one thread holds in hardened mode: for each class the blocks it may hand out
// next, and those it freed, which wait in two quarantines.
//
//   free ->  random[i]  ->  ring  | waiting ......... | ready ........ | -> allocate
//            swapped with      tail                               head
//            a random one
//
// What leaves the random places goes to the ring's tail and is handed out at its head, but never
// while fewer than `quarantine` blocks (slab.hpp) have come after it. What a pool gives is put at
// the head; what is too much goes back to the pool from there.
//
// Only the thread itself touches its state. Threads that have finished share one, under a lock.
#pragma once

#include "harden/slab.hpp"
#include "heap/heap.hpp"

namespace strata::harden {

// Of one class. Zero is empty. Blocks and their records stand in arrays of their own, because the
// compiler takes a pair apart and puts it together again.
struct ClassCache {
  static constexpr unsigned places = 32;
  static constexpr unsigned ring_places = 64;

  std::uint32_t ready = 0;
  std::uint32_t waiting = 0;
  std::uint32_t head = 0;  // the next block to be handed out; modulo ring_places
  std::uint32_t tail = 0;  // where the next one is put
  void* random_blocks[places] = {};
  Record* random_records[places] = {};
  void* ring_blocks[ring_places] = {};
  Record* ring_records[ring_places] = {};

  [[nodiscard]] Entry first() const noexcept {
    const unsigned at = head % ring_places;
    return {ring_blocks[at], ring_records[at]};
  }
  void put_last(const Entry& entry) noexcept {
    const unsigned at = tail++ % ring_places;
    ring_blocks[at] = entry.block;
    ring_records[at] = entry.record;
  }
};

struct ThreadState {
  Random random;
  std::uint16_t number = 0;     // of the thread, for records; 0: not known
  ThreadState* next = nullptr;  // in the registry, or among states to be used again
  ThreadState* previous = nullptr;
  ClassCache classes[class_count];
};

// The calling thread's, or nullptr: it has none yet, or has finished.
STRATA_INLINE ThreadState* seen_thread_state() noexcept {
  return static_cast<ThreadState*>(thread_cache.mode_state);
}
// Makes one when it is missing. nullptr: the thread has finished, or memory is refused.
ThreadState* open_thread_state() noexcept;

// For threads without a state of their own: one at a time.
class LateState {
 public:
  LateState() noexcept;
  ~LateState();
  LateState(const LateState&) = delete;
  LateState& operator=(const LateState&) = delete;
  // nullptr: memory is refused.
  ThreadState* operator->() const noexcept { return state_; }
  [[nodiscard]] ThreadState* get() const noexcept { return state_; }

 private:
  ThreadState* state_;
};

// Where nothing is ready: takes some from the pool. False: memory is refused.
STRATA_NOINLINE bool refill(ThreadState& state, unsigned c) noexcept;
// Where memory or addresses are short: what nobody uses goes back. True: there was something.
STRATA_COLD bool give_back_unused() noexcept;
// Where all places of the ready ones are taken: gives half of them back to the pool.
STRATA_NOINLINE void flush_half(ThreadState& state, unsigned c) noexcept;
// Everything goes to the pools.
void flush_all(ThreadState& state) noexcept;

void finish_thread() noexcept;
// How many threads have a state.
unsigned thread_count() noexcept;
// The system's number of the thread that has the number, 0: not known.
std::uint32_t thread_of(unsigned number) noexcept;

void lock_threads() noexcept;
void unlock_threads() noexcept;
// In the child of a fork: the calling thread gets a new number and a new stream of random numbers.
void renew_threads() noexcept;

bool draw_secrets(Random& random) noexcept;

}  // namespace strata::harden
