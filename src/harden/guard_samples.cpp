// See guard_samples.hpp.
#include "harden/guard_samples.hpp"

#include "base/atomic.hpp"
#include "base/print.hpp"
#include "harden/guards.hpp"
#include "harden/help.hpp"
#include "harden/stack.hpp"
#include "heap/heap.hpp"
#include "heap/report.hpp"
#include "heap/sample.hpp"

namespace strata::harden {
namespace {

constexpr size_t least_room = 8 * KiB;
constexpr size_t most_memory = 448 * KiB;
constexpr unsigned most_places = most_memory / least_room;
constexpr unsigned char pattern = 0xa5;

enum class State : unsigned {
  free,     // never used, or its pages are inaccessible again
  opening,  // one thread's
  live,
  closing,  // one thread's
};

struct Place {
  Atomic<State> state;
  bool was_used = false;
  Address block = 0;
  size_t size = 0;
  Address pages = 0;  // those that are committed
  size_t bytes = 0;
  Stack allocated;
  Stack freed;

  [[nodiscard]] bool move(State from, State to) noexcept {
    return state.compare_exchange(from, to, Order::acq_rel);
  }
  [[nodiscard]] Address end() const noexcept { return block + size; }
};
constinit Place places[most_places];

// Where the places are. Written once, `base` the last.
constinit Atomic<Address> base;
constinit Atomic<unsigned> opened;  // 1: somebody has begun to
size_t page;
size_t room;  // of a place; a guard page follows
unsigned place_count;
constinit Atomic<unsigned> turn;
constinit Atomic<std::uint64_t> dice;

Address address_of(unsigned index) noexcept {
  return base.load(Order::acquire) + page + index * (room + page);
}

// The place around the address, with the guard in front of it and behind it; nullptr: none of ours.
Place* place_around(Address address) noexcept {
  const Address begin = base.load(Order::acquire);
  if (begin == 0 || address - begin >= page + place_count * (room + page)) return nullptr;
  const size_t offset = address - begin;
  size_t index = offset < page ? 0 : (offset - page) / (room + page);
  const bool in_guard = offset < page || (offset - page) % (room + page) >= room;
  if (!in_guard || offset < page || index + 1 == place_count) return &places[index];
  // Between two: whose block is nearer.
  const Place& before = places[index];
  const Place& behind = places[index + 1];
  if (!before.was_used) return &places[index + 1];
  if (!behind.was_used) return &places[index];
  return address - before.end() <= behind.block - address ? &places[index] : &places[index + 1];
}

// The program's stack below a report.
void tell_history(const Place& place) noexcept {
  tell_stack("allocated", place.allocated);
  const State state = place.state.load(Order::relaxed);
  if (state != State::live && state != State::opening) tell_stack("freed", place.freed);
}

// Tells a fault in one of the places; the program ends by the signal.
void look(const Machine::Fault& fault) noexcept {
  const Place* const place = place_around(fault.address);
  if (place == nullptr || !place->was_used) return;
  const char* const access = fault.writes ? "write" : "read";
  const bool freed = place->state.load(Order::relaxed) != State::live;
  Line line;
  line.text("strata: error: ");
  if (freed) {
    line.text(access).text(fault.writes ? " after free to " : " after free of ");
    line.hex(fault.address).text(" (");
  } else {
    line.text(fault.address < place->block ? "underflow of " : "overflow of ");
    line.hex(place->block).text(" (").text(access).text(" at ").hex(fault.address).text(", ");
  }
  if (fault.address < place->block) {
    line.number(place->block - fault.address).text(" bytes before the begin of the ");
  } else if (fault.address >= place->end()) {
    line.number(fault.address - place->end()).text(" bytes behind the end of the ");
  } else {
    line.text("byte ").number(fault.address - place->block).text(" of the ");
  }
  line.number(place->size).text("-byte block");
  if (freed) {
    line.text(", freed before");
    if (place->freed.thread != 0) line.text(" by thread ").number(place->freed.thread);
  }
  heap::say(line.text(")\n"));
  Stack here;
  here.count = Machine::walk_fault(fault, here.frames, Stack::most);
  tell_access(fault.writes ? "written" : "read", here.frames, here.count, Machine::thread_number());
  tell_history(*place);
  tell_help(line.c_str());
}

bool open_places() noexcept {
  if (base.load(Order::acquire) != 0) return true;
  unsigned expected = 0;
  if (!opened.compare_exchange(expected, 1, Order::acq_rel)) return false;
  page = Machine::page_size();
  room = page > least_room ? page : least_room;
  place_count = unsigned(most_memory / room);
  const Address reserved = Machine::reserve(page + place_count * (room + page), page);
  if (reserved == 0) {
    warn_once(Shrinks::samples);
    return false;
  }
  dice.store(reserved ^ Machine::now(), Order::relaxed);
  Machine::watch_faults(look);
  base.store(reserved, Order::release);
  return true;
}

std::uint64_t roll() noexcept {
  std::uint64_t x = dice.fetch_add(0x9e3779b97f4a7c15, Order::relaxed);
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  return x ^ x >> 31;
}

// In turn, so that what was freed last waits longest.
Place* take_place(unsigned& index) noexcept {
  for (unsigned tries = 0; tries < place_count; ++tries) {
    index = turn.fetch_add(1, Order::relaxed) % place_count;
    if (places[index].move(State::free, State::opening)) return &places[index];
  }
  return nullptr;
}

// Puts the block at one end of the place, and opens the pages it needs.
bool lay_out(Place& place, unsigned index, size_t size, size_t alignment) noexcept {
  const Address begin = address_of(index);
  const bool right = (roll() & 1) != 0;
  place.size = size;
  place.block = right ? align_down(begin + room - size, alignment) : begin;
  place.pages = right ? align_down(place.block, page) : begin;
  place.bytes = (right ? begin + room : align_up(begin + size, page)) - place.pages;
  if (!Machine::commit(place.pages, place.bytes)) return false;
  __builtin_memset(reinterpret_cast<void*>(place.end()), pattern,
                   place.pages + place.bytes - place.end());
  place.was_used = true;
  return true;
}

void close(Place& place) noexcept {
  Machine::purge(place.pages, place.bytes);
  Machine::protect(place.pages, place.bytes);
  place.state.store(State::free, Order::release);
}

void allocated(heap::sample::Allocation& allocation) noexcept {
  if (allocation.size - 1 >= least_room || !open_places()) return;
  if (allocation.alignment > page) return;
  unsigned index = 0;
  Place* const place = take_place(index);
  if (place == nullptr) return;
  const size_t alignment =
      allocation.alignment > granule_size ? allocation.alignment : granule_size;
  if (!lay_out(*place, index, allocation.size, alignment)) {
    warn_once(Shrinks::samples);
    place->state.store(State::free, Order::release);
    return;
  }
  place->allocated.take();
  place->freed.count = 0;
  heap::free(allocation.block);
  allocation.block = reinterpret_cast<void*>(place->block);
  place->state.store(State::live, Order::release);
}

// The first byte before or behind the block that the program has changed; 0: none.
Address spoiled(const Place& place) noexcept {
  for (Address at = place.pages; at < place.pages + place.bytes; ++at) {
    if (at == place.block) at = place.end();
    if (at == place.pages + place.bytes) break;
    const unsigned char wanted = at < place.block ? 0 : pattern;
    if (*reinterpret_cast<const unsigned char*>(at) != wanted) return at;
  }
  return 0;
}

void report_spoiled(const Place& place, Address at) noexcept {
  Line line;
  line.text("strata: error: ").text(at < place.block ? "underflow of " : "overflow of ");
  line.hex(place.block).text(" (").number(place.size);
  line.text(at < place.block ? "-byte block, bytes before its begin have changed"
                             : "-byte block, bytes behind its end have changed");
  heap::say(line.text("; found by free)\n"));
  tell_history(place);
  tell_help(line.c_str());
  heap::end_report();
}

void report_free(const Place& place, Address pointer) noexcept {
  Line line;
  line.text("strata: error: ");
  const bool live = place.state.load(Order::relaxed) == State::live;
  const bool again = !live && place.was_used && pointer == place.block;
  line.text(again ? "double free of " : "invalid free of ").hex(pointer).text(" (");
  if (again) {
    line.number(place.size).text("-byte block, freed before");
    if (place.freed.thread != 0) line.text(" by thread ").number(place.freed.thread);
  } else {
    line.text("not a block: ");
    if (pointer < place.block) {
      line.number(place.block - pointer).text(" bytes before a ");
    } else {
      line.number(pointer - place.block).text(" bytes inside a ");
    }
    line.text(live ? "" : "free ").number(place.size).text("-byte block at ").hex(place.block);
  }
  heap::say(line.text(")\n"));
  Stack here;
  here.take();
  tell_stack("freed now", here);
  tell_history(place);
  tell_help(line.c_str());
  heap::end_report();
}

bool freed(void* pointer) noexcept {
  const auto address = Address(pointer);
  Place* const place = place_around(address);
  if (place == nullptr) return false;
  if (address != place->block || !place->move(State::live, State::closing)) {
    report_free(*place, address);
    return true;
  }
  place->freed.take();
  if (const Address at = spoiled(*place); at != 0) report_spoiled(*place, at);
  close(*place);
  return true;
}

size_t usable(const void* pointer) noexcept {
  const Place* const place = place_around(Address(pointer));
  if (place == nullptr || place->block != Address(pointer)) return 0;
  return place->state.load(Order::acquire) == State::live ? place->size : 0;
}

constexpr heap::sample::Client client = {allocated, freed, usable};

}  // namespace

void sample_guards(size_t mean) noexcept {
  if (mean != 0) heap::sample::set_client(heap::sample::Which::guards, &client);
  size_t misses = divide_up(mean, heap::sample::bytes_of_miss);
  if (misses >= 1U << 30) misses = 1U << 30;
  heap::sample::set_misses(heap::sample::Which::guards, std::uint32_t(misses));
}

}  // namespace strata::harden
