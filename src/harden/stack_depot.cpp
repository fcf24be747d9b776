// See stack_depot.hpp.
#include "harden/stack_depot.hpp"

#include "base/atomic.hpp"
#include "base/lock_guard.hpp"
#include "harden/memory.hpp"

namespace strata::harden::depot {
namespace {

constexpr size_t most_bytes = 512 * MiB;  // addresses; pages come as stacks do
constexpr size_t step_bytes = 256 * KiB;
constexpr unsigned buckets = 1U << 15;

struct Kept {
  std::uint32_t hash;
  std::uint32_t count;
  std::uint64_t next;
  Address frames[1];
};
constexpr size_t head_words = 2;

constinit Machine::Lock depot_lock;
constinit Address begin;
constinit size_t used = 1;  // words; guarded by the lock, as all below
constinit size_t committed;
constinit std::uint32_t* table;

Kept* at(std::uint64_t number) noexcept {
  return reinterpret_cast<Kept*>(begin + number * sizeof(std::uint64_t));
}

std::uint32_t hash_of(const Stack& stack) noexcept {
  std::uint64_t hash = stack.count;
  for (unsigned i = 0; i < stack.count; ++i) {
    hash = (hash ^ stack.frames[i]) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return std::uint32_t(hash >> 16);
}

bool is_same(const Kept& kept, const Stack& stack, std::uint32_t hash) noexcept {
  return kept.hash == hash && kept.count == stack.count &&
         __builtin_memcmp(kept.frames, stack.frames, stack.count * sizeof(Address)) == 0;
}

}  // namespace

bool open() noexcept {
  table = static_cast<std::uint32_t*>(take_memory(buckets * sizeof(std::uint32_t)));
  if (table == nullptr) return false;
  begin = Machine::reserve(most_bytes, Machine::page_size());
  return begin != 0;
}

std::uint32_t keep(const Stack& stack) noexcept {
  if (begin == 0 || stack.count == 0) return 0;
  const std::uint32_t hash = hash_of(stack);
  LockGuard guard(depot_lock);
  std::uint32_t& bucket = table[hash % buckets];
  for (std::uint64_t number = bucket; number != 0; number = at(number)->next) {
    if (is_same(*at(number), stack, hash)) return std::uint32_t(number);
  }
  const size_t words = head_words + stack.count;
  if ((used + words) * sizeof(std::uint64_t) > committed) {
    if (committed + step_bytes > most_bytes) return 0;
    if (!Machine::commit(begin + committed, step_bytes)) return 0;
    committed += step_bytes;
  }
  const auto number = std::uint32_t(used);
  used += words;
  Kept& kept = *at(number);
  kept.hash = hash;
  kept.count = stack.count;
  kept.next = bucket;
  __builtin_memcpy(kept.frames, stack.frames, stack.count * sizeof(Address));
  return bucket = number;
}

unsigned frames_of(std::uint32_t number, const Address*& frames) noexcept {
  if (number == 0) return 0;
  frames = at(number)->frames;
  return at(number)->count;
}

Machine::Lock& lock() noexcept { return depot_lock; }

}  // namespace strata::harden::depot
