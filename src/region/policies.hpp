// The policies of a region, each a type or a constant, and the set of defaults.
//
// A region's policy is a struct. Derive from DefaultPolicy and name what differs:
//
//   struct MyPolicy : strata::DefaultPolicy {
//     using Fit = strata::fit::Best;
//     using Lock = strata::SpinLock;
//     static constexpr std::size_t max_size = 4096;
//   };
//   strata::Region<MyPolicy> region(memory, sizeof memory);
//
// Policies that are types may hold state (a source, a handler), which the region owns. Their member
// functions are constexpr where the answer is fixed, so what is not chosen leaves no code.
#pragma once

#include "base/lock_guard.hpp"
#include "base/source_memory.hpp"
#include "base/spin_lock.hpp"
#include "region/bin_fits.hpp"
#include "region/list_fits.hpp"
#include "region/words.hpp"
#include "span/in_band_layout.hpp"

namespace strata {

// When free blocks that touch become one.
namespace coalesce {
// At once, in both directions: no two free blocks touch, ever.
struct AtOnce {
  static constexpr const char* name = "at_once";
  static constexpr bool at_once() noexcept { return true; }
  static constexpr bool searching() noexcept { return false; }
  static constexpr bool due(size_t, size_t) noexcept { return false; }
};
// Later, all of them: when a search finds nothing, or when more than `bound` blocks and a quarter
// of the used ones lie apart. A freed block can be used again as it is. The joining pass is
// O(blocks).
template <size_t bound = 64>
struct Deferred {
  static constexpr const char* name = "deferred";
  static constexpr bool at_once() noexcept { return false; }
  static constexpr bool searching() noexcept { return false; }
  static constexpr bool due(size_t apart, size_t used_blocks) noexcept {
    return apart > bound && apart > used_blocks / 4;
  }
};
// By the search: each free block it looks at swallows the free ones right behind it.
struct WhileSearching {
  static constexpr const char* name = "searching";
  static constexpr bool at_once() noexcept { return false; }
  static constexpr bool searching() noexcept { return true; }
  static constexpr bool due(size_t, size_t) noexcept { return false; }
};
}  // namespace coalesce

// When a freed block is given back.
namespace freeing {
struct Immediate {
  static constexpr const char* name = "immediate";
  static constexpr size_t capacity() noexcept { return 0; }
  static constexpr bool by_worker() noexcept { return false; }
};
// Saved up; given back in one pass when `count` are there, or when a search finds nothing.
template <size_t count = 64>
struct Batched {
  static constexpr const char* name = "batched";
  static constexpr size_t capacity() noexcept { return count; }
  static constexpr bool by_worker() noexcept { return false; }
};
// A bell that nobody hears: somebody calls work() from time to time.
struct NoBell {
  static void ring() noexcept {}
};
// Saved up for a worker: a RegionWorker (region_worker.hpp), who sleeps until the bell rings, or
// whoever calls work(). The queue is bounded and worked through from its oldest block: whoever
// fills it does a quarter, a search that finds nothing all of it.
template <size_t count = 1024, class BellPolicy = NoBell>
struct Background {
  using Bell = BellPolicy;
  static constexpr const char* name = "background";
  static constexpr size_t capacity() noexcept { return count; }
  static constexpr bool by_worker() noexcept { return true; }
  void ring() noexcept { bell.ring(); }
  [[no_unique_address]] Bell bell;
};
}  // namespace freeing

// Whether new memory is touched when it comes (eager) or when a block needs it (lazy).
namespace provision {
struct Lazy {
  static constexpr const char* name = "lazy";
  static constexpr bool eager() noexcept { return false; }
};
struct Eager {
  static constexpr const char* name = "eager";
  static constexpr bool eager() noexcept { return true; }
};
}  // namespace provision

// Where more memory comes from; see base/source_memory.hpp. Others: platform/linux/mmap_source.hpp,
// and the ranges storey by ranges/slot_source.hpp (a process) and ranges/space_source.hpp (a
// kernel).
namespace source {
struct None {
  static constexpr bool grows = false;
  static SourceMemory take(size_t) noexcept { return {}; }
  static void give(void*, size_t) noexcept {}
};
// Any source, as two functions.
struct Functions {
  static constexpr bool grows = true;
  void* context = nullptr;
  SourceMemory (*take_function)(void* context, size_t least) = nullptr;
  void (*give_function)(void* context, void* memory, size_t bytes) = nullptr;  // null: keep all

  SourceMemory take(size_t least) noexcept {
    return take_function == nullptr ? SourceMemory{} : take_function(context, least);
  }
  void give(void* memory, size_t bytes) noexcept {
    if (give_function != nullptr) give_function(context, memory, bytes);
  }
  [[nodiscard]] bool keeps_all() const noexcept { return give_function == nullptr; }
};
}  // namespace source

// What happens on an error besides its code being returned and kept. Called without the lock held.
namespace errors {
struct Code {
  void operator()(RegionError, const void*) noexcept {}
};
struct Handler {
  void* context = nullptr;
  void (*function)(void* context, RegionError error, const void* where) = nullptr;
  void operator()(RegionError error, const void* where) noexcept {
    if (function != nullptr) function(context, error, where);
  }
};
// Stops the program on damage and on bad frees; refusals (out of memory ...) are only returned.
struct Trap {
  void operator()(RegionError error, const void*) noexcept {
    if (int(error) >= int(RegionError::foreign_pointer)) __builtin_trap();
  }
};
}  // namespace errors

enum class Serve { from_start, from_end };
// fill: freed payloads are overwritten. checked: and found intact, by check() and when used again.
enum class Poison { none, fill, checked };
// none: trust every pointer. headers: O(1) plausibility of the header and its neighbours. spans:
// and the pointer lies in one of the spans (O(spans), nothing if there is but one). full: and a
// walk from the span's start meets the block (O(blocks)).
enum class Checks { none, headers, spans, full };

struct DefaultPolicy {
  using Layout = layout::Compact<>;
  using Fit = fit::Good;
  using Coalesce = coalesce::AtOnce;
  using Freeing = freeing::Immediate;
  using Provision = provision::Lazy;
  using Source = source::None;
  using Lock = NoLock;
  using Errors = errors::Code;

  static constexpr Serve serve = Serve::from_start;
  static constexpr Checks checks = Checks::spans;
  static constexpr Mark mark = Mark::none;
  static constexpr Poison poison = Poison::none;
  static constexpr bool owner = false;           // blocks link to their span
  static constexpr bool counters = true;         // allocations, failures, peak, footprint
  static constexpr bool count_searches = false;  // free blocks looked at: for experiments
  static constexpr bool self_based = false;   // links count from the region object: shared memory
  static constexpr size_t guard_bytes = 0;    // before and after each block; a multiple of granules
  static constexpr size_t min_block = 0;      // bytes with header; 0: the least the layout allows
  static constexpr size_t min_size = 1;       // smaller requests are served as this
  static constexpr size_t max_size = 0;       // larger ones are refused; 0: the layout's limit
  static constexpr size_t growth = 64 * KiB;  // asked from the source at least, and
  static constexpr unsigned growth_share = 8;  // at least 1/share of what is managed; 0: not
  static constexpr unsigned kept_empty_spans = 1;
  static constexpr unsigned max_log2_units = 0;  // size of the bins' table; 0: the layout's limit
};

}  // namespace strata
