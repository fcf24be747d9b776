// The walk over the heap. See survey.hpp.
//
// Slots that other threads own change while we look: every read that they may overtake goes
// through Overtaken or a member that says so, and what cannot be is cut off (a live count beyond
// what a slab can hold).
#include "observe/survey.hpp"

#include "heap/state.hpp"
#include "heap/statistics.hpp"
#include "observe/estimates.hpp"
#include "platform/current.hpp"

namespace strata::observe {
namespace {

// What had been counted when this process came out of a fork.
struct Before {
  size_t purged = 0;
  size_t purges = 0;
  size_t thinned = 0;
  size_t refusals = 0;
};
constinit Before before;
constinit Atomic<size_t> refusals;

template <class T>
STRATA_OVERTAKEN T overtaken(const T& place) noexcept {
  return *static_cast<const volatile T*>(&place);
}

// Blocks handed out that are not home again, but for what for_each_unsettled tells.
std::int32_t live_of(const Slot* slot) noexcept {
  const std::uint16_t home = sharing::RemoteList{slot->remote.load(Order::relaxed)}.count();
  return std::int16_t(slot->live() - home);
}

bool is_first(const Slot* slot) noexcept { return overtaken(slot->shape) % 16 == 0; }

RunKind kind_of(const Slot* slot) noexcept {
  switch (slot->kind()) {
    case SlotKind::slab:
      return is_first(slot) ? RunKind::slab : RunKind::slab_part;
    case SlotKind::large:
      return RunKind::large;
    case SlotKind::strip:
      return RunKind::strip;
    case SlotKind::lent:
      return RunKind::lent;
    case SlotKind::checked_slab:
    case SlotKind::checked_large:
    case SlotKind::sampled:
      return RunKind::kept;
    case SlotKind::free_first:
      return RunKind::free_run;
    default:
      return RunKind::in_transit;
  }
}

// Calls visit(first slot, kind, slots) for every run in use or free, in order of address, and for
// every slot of a slab. With the supply's lock held.
template <class Visit>
void for_each_run(SlotRange& range, Visit&& visit) noexcept {
  const Slot* const end = range.end_slot();
  for (const Slot* slot = range.first_slot(); slot < end;) {
    const RunKind kind = kind_of(slot);
    std::uint32_t slots = 1;
    if (kind == RunKind::large || kind == RunKind::free_run) slots = overtaken(slot->length);
    // Their further slots say nothing of themselves.
    if (kind == RunKind::kept || kind == RunKind::lent) {
      while (slot + slots < end && slot[slots].kind() == SlotKind::none) ++slots;
    }
    if (slots == 0 || slots > std::size_t(end - slot)) slots = 1;
    visit(slot, kind, slots);
    slot += slots;
  }
}

Holder holder_of(const Slot* slot) noexcept {
  const auto state = sharing::RemoteList{slot->remote.load(Order::relaxed)}.state();
  return state == sharing::State::full     ? Holder::nobody_full
         : state == sharing::State::pooled ? Holder::nobody_partial
                                           : Holder::thread;
}

Run describe(const SlotRange& range, const Slot* slot, RunKind kind, std::uint32_t slots,
             std::uint32_t now) noexcept {
  Run run = {};
  run.address = range.address_of(slot);
  run.kind = kind;
  run.slots = slots;
  switch (kind) {
    case RunKind::slab:
      // May be below zero, until what is unsettled is added.
      run.live = std::uint16_t(live_of(slot));
      run.holder = holder_of(slot);
      run.owner = run.holder == Holder::thread ? overtaken(slot->owner) & ~Slot::call : 0;
      [[fallthrough]];
    case RunKind::slab_part: {
      const unsigned c = overtaken(slot->twice_class) / 2U;
      run.size_class = std::uint8_t(c < class_count ? c : 0);
      run.uncarved = overtaken(slot->uncarved);
      run.written = overtaken(slot->written);
      break;
    }
    case RunKind::strip:
      heap::strip::for_each_block(
          slot, [&](size_t, size_t bytes, bool live) { run.bytes += live ? bytes : 0; });
      run.written = overtaken(slot->written);
      break;
    case RunKind::large:
    case RunKind::lent:
      run.bytes = overtaken(slot->size);
      break;
    case RunKind::free_run:
      run.dirty = slot->dirty;
      run.idle = slot->dirty != 0 && std::int32_t(now - slot->time) > 0 ? now - slot->time : 0;
      break;
    default:
      break;
  }
  return run;
}

struct RunWriter {
  Sheet* sheet;
  std::uint64_t count = 0;
  std::uint32_t truncated = 0;

  void put(const Run& run) noexcept {
    if (sheet->put(run)) {
      ++count;
    } else {
      truncated = 1;
    }
  }
};

Thread describe(const ThreadHeap& heap) noexcept {
  Thread thread = {};
  thread.key = heap.thread;
  thread.number = heap.number;
  thread.retained = overtaken(heap.retained_count);
  for (const std::uint64_t& large : heap.counts.large) thread.large_blocks += overtaken(large);
  return thread;
}

// Calls visit(heap) for each thread's, with the registry's lock held.
template <class Visit>
void for_each_heap(Visit&& visit) noexcept {
  for (const ThreadHeap* heap = heap::state.heaps.first(); heap != nullptr; heap = heap->next) {
    visit(*heap);
  }
  if (heap::late.heap.cache != nullptr) visit(heap::late.heap);
}

std::uint16_t seen_live(const FreeList& list) noexcept {
  return std::uint16_t(overtaken(list.count) - overtaken(list.bias));
}

// Calls visit(slab, blocks) for what slabs do not know of themselves: see Unsettled.
template <class Visit>
void for_each_unsettled(const ThreadHeap& heap, Visit&& visit) noexcept {
  for (unsigned c = 1; c < class_count; ++c) {
    const auto live = std::uint16_t(seen_live(heap.cache->bin(c)) + seen_live(heap.returned[c]));
    const Slot* const slot = overtaken(heap.active[c]);
    if (live != 0 && slot != nullptr) visit(slot, std::int64_t{live});
  }
  for (const OutboxEntry& entry : heap.outbox) {
    Slot* const slot = overtaken(entry.slot);
    const unsigned c = slot == nullptr ? 0 : overtaken(slot->twice_class) / 2U;
    if (c == 0 || c >= class_count) continue;
    const unsigned waiting = heap::batch_size(c, overtaken(entry.room));
    if (waiting <= outbox_batch_blocks) visit(slot->first(), -std::int64_t{waiting});
  }
}

Settings settings_now(const SlotSupply::Usage& usage) noexcept {
  Settings settings = {};
  settings.reserve = range_settings.reserve;
  settings.dirty_limit = range_settings.dirty_limit;
  settings.dirty_limit_now = usage.dirty_limit;
  settings.purge_delay = range_settings.purge_delay;
  settings.eager_commit = range_settings.provision == Provision::eager ? 1 : 0;
  settings.huge_pages = range_settings.huge_pages_after != RangeSettings::never ? 1 : 0;
  settings.worker = range_settings.worker ? 1 : 0;
  settings.worker_runs = usage.worker_runs ? 1 : 0;
  settings.checking = heap::mode != nullptr ? 1 : 0;
  return settings;
}

std::uint32_t put_areas(Sheet& sheet) noexcept {
  struct Areas {
    Sheet& sheet;
    std::uint32_t count = 0;
    void put(const Area& area) noexcept { count += sheet.put(area) ? 1 : 0; }
  } areas{sheet};
  {
    LockGuard guard(slot_supply.lock());
    slot_supply.for_each_range([&](SlotRange& range) {
      if (!range.is_open()) return;
      areas.put({range.base(), range.reserved_slots() * slot_size, range.committed_bytes(),
                 range.address_of(range.first_slot()), AreaKind::slots, 0});
    });
  }
  {
    LockGuard guard(heap::state.registry_lock);
    heap::state.heap_records.for_each_chunk([&](Address chunk, size_t bytes) {
      areas.put({chunk, bytes, bytes, 0, AreaKind::records, 0});
    });
  }
  heap::for_each_huge_record_chunk(
      [](void* context, Address chunk, size_t bytes) {
        static_cast<Areas*>(context)->put({chunk, bytes, bytes, 0, AreaKind::records, 0});
      },
      &areas);
  heap::for_each_zero_sized_record_chunk(
      [](void* context, Address chunk, size_t bytes) {
        static_cast<Areas*>(context)->put({chunk, bytes, bytes, 0, AreaKind::records, 0});
      },
      &areas);
  constexpr LinuxPlatform::Descriptors kinds[] = {LinuxPlatform::Descriptors::shared,
                                                  LinuxPlatform::Descriptors::own};
  for (const auto kind : kinds) {
    const auto memory = LinuxPlatform::worker_memory(kind);
    if (memory.address != 0) {
      areas.put({memory.address, memory.bytes, memory.bytes, 0, AreaKind::worker, 0});
    }
  }
  return areas.count;
}

}  // namespace

size_t survey_bound() noexcept {
  size_t slots = 0;
  {
    LockGuard guard(slot_supply.lock());
    slot_supply.for_each_range([&](SlotRange& range) {
      if (range.is_open()) slots += size_t(range.end_slot() - range.first_slot());
    });
  }
  size_t threads = 1;
  {
    LockGuard guard(heap::state.registry_lock);
    threads += heap::state.threads.load(Order::relaxed);
  }
  // What comes meanwhile has an eighth more and some slots to spare; beyond that it is left out.
  const size_t runs = slots + heap::huge_usage().blocks;
  const size_t bytes =
      sizeof(Survey) + 1024 * sizeof(Area) +
      threads * (sizeof(Thread) + (class_count + outbox_entries) * sizeof(Unsettled)) +
      (runs + runs / 8 + 4096) * sizeof(Run);
  return bytes < largest_answer ? bytes : largest_answer;
}

void survey(Sheet& sheet) noexcept {
  Survey head = {};
  head.settings = settings_now(slot_supply.usage());
  // Room for the head, written last: it counts what follows.
  Sheet start = sheet;
  sheet.put(head);
  head.areas = put_areas(sheet);

  RunWriter runs{&sheet};
  {
    // Both locks at once: a thread that ends meanwhile would take its slabs' counts away.
    LockGuard registry(heap::state.registry_lock);
    for_each_heap([&](const ThreadHeap& heap) {
      if (sheet.put(describe(heap))) ++head.threads;
    });
    for_each_heap([&](const ThreadHeap& heap) {
      for_each_unsettled(heap, [&](const Slot* slot, std::int64_t blocks) {
        if (sheet.put(Unsettled{heap::address_of(slot), blocks})) ++head.unsettled;
      });
    });
    heap::for_each_huge(
        [](void* context, Address address, size_t bytes) {
          Run run = {};
          run.address = address;
          run.bytes = bytes;
          run.kind = RunKind::huge;
          static_cast<RunWriter*>(context)->put(run);
        },
        &runs);
    const auto now = std::uint32_t(Machine::now());
    LockGuard supply(slot_supply.lock());
    slot_supply.collect();
    slot_supply.for_each_range([&](SlotRange& range) {
      if (!range.is_open()) return;
      for_each_run(range, [&](const Slot* slot, RunKind kind, std::uint32_t slots) {
        runs.put(describe(range, slot, kind, slots, now));
      });
    });
  }
  head.runs = runs.count;
  head.truncated = runs.truncated;
  start.put(head);
}

void add_up(Totals& totals) noexcept {
  heap::Statistics all = {};
  heap::collect(all);
  totals = {};
  totals.time = Machine::now();
  for (unsigned c = 1; c < class_count; ++c) totals.live[c] = all.classes[c].live;
  totals.small_live_bytes = all.small_live_bytes;
  totals.large_blocks = all.large_blocks;
  totals.large_bytes = all.large_bytes;
  totals.huge_blocks = all.huge_blocks;
  totals.huge_bytes = all.huge_bytes;
  totals.lent_bytes = all.lent_bytes;
  totals.dirty_bytes = all.dirty_bytes;
  totals.committed_bytes = all.committed_bytes;
  totals.reserved_bytes = all.reserved_bytes;
  totals.purged_bytes = all.purged_bytes - before.purged;
  totals.purges = all.purges - before.purges;
  totals.refusals = refusals.load(Order::relaxed) - before.refusals;
  totals.threads = all.threads;
  read_estimates(totals.estimates);
  LockGuard registry(heap::state.registry_lock);
  totals.allocations = heap::state.ended;
  for_each_heap([&](const ThreadHeap& heap) {
    for (unsigned i = 0; i < large_count_steps; ++i) {
      totals.allocations.large[i] += overtaken(heap.counts.large[i]);
    }
    totals.allocations.thinned += overtaken(heap.counts.thinned);
  });
  totals.thinned_bytes =
      totals.allocations.thinned + heap::state.thinned.load(Order::relaxed) - before.thinned;
}

void start_counting_anew() noexcept {
  const SlotSupply::Usage usage = slot_supply.usage();
  before = {usage.purged, usage.purges, heap::state.thinned.load(Order::relaxed),
            refusals.load(Order::relaxed)};
  start_estimates_anew();
  heap::state.ended = {};
  for (ThreadHeap* heap = heap::state.heaps.first(); heap != nullptr; heap = heap->next) {
    heap->counts = {};
  }
  heap::late.heap.counts = {};
}

void note_refusal() noexcept { refusals.fetch_add(1, Order::relaxed); }

}  // namespace strata::observe
