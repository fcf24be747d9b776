// The process's supply of slots. See slot_supply.hpp.
#include "ranges/slot_supply.hpp"

#include "base/bits.hpp"
#include "base/lock_guard.hpp"

namespace strata {

constinit PrimaryView primary_view;
constinit SlotSupply slot_supply;

namespace {

constexpr size_t smallest_range = 2 * MiB;
constexpr size_t annex_size = 64 * MiB;
// Where addresses are limited, a range takes this share of them: enough is left for the program's
// own mappings, and an annex follows when it is full.
constexpr size_t share_of_limit = 16;
constexpr size_t plenty_of_addresses = 64 * GiB;

// Free memory may stay resident up to a share of what is in use. Large blocks: as much again,
// because one freed is the size of many pages that the next would fault in anew. Slabs: a
// sixteenth.
constexpr size_t large_share = 1;
constexpr size_t slab_share = 16;

// More than this is worth the worker's time, in programs that have threads.
constexpr size_t worth_a_worker = 1 * MiB;
// Where the worker runs, threads themselves purge only what exceeds this, and what was in use
// lately and is not now: memory that comes and goes is not given back each time, and the resident
// size does not grow beyond its peak for that. The peak loses a quarter in each round of the
// worker.
constexpr size_t far_beyond = 64 * MiB;
constexpr size_t peak_decay = 4;
// What was purged and not taken again for so long was not purged in vain.
constexpr std::uint32_t missed_ms = 1000;
// The worker purges what exceeds the limit after this share of the delay.
constexpr unsigned excess_delay_share = 5;

// Commit at least 1 MiB and at most 32 MiB at once; a quarter of what there is between those.
constexpr size_t smallest_step = 1 * MiB / slot_size;
constexpr size_t largest_step = 32 * MiB / slot_size;

}  // namespace

size_t SlotSupply::commit_step(const SlotRange& range) const noexcept {
  if (!range_settings.commit_ahead) return 1;
  const size_t quarter = size_t(range.end_slot() - range.first_slot()) / 4;
  return quarter < smallest_step ? smallest_step : quarter > largest_step ? largest_step : quarter;
}

bool SlotSupply::open_primary() noexcept {
  if (limit_ == 0) limit_ = Machine::address_space_limit();
  size_t bytes = range_settings.reserve;
  if (limit_ / share_of_limit < bytes) bytes = limit_ / share_of_limit;
  for (;; bytes /= 4) {
    bytes = bytes < smallest_range ? smallest_range : align_down(bytes, smallest_range);
    if (primary_.open(bytes)) break;
    if (bytes == smallest_range) return false;
  }
  primary_view.base = primary_.base();
  primary_view.bias = 0 - primary_.base();
  return true;
}

void SlotSupply::show_primary() noexcept {
  const size_t bytes = primary_.is_open() ? primary_.committed_bytes() : 0;
  if (bytes != primary_view.bytes) {
    __atomic_store_n(&primary_view.bytes, bytes, __ATOMIC_RELAXED);
  }
}

Slot* SlotSupply::take_from(SlotRange& range, size_t slots, size_t alignment_slots,
                            bool& refused) noexcept {
  Slot* const run = range.take(slots, alignment_slots, commit_step(range));
  refused |= run == nullptr && range.uncommitted_slots() >= slots + alignment_slots - 1;
  return run;
}

Slot* SlotSupply::take_from_annexes(size_t slots, size_t alignment_slots, bool refused) noexcept {
  if constexpr (max_annexes == 0) return nullptr;
  const unsigned count = annex_count();
  unsigned place = count;
  for (unsigned i = 0; i < count; ++i) {
    if (!annexes_.ranges[i].is_open()) {
      place = i;  // given back when it was empty
    } else if (Slot* run = take_from(annexes_.ranges[i], slots, alignment_slots, refused)) {
      return run;
    }
  }
  // Where memory is refused, further addresses are of no use.
  if (refused || place == max_annexes) return nullptr;
  const size_t needed =
      align_up((slots + alignment_slots) * (slot_size + sizeof(Slot)) + slot_size, smallest_range);
  size_t bytes = annex_size;
  if (limit_ / share_of_limit < bytes) bytes = align_up(limit_ / share_of_limit, smallest_range);
  if (bytes < needed) bytes = needed;
  SlotRange& annex = annexes_.ranges[place];
  while (!annex.open(bytes)) {
    if (bytes == needed) return nullptr;
    bytes = bytes / 2 < needed ? needed : align_up(bytes / 2, smallest_range);
  }
  if (place == count) annex_count_.store(count + 1, Order::release);
  return take_from(annex, slots, alignment_slots, refused);
}

Slot* SlotSupply::take(size_t slots, size_t alignment_slots) noexcept {
  Slot* run = nullptr;
  {
    LockGuard guard(lock_);
    collect();
    // Annexes only beside a primary range: the marks of free blocks are made of its address.
    if (STRATA_UNLIKELY(!primary_.is_open()) && !open_primary()) return nullptr;
    bool refused = false;
    run = take_from(primary_, slots, alignment_slots, refused);
    show_primary();
    if (STRATA_UNLIKELY(run == nullptr)) run = take_from_annexes(slots, alignment_slots, refused);
    if (run != nullptr && missing()) note_missed(run, slots);
  }
  if (run != nullptr && STRATA_UNLIKELY(range_settings.provision == Provision::eager)) {
    Machine::populate(address_of(run), slots * slot_size);
    for (size_t i = 0; i < slots; ++i) run[i].written = all_units;
  }
  return run;
}

bool SlotSupply::extend(Slot* run, size_t slots, size_t new_slots) noexcept {
  LockGuard guard(lock_);
  collect();
  SlotRange& range = range_of(run);
  const bool extended = range.extend(run, slots, new_slots);
  if (extended && missing()) note_missed(run + slots, new_slots - slots);
  show_primary();
  return extended;
}

void SlotSupply::give(Slot* run, size_t slots) noexcept {
  const auto now = std::uint32_t(Machine::now());
  LockGuard guard(lock_);
  collect();
  if (const size_t used = used_bytes(); used > peak_used_) peak_used_ = used;
  range_of(run).give(run, slots, now);
  if (Machine::has_worker && now - excess_at_ > missed_ms) unmissed_ = missed_ = 0;
  purge_excess(now);
}

void SlotSupply::leave(Slot* run, size_t slots) noexcept {
  if constexpr (!Machine::has_worker) return give(run, slots);
  const bool runs = worker_.load(Order::relaxed) == Worker::running;
  if (!runs || !primary_.holds_slot(run)) return give(run, slots);
  switch (left_.leave(primary_.first_slot(), run, std::uint32_t(slots), worker_awake_)) {
    case Left::no:
      return give(run, slots);
    case Left::yes:
      return;
    case Left::collect:
      const auto now = std::uint32_t(Machine::now());
      LockGuard guard(lock_);
      collect();
      purge_excess(now);
  }
}

void SlotSupply::collect_left() noexcept {
  const auto now = std::uint32_t(Machine::now());
  if (const size_t used = used_bytes(); used > peak_used_) peak_used_ = used;
  for (Slot* run = left_.take(primary_.first_slot()); run != nullptr;) {
    Slot* const next = run->next;
    primary_.give(run, run->length, now);
    run = next;
  }
}

void SlotSupply::note_missed(const Slot* run, size_t slots) noexcept {
  size_t clean = slots * slot_size;
  for (size_t i = 0; i < slots; ++i) clean -= count_units(run[i].written) * carve_unit;
  if (clean > unmissed_) clean = unmissed_;
  unmissed_ -= clean;
  missed_ += clean;
  const bool plenty = primary_.reserved_slots() >= plenty_of_addresses / slot_size;
  if (missed_ > range_settings.dirty_limit && plenty) allow_worker();
}

size_t SlotSupply::dirty_bytes() noexcept {
  size_t bytes = 0;
  for_each_range([&](SlotRange& range) { bytes += range.dirty_bytes(); });
  return bytes;
}

size_t SlotSupply::used_bytes() noexcept {
  size_t bytes = 0;
  for_each_range([&](SlotRange& range) { bytes += range.used_slots() * slot_size; });
  return bytes;
}

size_t SlotSupply::dirty_limit() noexcept {
  const size_t used = used_bytes();
  const size_t large = large_slots_.load(Order::relaxed) * slot_size;
  const size_t slabs = used > large ? used - large : 0;
  const size_t share = large / large_share + slabs / slab_share;
  return share > range_settings.dirty_limit ? share : range_settings.dirty_limit;
}

bool SlotSupply::purge_oldest(size_t bytes, std::uint32_t now, std::uint32_t age) noexcept {
  SlotRange* from = nullptr;
  Slot* oldest = nullptr;
  for_each_range([&](SlotRange& range) {
    Slot* run = range.oldest_dirty();
    if (run != nullptr && (oldest == nullptr || std::int32_t(run->time - oldest->time) < 0)) {
      oldest = run;
      from = &range;
    }
  });
  if (oldest == nullptr) return false;
  // A run may be younger than `now`: another thread read the clock later and had the lock earlier.
  if (age != 0 && std::int32_t(now - oldest->time) < std::int32_t(age)) return false;
  const SlotRange::Run run = from->take_dirty(oldest, divide_up(bytes, carve_unit));
  lock_.unlock();
  const bool gone = Machine::purge(from->address_of(run.first), run.slots * slot_size);
  lock_.lock();
  if (!gone) {  // refused: it stays dirty, as the newest
    from->give(run.first, run.slots, now);
    return false;
  }
  purged_ += run.slots * slot_size;
  ++purges_;
  from->give_purged(run);
  return true;
}

void SlotSupply::purge_excess(std::uint32_t now) noexcept {
  const size_t dirty = dirty_bytes();
  const bool worker = dirty > worth_a_worker && worker_takes_over();
  if (STRATA_UNLIKELY(dirty > range_settings.dirty_limit)) {
    size_t limit = dirty_limit();
    if (dirty > limit && worker) {
      const size_t idle = peak_used_ - used_bytes();
      limit = idle < far_beyond ? far_beyond : idle;
    }
    if (dirty > limit) {
      // An eighth below the limit, so that the next frees need no system call.
      const size_t keep = limit / 8 * 7;
      [[maybe_unused]] const size_t before = purged_;
      while (dirty_bytes() > keep && purge_oldest(dirty_bytes() - keep, now, 0)) {
      }
      if constexpr (Machine::has_worker) {
        unmissed_ += purged_ - before;
        excess_at_ = now;
      }
    }
  }
  if (worker_.load(Order::relaxed) == Worker::running) return;
  while (purge_oldest(~size_t{0} / 2, now, range_settings.purge_delay)) {
  }
}

// With the lock held. True: the worker will see to what exceeds the limit.
bool SlotSupply::worker_takes_over() noexcept {
  if constexpr (!Machine::has_worker) return false;
  if (!range_settings.worker || range_settings.purge_delay == 0) return false;
  const Worker state = worker_.load(Order::relaxed);
  if (state == Worker::unwanted || state == Worker::refused) return false;
  if (state == Worker::wanted) {
    worker_awake_.store(1, Order::relaxed);
    const bool started = Machine::start_worker(run_worker);
    worker_.store(started ? Worker::running : Worker::refused, Order::relaxed);
    return started;
  }
  if (worker_awake_.load(Order::relaxed) == 0) {
    worker_awake_.store(1, Order::release);
    Machine::wake(worker_awake_);
  }
  return true;
}

// One round of the worker. Returns the milliseconds until the next, 0: nothing is dirty.
std::uint32_t SlotSupply::work(std::uint32_t now) noexcept {
  LockGuard guard(lock_);
  collect();
  const size_t used = used_bytes();
  peak_used_ -= peak_used_ / peak_decay;
  if (peak_used_ < used) peak_used_ = used;
  const std::uint32_t excess_delay = range_settings.purge_delay / excess_delay_share;
  while (purge_oldest(~size_t{0} / 2, now, range_settings.purge_delay)) {
  }
  for (;;) {
    const size_t dirty = dirty_bytes();
    const size_t limit = dirty_limit();
    if (dirty <= limit || !purge_oldest(dirty - limit, now, excess_delay)) break;
  }
  if (dirty_bytes() == 0) {
    // Under the lock, as is the test of who wakes us.
    if (left_.may_sleep(worker_awake_)) return 0;
  }
  return excess_delay + 1;
}

void SlotSupply::run_worker() noexcept {
  for (;;) {
    const std::uint32_t pause = slot_supply.work(std::uint32_t(Machine::now()));
    if (pause == 0) {
      Machine::wait(slot_supply.worker_awake_, 0, ~std::uint32_t{0} / 2);
    } else {
      Machine::wait(slot_supply.worker_awake_, 1, pause);
    }
  }
}

size_t SlotSupply::purge(size_t keep) noexcept {
  const auto now = std::uint32_t(Machine::now());
  LockGuard guard(lock_);
  collect();
  const size_t before = purged_;
  while (dirty_bytes() > keep && purge_oldest(dirty_bytes() - keep, now, 0)) {
  }
  return purged_ - before;
}

bool SlotSupply::addresses_are_scarce() noexcept {
  if constexpr (!Machine::maps_large_blocks) return false;  // nowhere to give them back to
  if (STRATA_UNLIKELY(!primary_.is_open())) {
    LockGuard guard(lock_);
    if (!primary_.is_open()) open_primary();
  }
  return primary_.reserved_slots() < plenty_of_addresses / slot_size;
}

bool SlotSupply::give_back_unused() noexcept {
  LockGuard guard(lock_);
  collect();
  bool any = false;
  for_each_range([&](SlotRange& range) {
    if (!range.is_open()) return;
    if (&range != &primary_ && range.used_slots() == 0) {
      range.close();
      any = true;
    } else {
      any |= range.shrink() != 0;
    }
  });
  show_primary();
  return any;
}

SlotRange& SlotSupply::range_of(const Slot* slot) noexcept {
  if (STRATA_LIKELY(primary_.holds_slot(slot))) return primary_;
  for (unsigned i = 0; i < annex_count(); ++i) {
    if (annexes_.ranges[i].holds_slot(slot)) return annexes_.ranges[i];
  }
  return primary_;
}

Address SlotSupply::address_in_annex(const Slot* slot) noexcept {
  return range_of(slot).address_of(slot);
}

Slot* SlotSupply::find(Address address) noexcept {
  Slot* found = nullptr;
  for_each_range([&](SlotRange& range) {
    if (range.holds(address)) found = range.slot_of(address);
  });
  return found;
}

SlotSupply::Usage SlotSupply::usage() noexcept {
  LockGuard guard(lock_);
  collect();
  Usage usage;
  for_each_range([&](SlotRange& range) {
    usage.reserved += range.reserved_slots() * slot_size;
    const size_t array = range.address_of(range.first_slot()) - range.base();
    usage.committed += range.committed_bytes() - array;
    usage.metadata += (range.committed_bytes() / slot_size) * sizeof(Slot);
    usage.used += range.used_slots() * slot_size;
    usage.dirty += range.dirty_bytes();
  });
  usage.purged = purged_;
  usage.purges = purges_;
  usage.dirty_limit = dirty_limit();
  usage.worker_runs = worker_.load(Order::relaxed) == Worker::running;
  return usage;
}

bool SlotSupply::check() noexcept {
  LockGuard guard(lock_);
  collect();
  bool good = true;
  for_each_range([&](SlotRange& range) { good &= range.check(); });
  return good;
}

}  // namespace strata
