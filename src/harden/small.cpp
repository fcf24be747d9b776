// Small blocks of hardened mode. See small.hpp.
#include "harden/small.hpp"

#include "base/bits.hpp"
#include "harden/large.hpp"
#include "harden/misuse.hpp"
#include "harden/protections.hpp"
#include "heap/state.hpp"

namespace strata::harden {

constinit Canary canary;

namespace {

// The record of the block that begins at the pointer, or nullptr when none does.
STRATA_INLINE Record* record_at(const Slot* slot, const void* pointer) noexcept {
  // With m = ceil(2^32 / size), the product's upper half is the block's number and its lower half
  // tells whether a block begins there: see is_block_start.
  const std::uint64_t product = std::uint64_t{std::uint16_t(Address(pointer))} * slot->inverse;
  const auto index = unsigned(product >> 32);
  if (STRATA_UNLIKELY(std::uint32_t(product) >= slot_size || index >= slot->checked_capacity)) {
    return nullptr;
  }
  return slab_of(slot)->records() + index;
}

STRATA_INLINE bool is_fit(const Entry& entry, size_t block_size) noexcept {
  return !entry.record->is_live() &&
         (!has(Protection::reuse_check) || is_zero(entry.block, block_size));
}

STRATA_INLINE void* hand_out(const Entry& entry, size_t block_size, size_t size,
                             Form form) noexcept {
  const size_t slack = block_size - size;
  *entry.record = Record::live(form, slack);
  if constexpr (!has(Protection::canaries)) return entry.block;
  if constexpr (has(Protection::clearing)) {
    canary.put_in_zero(entry.block, block_size, slack);
  } else {
    canary.put(entry.block, block_size, slack);
  }
  return entry.block;
}

// What is wrong with a block that was to be handed out. It is left alone for ever.
STRATA_COLD void report_unfit(Entry entry, size_t block_size) noexcept {
  const Record record = *entry.record;
  if (record.is_live()) {
    report_no_block(slot_supply.find(Address(entry.block)), entry.block, true);
  } else {
    report_write_after_free(entry.block, block_size, thread_of(record.freed_by()), "malloc");
  }
}

void* allocate_from(ThreadState& state, unsigned c, size_t size, Form form) noexcept {
  ClassCache& cache = state.classes[c];
  const size_t block_size = size_of_class(c);
  for (;;) {
    if (cache.ready == 0 && !refill(state, c)) return nullptr;
    const Entry entry = cache.first();
    ++cache.head;
    --cache.ready;
    if (STRATA_LIKELY(is_fit(entry, block_size))) return hand_out(entry, block_size, size, form);
    report_unfit(entry, block_size);
  }
}

STRATA_NOINLINE void* allocate_slow(unsigned c, size_t size, Form form) noexcept {
  ThreadState* state = seen_thread_state();
  if (state == nullptr) state = open_thread_state();
  if (state != nullptr) return allocate_from(*state, c, size, form);
  const LateState late;
  return late.get() != nullptr ? allocate_from(*late.get(), c, size, form) : nullptr;
}

STRATA_COLD void* allocate_instead(Entry entry, unsigned c, size_t size, Form form) noexcept {
  report_unfit(entry, size_of_class(c));
  return allocate_slow(c, size, form);
}

// The block is cleared, and `random` has a byte left.
STRATA_INLINE void quarantine(ThreadState& state, const Slab* slab, void* block,
                              Record* record) noexcept {
  auto& cache =
      *reinterpret_cast<ClassCache*>(reinterpret_cast<char*>(state.classes) + slab->cache_offset);
  Entry leaving = {block, record};
  if constexpr (has(Protection::quarantine) && has(Protection::random_place)) {
    const unsigned at = state.random.drawn_byte() & (slab->quarantine - 1U);
    leaving = {cache.random_blocks[at], cache.random_records[at]};
    cache.random_blocks[at] = block;
    cache.random_records[at] = record;
    if (STRATA_UNLIKELY(leaving.block == nullptr)) return;
  }
  cache.put_last(leaving);
  if constexpr (has(Protection::quarantine)) {
    if (STRATA_UNLIKELY(cache.waiting != slab->quarantine)) {
      ++cache.waiting;
      return;
    }
  }
  if (STRATA_UNLIKELY(++cache.ready == slab->most_ready)) flush_half(state, slab->size_class);
}

// A cleared block whose thread has no state, or no random byte left.
STRATA_NOINLINE void quarantine_slow(Slab* slab, void* block, Record* record) noexcept {
  ThreadState* state = seen_thread_state();
  if (state == nullptr) state = open_thread_state();
  if (state != nullptr) {
    *record = Record::freed_by(state->number);
    if (state->random.is_used_up()) state->random.refill();
    return quarantine(*state, slab, block, record);
  }
  *record = Record::freed_by(0);
  const LateState late;
  if (late.get() == nullptr) {
    const Entry entry = {block, record};
    return pools[slab->size_class].give(&entry, 1);
  }
  if (late->random.is_used_up()) late->random.refill();
  quarantine(*late.get(), slab, block, record);
}

// The block is cleared before its record says that it is free: from then on another thread may take
// it that finds it twice.
STRATA_INLINE void retire(Slab* slab, void* block, Record* record) noexcept {
  ThreadState* const state = seen_thread_state();
  if (STRATA_UNLIKELY(state == nullptr || state->random.is_used_up())) {
    return quarantine_slow(slab, block, record);
  }
  *record = Record::freed_by(state->number);
  quarantine(*state, slab, block, record);
}

// What stands behind the bytes that were asked for is as it was put there.
STRATA_INLINE bool end_is_whole(void* block, size_t block_size, size_t slack) noexcept {
  if constexpr (!has(Protection::canaries)) return true;
  if constexpr (!has(Protection::clearing)) return canary.is_whole(block, block_size, slack);
  return canary.tail_is_whole(block, block_size, slack);
}

STRATA_NOINLINE void retire_long(Slab* slab, void* block, Record* record) noexcept {
  const size_t slack = record->slack();
  if (STRATA_UNLIKELY(!end_is_whole(block, slab->size, slack))) {
    report_overflow(block, slab->size - slack, "free");
  }
  if constexpr (has(Protection::clearing)) __builtin_memset(block, 0, slab->size);
  retire(slab, block, record);
}

// Something is not as it should be. Where the program goes on after the report, a block that is
// live is freed all the same.
STRATA_COLD void free_wrong(Slot* slot, void* pointer, Form form, size_t said) noexcept {
  Record* const record = record_at(slot, pointer);
  if (record == nullptr || !record->is_live()) return report_no_block(slot, pointer, true);
  Slab* const slab = slab_of(slot);
  [[maybe_unused]] const size_t size = slab->size - record->slack();
  if constexpr (has(Protection::origin)) {
    if (record->form() != form) report_family(pointer, size, record->form(), form);
    if (said != heap::unknown_size && said != size) report_size(pointer, size, said);
  }
  retire_long(slab, pointer, record);
}

// `slot` is of the kind `checked_slab`.
STRATA_INLINE void free_at(Slot* slot, void* pointer, Form form, size_t said) noexcept {
  Record* const record = record_at(slot, pointer);
  if (STRATA_UNLIKELY(record == nullptr)) return free_wrong(slot, pointer, form, said);
  Slab* const slab = slab_of(slot);
  const Record found = *record;
  [[maybe_unused]] const size_t size = slab->size - found.slack();
  const bool good = has(Protection::origin)
                        ? found.is_live_of(form) && (said == heap::unknown_size || said == size)
                        : found.is_live();
  if (STRATA_UNLIKELY(!good)) return free_wrong(slot, pointer, form, said);
  if (STRATA_UNLIKELY(
          slab->size > longest_inline ||
          (has(Protection::canaries) && !canary.is_whole(pointer, slab->size, found.slack())))) {
    return retire_long(slab, pointer, record);
  }
  if constexpr (has(Protection::clearing)) clear(pointer, slab->size);
  retire(slab, pointer, record);
}

}  // namespace

STRATA_INLINE void* allocate_at(unsigned c, size_t size, Form form) noexcept {
  ThreadState* const state = seen_thread_state();
  if (STRATA_UNLIKELY(state == nullptr)) return allocate_slow(c, size, form);
  ClassCache& cache = state->classes[c];
  const size_t block_size = size_of_class(c);
  if (STRATA_UNLIKELY(cache.ready == 0 || block_size > longest_inline)) {
    return allocate_slow(c, size, form);
  }
  const Entry entry = cache.first();
  ++cache.head;
  --cache.ready;
  if (STRATA_UNLIKELY(!is_fit(entry, block_size))) {
    return allocate_instead(entry, c, size, form);
  }
  return hand_out(entry, block_size, size, form);
}

void* allocate_small(unsigned c, size_t size, Form form) noexcept {
  return allocate_at(c, size, form);
}

void* allocate(size_t size, Form form) noexcept {
  if (STRATA_UNLIKELY(size - 1 >= largest_guarded)) {
    return size == 0 ? heap::allocate_zero_sized() : allocate_large(size, 1, form);
  }
  return allocate_at(class_of(size + 1), size, form);
}

void free(void* pointer, Form form, size_t size) noexcept {
  const Address offset = Address(pointer) - seen_primary_base();
  if (STRATA_UNLIKELY(offset >= seen_primary_bytes())) return free_other(pointer, form, size);
  Slot* const slot = reinterpret_cast<Slot*>(seen_primary_base()) + (offset >> slot_shift);
  if (STRATA_UNLIKELY(slot->kind() != SlotKind::checked_slab)) {
    return free_other(pointer, form, size);
  }
  free_at(slot, pointer, form, size);
}

void free_in_annex(Slot* slot, void* pointer, Form form, size_t size) noexcept {
  free_at(slot, pointer, form, size);
}

bool check_small(Slot* slot, void* pointer) noexcept {
  const Record* const record = record_at(slot, pointer);
  if (STRATA_LIKELY(record != nullptr && record->is_live())) return true;
  report_no_block(slot, pointer, false);
  return false;
}

size_t size_of_small(Slot* slot, void* pointer) noexcept {
  return slab_of(slot)->size - record_at(slot, pointer)->slack();
}

// A block stays where it is while it fills half of its bytes.
void* reallocate_small(Slot* slot, void* pointer, size_t size) noexcept {
  Record* const record = record_at(slot, pointer);
  const Record found = *record;
  const size_t block_size = slab_of(slot)->size;
  const size_t old_size = block_size - found.slack();
  if (has(Protection::origin) && STRATA_UNLIKELY(found.form() != Form::malloc)) {
    report_family(pointer, old_size, found.form(), Form::malloc);
  }
  if (STRATA_UNLIKELY(!end_is_whole(pointer, block_size, found.slack()))) {
    report_overflow(pointer, old_size, "realloc");
    // Said once: free finds it whole.
    __builtin_memset(static_cast<char*>(pointer) + old_size, 0, found.slack());
    canary.put(pointer, block_size, found.slack());
  }
  const size_t least = block_size / 2 > largest_slack ? block_size - largest_slack : block_size / 2;
  if (size < block_size && size >= least) {
    // What was canary and is the program's now, or the other way round, reads zero.
    const size_t from = size < old_size ? size : old_size;
    __builtin_memset(static_cast<char*>(pointer) + from, 0, block_size - from);
    canary.put(pointer, block_size, block_size - size);
    *record = Record::live(Form::malloc, block_size - size);
    return pointer;
  }
  void* const moved = heap::mode->allocate(size, Form::malloc);
  if (moved == nullptr) return nullptr;
  __builtin_memcpy(moved, pointer, size < old_size ? size : old_size);
  heap::mode->free(pointer, found.form(), heap::unknown_size);
  return moved;
}

}  // namespace strata::harden
