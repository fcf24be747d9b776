// The sampling point. See sample.hpp.
#include "heap/sample.hpp"

#include "base/bits.hpp"
#include "heap/state.hpp"

namespace strata::heap::sample {

constinit Atomic<std::uint32_t> epoch;

namespace {

constinit Atomic<const Client*> clients[client_count];
constinit Atomic<size_t> means[client_count];
constinit Atomic<size_t> mean;  // the least of the clients'; meaningful while on
constinit Atomic<std::uint64_t> seed;
constinit Atomic<std::uint32_t> coarse_misses;
constinit Atomic<Which> coarse_client;

// splitmix64: any state is good, neighbouring ones give unrelated numbers.
std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
  return x ^ x >> 31;
}
constexpr std::uint64_t step = 0x9e3779b97f4a7c15ULL;

std::uint64_t next_random(Countdown& countdown) noexcept { return mix(countdown.random += step); }

// Brings a thread's countdowns up to date with the mean that is in effect.
void refresh(ThreadHeap& heap) noexcept {
  const std::uint32_t now = epoch.load(Order::acquire);
  Countdown& countdown = heap.countdown;
  if (STRATA_LIKELY(countdown.epoch == now)) return;
  countdown.epoch = now;
  countdown.random = mix(seed.fetch_add(step, Order::relaxed));
  countdown.large_left = 0;
  for (std::int32_t& left : countdown.left) left = Countdown::not_drawn;
}

std::int32_t draw_blocks(Countdown& countdown, unsigned c) noexcept {
  const std::uint64_t bytes = exponential(next_random(countdown), mean.load(Order::relaxed));
  return std::int32_t(bytes / size_of_class(c)) + 1;
}

template <class P>
std::uint64_t number_of_process() noexcept {
  if constexpr (requires { P::process_number(); }) return P::process_number();
  return 0;
}

// Two runs, parent and child: none shall sample what another does.
void stir_seed() noexcept {
  // Where the stack stands differs from run to run. The clock would bring in more of libc's pages.
  std::uint64_t x = Address(&x);
  x += number_of_process<Machine>() << 32;
  seed.fetch_add(mix(x), Order::relaxed);
}

// Threads that run learn of it with their next free of a block they served last, or their next
// miss. The supply's lock keeps the slots where they are; whoever lets a slab go meanwhile is not
// called.
STRATA_OVERTAKEN void call_threads() noexcept {
  LockGuard guard(slot_supply.lock());
  for (ThreadHeap* heap = state.heaps.first(); heap != nullptr; heap = heap->next) {
    for (unsigned c = 1; c < class_count; ++c) {
      Slot* const slot = __atomic_load_n(&heap->active[c], __ATOMIC_RELAXED);
      if (slot == nullptr) continue;
      for (unsigned i = 0; i < slot->slots(); ++i) slot[i].call_owner(heap->thread);
    }
  }
}

// One client's share of the samples, so that each has its own mean.
bool falls_to(unsigned client, size_t client_mean, ThreadHeap* heap, size_t all) noexcept {
  if (client_mean <= all) return true;
  std::uint64_t random = 0;
  if (heap != nullptr) {
    random = next_random(heap->countdown);
  } else {
    random = mix(seed.fetch_add(step, Order::relaxed) + client);
  }
  return (random >> 32) * client_mean >> 32 < all;
}

}  // namespace

void set_client(Which which, const Client* client) noexcept {
  clients[unsigned(which)].store(client, Order::release);
}

void set_mean(Which which, size_t wanted) noexcept {
  if (wanted > largest_mean) wanted = largest_mean;
  if (mode != nullptr) return;
  LockGuard guard(state.registry_lock);
  if (means[unsigned(which)].load(Order::relaxed) == wanted) return;
  if (seed.load(Order::relaxed) == 0) stir_seed();
  means[unsigned(which)].store(wanted, Order::relaxed);
  // As often as the client that wants most samples; each takes its part of them.
  size_t least = 0;
  for (const Atomic<size_t>& one : means) {
    const size_t bytes = one.load(Order::relaxed);
    if (bytes != 0 && (least == 0 || bytes < least)) least = bytes;
  }
  const bool on = least != 0;
  if (on) mean.store(least, Order::relaxed);
  // Release: with the acquire in refresh(), which then sees the mean.
  const std::uint32_t last = epoch.load(Order::relaxed);
  epoch.store(((last + 2) & ~1U) | unsigned(on), Order::release);
  if (on != ((last & 1U) != 0)) call_threads();
}

size_t mean_of(Which which) noexcept { return means[unsigned(which)].load(Order::relaxed); }

std::int32_t share(ThreadHeap& heap, unsigned c, bool& sampled) noexcept {
  refresh(heap);
  Countdown& countdown = heap.countdown;
  std::int32_t& left = countdown.left[c];
  if (STRATA_UNLIKELY(left < 0)) left = draw_blocks(countdown, c);
  if (STRATA_UNLIKELY(left == 1)) {
    sampled = true;
    left += draw_blocks(countdown, c);
  }
  return left - 1;
}

bool passed(ThreadHeap* heap, size_t counted) noexcept {
  if constexpr (!Machine::has_modes) return false;
  if (heap == nullptr) {  // draws anew each time: the process has no memory
    const std::uint64_t random = mix(seed.fetch_add(step, Order::relaxed));
    return exponential(random, mean.load(Order::relaxed)) < counted;
  }
  refresh(*heap);
  Countdown& countdown = heap->countdown;
  if (countdown.large_left == 0) {
    countdown.large_left = 1 + exponential(next_random(countdown), mean.load(Order::relaxed));
  }
  if (countdown.large_left > counted) {
    countdown.large_left -= counted;
    return false;
  }
  countdown.large_left = 0;
  return true;
}

void* show(ThreadHeap* heap, Allocation allocation) noexcept {
  if (heap != nullptr) {
    if (heap->countdown.busy) return allocation.block;
    heap->countdown.busy = true;
  }
  allocation.mean = mean.load(Order::relaxed);
  for (unsigned i = 0; i < client_count; ++i) {
    const Client* const client = clients[i].load(Order::acquire);
    allocation.client_mean = means[i].load(Order::relaxed);
    if (client == nullptr || client->allocated == nullptr || allocation.client_mean == 0) continue;
    if (!falls_to(i, allocation.client_mean, heap, allocation.mean)) continue;
    client->allocated(allocation);
  }
  if (heap != nullptr) heap->countdown.busy = false;
  return allocation.block;
}

void set_misses(Which which, std::uint32_t misses) noexcept {
  if (mode != nullptr) return;
  if (seed.load(Order::relaxed) == 0) stir_seed();
  coarse_client.store(which, Order::relaxed);
  coarse_misses.store(misses, Order::release);
}

void* coarse_point(ThreadHeap& heap, void* block, size_t size, bool zeroed) noexcept {
  const std::uint32_t misses = coarse_misses.load(Order::acquire);
  Countdown& countdown = heap.countdown;
  const bool is_first = countdown.coarse_random == 0;
  if (is_first) countdown.coarse_random = mix(seed.fetch_add(step, Order::relaxed)) | 1;
  constexpr std::uint32_t while_off = 1U << 20;
  // Between 1 and twice as many, so that no rhythm of the program's meets ours.
  const std::uint64_t random = mix(countdown.coarse_random += 2 * step);
  heap.misses_left = misses == 0 ? while_off : std::uint32_t((random >> 32) * misses >> 31);
  // A thread's first miss only begins to count, so that one which ends soon is not always shown.
  if (misses == 0 || (is_first && misses != 1) || block == nullptr || countdown.busy) return block;
  if (misses == 1) heap.misses_left = 0;
  const unsigned which = unsigned(coarse_client.load(Order::relaxed));
  const Client* const client = clients[which].load(Order::acquire);
  if (client == nullptr || client->allocated == nullptr) return block;
  Allocation allocation;
  allocation.block = block;
  allocation.size = size;
  allocation.alignment = granule_size;
  allocation.zeroed = zeroed;
  countdown.busy = true;
  client->allocated(allocation);
  countdown.busy = false;
  return allocation.block;
}

bool freed(void* pointer) noexcept {
  if constexpr (!Machine::has_modes) return false;
  // The last to see the allocation is the first to see its end.
  for (unsigned i = client_count; i-- > 0;) {
    const Client* const client = clients[i].load(Order::acquire);
    if (client != nullptr && client->freed != nullptr && client->freed(pointer)) return true;
  }
  return false;
}

size_t usable(const void* pointer) noexcept {
  if constexpr (!Machine::has_modes) return 0;
  for (const Atomic<const Client*>& one : clients) {
    const Client* const client = one.load(Order::acquire);
    if (client == nullptr || client->usable == nullptr) continue;
    if (const size_t bytes = client->usable(pointer); bytes != 0) return bytes;
  }
  return 0;
}

void resized(void* pointer, size_t old_bytes, size_t bytes) noexcept {
  for (const Atomic<const Client*>& one : clients) {
    const Client* const client = one.load(Order::acquire);
    if (client == nullptr || client->resized == nullptr) continue;
    client->resized(pointer, old_bytes, bytes);
  }
}

void after_fork() noexcept {
  if (!is_on()) return;
  stir_seed();
  epoch.fetch_add(2, Order::release);
}

void set_seed(std::uint64_t new_seed) noexcept {
  seed.store(new_seed, Order::relaxed);
  epoch.fetch_add(2, Order::release);
}

std::uint64_t exponential(std::uint64_t random, size_t mean_bytes) noexcept {
  // mean * -ln(u / 2^64) = mean * ln 2 * (64 - log2 u), with 28 bits behind the point. Each
  // squaring of the mantissa yields one bit of the logarithm.
  constexpr unsigned bits = 28;
  constexpr std::uint64_t ln2 = 2977044472;  // 2^32 ln 2
  const std::uint64_t u = random | 1;        // 0 has no logarithm
  const unsigned whole = log2_floor(u);
  std::uint64_t mantissa = u << (63 - whole) >> 32;  // [1, 2), 31 bits behind the point
  std::uint64_t logarithm = std::uint64_t{whole} << bits;
  for (unsigned bit = bits; bit-- > 0;) {
    const std::uint64_t square = mantissa * mantissa;
    const unsigned carry = unsigned(square >> 63);
    logarithm |= std::uint64_t{carry} << bit;
    mantissa = square >> (31 + carry);
  }
  const std::uint64_t exponent = (std::uint64_t{64} << bits) - logarithm;
  return (exponent * ln2 >> 32) * mean_bytes >> bits;
}

}  // namespace strata::heap::sample
