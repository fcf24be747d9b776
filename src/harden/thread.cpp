// The threads' states. See thread.hpp.
#include "harden/thread.hpp"

#include "base/lock_guard.hpp"
#include "harden/guards.hpp"
#include "harden/large.hpp"
#include "harden/memory.hpp"
#include "heap/state.hpp"

namespace strata::harden {
namespace {

// Lock order: late, registry.
constinit Machine::Lock late_lock;
constinit ThreadState* late_state;
constinit Machine::Lock registry_lock;
constinit List<ThreadState> states;
constinit unsigned state_count;
constinit ThreadState* unused;  // linked by next

// By number. A number is given once: what a record says of who freed it stays true.
constinit std::uint32_t threads[largest_thread_number + 1];
constinit Atomic<unsigned> last_number;

std::uint16_t number_for_thread() noexcept {
  if (last_number.load(Order::relaxed) >= largest_thread_number) return 0;
  const unsigned number = last_number.fetch_add(1, Order::relaxed) + 1;
  if (number > largest_thread_number) return 0;
  threads[number] = Machine::thread_number();
  return std::uint16_t(number);
}

ThreadState* take_state() noexcept {
  LockGuard guard(registry_lock);
  ThreadState* state = unused;
  if (state != nullptr) {
    unused = state->next;
  } else {
    state = static_cast<ThreadState*>(take_guarded(sizeof(ThreadState)));
    if (state == nullptr) return nullptr;
  }
  state->next = state->previous = nullptr;
  states.push_back(state);
  ++state_count;
  return state;
}

}  // namespace

bool draw_secrets(Random& random) noexcept {
  Random::Seed seed;
  const bool good = Machine::random_bytes(&seed, sizeof seed);
  if (!good) {  // what differs from run to run: where things are, and when
    warn_once(Shrinks::randomness);
    std::uint64_t x = Machine::now() ^ Address(&seed) << 20 ^ Machine::current_thread();
    for (std::uint32_t& word : seed.key) {
      x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9ULL;
      word = std::uint32_t(x >> 32);
    }
    for (std::uint32_t& word : seed.nonce) word = 0;
  }
  random.start(seed);
  return good;
}

ThreadState* open_thread_state() noexcept {
  if (thread_cache.finished) return nullptr;
  ThreadState* const state = take_state();
  if (state == nullptr) return nullptr;
  draw_secrets(state->random);
  state->number = number_for_thread();
  thread_cache.mode_state = state;
  if (heap::on_thread_start != nullptr) heap::on_thread_start();
  return state;
}

LateState::LateState() noexcept {
  late_lock.lock();
  if (late_state == nullptr) {
    late_state = take_state();
    if (late_state != nullptr) draw_secrets(late_state->random);
  }
  state_ = late_state;
}
LateState::~LateState() { late_lock.unlock(); }

bool refill(ThreadState& state, unsigned c) noexcept {
  Entry entries[ClassCache::places];
  const unsigned wanted = (shapes[c].ready + 1U) / 2;
  unsigned count = pools[c].take(c, entries, wanted, state.random);
  // Memory or addresses are short: what others have left behind may be what is missing.
  if (count == 0 && give_back_unused()) count = pools[c].take(c, entries, wanted, state.random);
  ClassCache& cache = state.classes[c];
  for (unsigned i = 0; i < count; ++i) {
    const unsigned at = --cache.head % ClassCache::ring_places;
    cache.ring_blocks[at] = entries[i].block;
    cache.ring_records[at] = entries[i].record;
  }
  cache.ready += count;
  return count != 0;
}

bool give_back_unused() noexcept {
  bool any = purge_waiting() != 0;
  any |= give_back_large();
  return slot_supply.give_back_unused() || any;
}

void flush_half(ThreadState& state, unsigned c) noexcept {
  ClassCache& cache = state.classes[c];
  Entry entries[ClassCache::places];
  const unsigned gone = (cache.ready + 1U) / 2;
  for (unsigned i = 0; i < gone; ++i) {
    entries[i] = cache.first();
    ++cache.head;
  }
  cache.ready -= gone;
  pools[c].give(entries, gone);
}

void flush_all(ThreadState& state) noexcept {
  for (unsigned c = 1; c < class_count; ++c) {
    ClassCache& cache = state.classes[c];
    Entry entries[ClassCache::ring_places + ClassCache::places];
    unsigned count = 0;
    for (; cache.head != cache.tail; ++cache.head) entries[count++] = cache.first();
    if (count != 0) cache.ready = cache.waiting = 0;
    // Nothing is written where nothing was: the pages of most classes were never touched.
    for (unsigned i = 0; i < ClassCache::places; ++i) {
      if (cache.random_blocks[i] == nullptr) continue;
      entries[count++] = {cache.random_blocks[i], cache.random_records[i]};
      cache.random_blocks[i] = nullptr;
    }
    if (count != 0) pools[c].give(entries, count);
  }
}

void finish_thread() noexcept {
  auto* const state = static_cast<ThreadState*>(thread_cache.mode_state);
  thread_cache.mode_state = nullptr;
  if (state == nullptr) return;
  flush_all(*state);
  LockGuard guard(registry_lock);
  states.remove(state);
  --state_count;
  state->next = unused;
  unused = state;
}

unsigned thread_count() noexcept {
  LockGuard guard(registry_lock);
  return state_count;
}

std::uint32_t thread_of(unsigned number) noexcept {
  return number <= largest_thread_number ? threads[number] : 0;
}

void lock_threads() noexcept {
  late_lock.lock();
  registry_lock.lock();
}
void unlock_threads() noexcept {
  registry_lock.unlock();
  late_lock.unlock();
}

void renew_threads() noexcept {
  if (late_state != nullptr) draw_secrets(late_state->random);
  if (ThreadState* const state = seen_thread_state(); state != nullptr) {
    draw_secrets(state->random);
    state->number = number_for_thread();
  }
}

}  // namespace strata::harden
