// See leaks.hpp.
#include "harden/leaks.hpp"

#include "base/print.hpp"
#include "harden/blocks.hpp"
#include "harden/history.hpp"
#include "harden/large.hpp"
#include "harden/memory.hpp"
#include "harden/slab.hpp"
#include "harden/stack_depot.hpp"
#include "harden/thread.hpp"
#include "heap/report.hpp"

namespace strata::harden {
namespace {

constexpr size_t most_of_mapping = 256 * MiB;  // of one of the program's own
constexpr unsigned most_places = 512;
constexpr unsigned most_told = 20;
constexpr std::uint32_t is_marked = ~std::uint32_t{0};  // in History::freed_by of live blocks

template <class Visit>
void for_each_live(Visit&& visit) noexcept {
  for (Pool& pool : pools) {
    pool.for_each([&](Slab& slab) {
      for (unsigned i = 0; i < slab.window; ++i) {
        const Record record = slab.records()[i];
        if (!record.is_live()) continue;
        visit(BlockAround{slab.address + size_t{i} * slab.size, slab.size - record.slack(), true});
      }
    });
  }
  for_each_large([&](const LargeBlock& block) {
    if (block.state != LargeBlock::State::live || block.run == nullptr) return;
    visit(BlockAround{block.address, block.size, true});
  });
}

// Blocks that were found and not looked into yet.
class Search {
 public:
  bool begin() noexcept {
    for_each_live([&](const BlockAround& block) {
      ++live_;
      if (History* const history = history_of(block.address)) history->freed_by = 0;
    });
    bytes_ = align_up((live_ + 1024) * sizeof(Address), Machine::page_size());
    const Address reserved = Machine::reserve(bytes_, Machine::page_size());
    if (reserved == 0) return false;
    stack_ = reinterpret_cast<Address*>(reserved);
    return Machine::commit(reserved, bytes_);
  }
  ~Search() {
    if (stack_ != nullptr) Machine::release(Address(stack_), bytes_);
  }
  Search() = default;
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  void look_at(Address word) noexcept {
    if (word - seen_primary_base() >= seen_primary_bytes()) return;
    const BlockAround block = block_around(word, false);
    if (!block.live || word < block.address) return;
    if (word - block.address > block.size) return;
    History* const history = history_of(block.address);
    if (history == nullptr || history->freed_by == is_marked) return;
    history->freed_by = is_marked;
    if ((depth_ + 1) * sizeof(Address) <= bytes_) stack_[depth_++] = block.address;
  }

  // The program's memory; nobody says that it is all there.
  void look_into(Address begin, Address end) noexcept {
    if (end - begin > most_of_mapping) end = begin + most_of_mapping;
    const size_t page = Machine::page_size();
    for (Address at = begin; at < end; at += page) {
      for (size_t done = 0; done < page; done += sizeof buffer_) {
        if (!Machine::read_memory(at + done, buffer_, sizeof buffer_)) break;
        for (const Address word : buffer_) look_at(word);
      }
    }
  }

  void follow() noexcept {
    while (depth_ != 0) {
      const BlockAround block = block_around(stack_[--depth_]);
      for (size_t i = 0; i < block.size / sizeof(Address); ++i) {
        look_at(reinterpret_cast<const Address*>(block.address)[i]);
      }
    }
  }

 private:
  Address* stack_ = nullptr;
  size_t bytes_ = 0;
  size_t depth_ = 0;
  size_t live_ = 0;
  Address buffer_[512];
};

// What the library itself keeps says nothing of the program.
bool is_strata(Address begin) noexcept {
  return slot_supply.find(begin) != nullptr || begin - seen_primary_base() < seen_primary_bytes() ||
         is_own_memory(begin) || is_in_shadow(begin) || is_in_mapping(begin) ||
         Machine::is_own_code(begin);
}

void look_into_mapping(void* search, Address begin, Address end) noexcept {
  if (is_strata(begin)) return;
  // What lies below our frame on the stack is what calls left behind that have returned.
  const auto here = Address(search);
  if (here - begin < end - begin) begin = align_down(here, Machine::page_size());
  static_cast<Search*>(search)->look_into(begin, end);
}

struct Place {
  std::uint32_t stack = 0;
  std::uint32_t thread = 0;
  size_t blocks = 0;
  size_t bytes = 0;
};

class Places {
 public:
  void add(const History* history, size_t size) noexcept {
    ++all_.blocks;
    all_.bytes += size;
    const std::uint32_t stack = history != nullptr ? history->allocated : 0;
    for (unsigned i = 0; i < most_places; ++i) {
      Place& place = places_[(stack + i) % most_places];
      if (place.blocks != 0 && place.stack != stack) continue;
      if (place.blocks == 0) {
        ++count_;
        place.stack = stack;
        place.thread = history != nullptr ? history->allocated_by : 0;
      }
      ++place.blocks;
      place.bytes += size;
      return;
    }
  }
  [[nodiscard]] const Place& all() const noexcept { return all_; }
  [[nodiscard]] unsigned count() const noexcept { return count_; }

  // The largest first.
  void tell() noexcept {
    for (unsigned told = 0; told < most_told; ++told) {
      Place* most = &places_[0];
      for (Place& place : places_) {
        if (place.bytes > most->bytes) most = &place;
      }
      if (most->blocks == 0) return;
      Line line;
      line.text("strata: leak: ").number(most->blocks).text(" blocks, ").number(most->bytes);
      heap::say(line.text(" bytes that nothing points to\n"));
      const Address* frames = nullptr;
      const unsigned count = depot::frames_of(most->stack, frames);
      tell_stack("allocated", frames, count, most->thread);
      *most = {};
    }
  }

 private:
  Place places_[most_places];
  Place all_;
  unsigned count_ = 0;
};

}  // namespace

void tell_leaks() noexcept {
  if (thread_count() > 1) {
    Line line;
    return heap::say(line.text("strata: no search for leaks: other threads are still running\n"));
  }
  Search search;
  if (!search.begin()) return;
  Machine::visit_writable(look_into_mapping, &search);
  search.follow();
  Places lost;
  Place kept;
  for_each_live([&](const BlockAround& block) {
    const History* const history = history_of(block.address);
    if (history == nullptr || history->allocated == 0 || history->freed_by == is_marked) {
      ++kept.blocks;
      kept.bytes += block.size;
    } else {
      lost.add(history, block.size);
    }
  });
  if (lost.all().blocks == 0) return;
  const unsigned places = lost.count();
  const Place all = lost.all();
  lost.tell();
  Line line;
  line.text("strata: leaks: ").number(all.blocks).text(" blocks, ").number(all.bytes);
  line.text(" bytes in ").number(places).text(" places; ").number(kept.blocks);
  line.text(" blocks, ").number(kept.bytes).text(" bytes are still pointed to\n");
  heap::say(line);
}

}  // namespace strata::harden
