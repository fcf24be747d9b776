// Slabs and the pools of the classes. See slab.hpp.
#include "harden/slab.hpp"

#include "base/bits.hpp"
#include "harden/guards.hpp"
#include "harden/memory.hpp"
#include "harden/protections.hpp"
#include "harden/thread.hpp"
#include "heap/state.hpp"

namespace strata::harden {

constinit Shape shapes[class_count];
constinit Pool pools[class_count];

namespace {

constexpr unsigned least_window_blocks = 16;
constexpr unsigned most_ready = ClassCache::places;
constexpr size_t ready_bytes = 8 * KiB;
constexpr unsigned most_quarantined = ClassCache::places;
static_assert(most_ready + most_quarantined <= ClassCache::ring_places);
constexpr size_t quarantined_bytes = 8 * KiB;
// Larger pages would leave too little of a slot beside them.
constexpr size_t largest_guard = 16 * KiB;

size_t clamp(size_t n, size_t least, size_t most) noexcept {
  return n < least ? least : n > most ? most : n;
}

void open_window(Slab* slab, unsigned to) noexcept {
  std::uint64_t* const bits = slab->free_bits();
  for (unsigned i = slab->window; i < to; ++i) bits[i / 64] |= std::uint64_t{1} << i % 64;
  slab->free_count = std::uint16_t(slab->free_count + to - slab->window);
  slab->window = std::uint16_t(to);
}

unsigned next_window(const Slab* slab) noexcept {
  const unsigned first = shapes[slab->size_class].first_window;
  const unsigned wanted = slab->window == 0 ? first : slab->window * 2U;
  return wanted < slab->capacity ? wanted : slab->capacity;
}

// Draws free blocks: a place in the slab by chance once, and around it one of 64 at a time by
// chance, so that blocks that are handed out one after the other share cache lines and pages.
class Draw {
 public:
  Draw(std::uint64_t* bits, unsigned words, Random& random) noexcept
      : bits_(bits),
        words_(words),
        random_(random),
        word_(draws && words > 1 ? random.below(words) : 0) {}

  // The number of a block whose bit was set, and is not any more; at least one is.
  unsigned next() noexcept {
    while (bits_[word_] == 0) word_ = word_ + 1 == words_ ? 0 : word_ + 1;
    std::uint64_t& bits = bits_[word_];
    const unsigned turn = draws ? random_.byte() & 63 : 0;
    const std::uint64_t turned = bits >> turn | bits << ((64 - turn) & 63);
    const unsigned bit = (lowest_bit(turned) + turn) & 63;
    bits &= ~(std::uint64_t{1} << bit);
    return word_ * 64 + bit;
  }

 private:
  static constexpr bool draws = has(Protection::random_place);
  std::uint64_t* bits_;
  unsigned words_;
  Random& random_;
  unsigned word_;
};

}  // namespace

void prepare_shapes() noexcept {
  const size_t page = Machine::page_size();
  const size_t usable = page <= largest_guard ? slot_size - page : slot_size;
  for (unsigned c = 1; c < class_count; ++c) {
    const size_t size = size_of_class(c);
    Shape& shape = shapes[c];
    shape.size = std::uint32_t(size);
    shape.inverse = size_class(c).inverse;
    shape.capacity = std::uint16_t(usable / size);
    shape.first_window = std::uint16_t(clamp(page / size, least_window_blocks, shape.capacity));
    if (shape.first_window > shape.capacity) shape.first_window = shape.capacity;
    shape.ready = std::uint16_t(clamp(ready_bytes / size, 2, most_ready));
    shape.cache_offset = std::uint32_t(c * sizeof(ClassCache));
    shape.quarantine =
        std::uint16_t(std::bit_floor(clamp(quarantined_bytes / size, 1, most_quarantined)));
  }
}

Slab* Pool::record_for(const Shape& shape) noexcept {
  if (Slab* const slab = spare_; slab != nullptr) {
    spare_ = slab->older;
    return slab;
  }
  return static_cast<Slab*>(take_memory(Slab::bytes_for(shape.capacity)));
}

Slab* Pool::open(unsigned c) noexcept {
  const Shape& shape = shapes[c];
  Slot* const slot = slot_supply.take(1);
  if (slot == nullptr) return nullptr;
  Slab* const slab = record_for(shape);
  if (slab == nullptr) {
    slot_supply.give(slot, 1);
    return nullptr;
  }
  const Address address = slot_supply.address_of(slot);
  // All of it must read zero; what another use left behind goes back to the system.
  if (slot->written != 0 && !Machine::purge(address, slot_size)) {
    __builtin_memset(reinterpret_cast<void*>(address), 0, slot_size);
  }
  slot->written = 0;
  const size_t page = Machine::page_size();
  __builtin_memset(static_cast<void*>(slab), 0, Slab::bytes_for(shape.capacity));
  slab->guarded = page <= largest_guard && install_guard(address + slot_size - page, page);
  slab->slot = slot;
  slab->address = address;
  slab->size_class = std::uint16_t(c);
  slab->size = shape.size;
  slab->cache_offset = shape.cache_offset;
  slab->quarantine = shape.quarantine;
  slab->most_ready = shape.ready;
  slab->capacity = shape.capacity;
  slab->older = all_;
  all_ = slab;
  slot->shape = 0;
  slot->set_owner(0);
  slot->checked = slab;
  slot->inverse = shape.inverse;
  slot->checked_capacity = shape.capacity;
  slot->twice_class = no_class;
  slot->length = 1;
  slot->set_kind(SlotKind::checked_slab);
  open_window(slab, next_window(slab));
  available_.push_front(slab);
  return slab;
}

// A slab with free blocks, the first of the available ones.
Slab* Pool::available(unsigned c) noexcept {
  if (Slab* const slab = available_.first(); slab != nullptr) return slab;
  Slab* const slab = purged_.pop_front();
  if (slab == nullptr) return open(c);
  available_.push_front(slab);
  return slab;
}

unsigned Pool::take(unsigned c, Entry* entries, unsigned wanted, Random& random) noexcept {
  LockGuard guard(lock_);
  Slab* const slab = available(c);
  if (slab == nullptr) return 0;
  const unsigned count = wanted < slab->free_count ? wanted : slab->free_count;
  const size_t size = shapes[c].size;
  Draw draw(slab->free_bits(), unsigned(divide_up(slab->window, 64)), random);
  for (unsigned i = 0; i < count; ++i) {
    const unsigned index = draw.next();
    entries[i] = {reinterpret_cast<void*>(slab->address + index * size), slab->records() + index};
  }
  slab->free_count = std::uint16_t(slab->free_count - count);
  if (slab->purge == Slab::Purge::done) slab->purge = Slab::Purge::when_empty;
  if (slab->free_count <= slab->window / 2) slab->purge = Slab::Purge::when_sparse;
  if (slab->free_count == 0) {
    if (slab->window < slab->capacity) {
      open_window(slab, next_window(slab));
    } else {
      available_.remove(slab);
    }
  }
  return count;
}

STRATA_INLINE void Pool::give_one(const Entry& entry) noexcept {
  Slab* const slab = slab_of_block(entry.block);
  const auto index = unsigned(entry.record - slab->records());
  slab->free_bits()[index / 64] |= std::uint64_t{1} << index % 64;
  const bool was_full = slab->free_count++ == 0 && slab->window == slab->capacity;
  if (slab->is_empty()) {
    if (!was_full) available_.remove(slab);
    available_.push_front(slab);
  } else if (was_full) {
    available_.push_back(slab);
  }
  if (slab->is_due() && !slab->waits) {
    slab->waits = true;
    push_to_purge(slab);
  }
}

void Pool::give(const Entry* entries, unsigned count) noexcept {
  {
    LockGuard guard(lock_);
    for (unsigned i = 0; i < count; ++i) give_one(entries[i]);
  }
  purge_excess();
}

// Addresses are few: the slot serves another class. Protection that a program under such a limit
// cannot have.
void Pool::give_slot_back(Slab* slab) noexcept {
  warn_once(Shrinks::class_addresses);
  // Where mappings ran out the guard stays, and the slot with it.
  const size_t page = Machine::page_size();
  if (slab->guarded && !remove_guard(slab->address + slot_size - page, page)) return;
  purged_.remove(slab);
  Slab** link = &all_;
  while (*link != slab) link = &(*link)->older;
  *link = slab->older;
  Slot* const slot = slab->slot;
  slot->set_kind(SlotKind::none);
  slot->checked = nullptr;
  slot->written = all_units;
  slot_supply.give(slot, 1);
  slab->older = spare_;
  spare_ = slab;
}

size_t Pool::purge_locked(Slab* slab) noexcept {
  if (slab->slot == nullptr || slab->purge == Slab::Purge::done) return 0;
  const size_t page = Machine::page_size();
  const size_t size = slab->size;
  const std::uint64_t* const bits = slab->free_bits();
  const auto is_free = [&](size_t first, size_t last) {
    for (size_t i = first; i <= last && i < slab->window; ++i) {
      if ((bits[i / 64] >> i % 64 & 1) == 0) return false;
    }
    return true;
  };
  size_t given = 0;
  size_t begin = 0;  // of a run of free pages
  const size_t end = align_up(slab->window * size, page);
  for (size_t at = 0; at <= end; at += page) {
    if (at < end && is_free(at / size, (at + page - 1) / size)) continue;
    if (at > begin && Machine::purge(slab->address + begin, at - begin)) given += at - begin;
    begin = at + page;
  }
  slab->purge = slab->is_empty() ? Slab::Purge::done : Slab::Purge::when_empty;
  if (slab->is_empty()) {
    available_.remove(slab);
    purged_.push_front(slab);
    // As it was at first.
    for (size_t word = 0; word < divide_up(slab->capacity, 64); ++word) slab->free_bits()[word] = 0;
    slab->window = slab->free_count = 0;
    open_window(slab, next_window(slab));
  }
  return given;
}

size_t Pool::purge(Slab* slab) noexcept {
  LockGuard guard(lock_);
  slab->waits = false;
  // Most of it may be in use again by now.
  const size_t given = slab->is_due() ? purge_locked(slab) : 0;
  if (slab->purge == Slab::Purge::done && slot_supply.addresses_are_scarce()) give_slot_back(slab);
  return given;
}

size_t Pool::purge_all() noexcept {
  LockGuard guard(lock_);
  size_t given = 0;
  for (Slab* slab = all_; slab != nullptr; slab = slab->older) given += purge_locked(slab);
  return given;
}

}  // namespace strata::harden
