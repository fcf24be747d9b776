// Region: a heap inside memory it is given, with its headers in band.
//
// Idea. Memory comes as spans: pieces the caller adds, or that a source hands out. Each is cut into
// blocks that know their own size and whether the block below is free, so neighbours are found by
// arithmetic (see in_band_tags.hpp). Free blocks stand in an index, the fit policy, that says which
// one serves a request. Everything else is a policy too (see policies.hpp); what is not chosen
// costs nothing.
//
//   span | header | used |  free        | used | used | free            | end |
//                           ^ index: bins or lists      ^ falloc's window may stand here
//
// The bound. With fit::Good, coalescing at once, freeing at once, no source, one span and without
// full checks, poison or guards, allocate, free and resize in place execute a bounded number of
// instructions, whatever the region holds: no loop depends on the number of blocks but the search
// of at most 16 blocks of one bin before a request is refused. tests/unit/region/bound_test.cpp
// counts them (at most 400 each).
//
// A region has no destructor, so it may be a global or lie in shared memory: destroy() gives its
// spans back to the source. All functions may be called from any thread if the lock policy is one.
//
// Not here: threads (region_worker.hpp), system calls (platform), profiles (profiles.hpp).
#pragma once

#include <new>
#include <utility>

#include "base/attributes.hpp"
#include "base/bits.hpp"
#include "base/lock_guard.hpp"
#include "base/units.hpp"
#include "region/fill.hpp"
#include "region/policies.hpp"
#include "region/span_header.hpp"
#include "region/words.hpp"
#include "span/in_band_tags.hpp"

namespace strata {

template <class Policy = DefaultPolicy>
class alignas(Policy::Layout::granule) Region {
 public:
  using Layout = typename Policy::Layout;
  using Tags = InBandTags<Layout, Policy::mark, Policy::owner, Policy::self_based>;
  using Span = typename Tags::Span;
  static constexpr unsigned log2_units =
      Policy::max_log2_units != 0 ? Policy::max_log2_units : Layout::max_log2_units;
  using Index = typename Policy::Fit::template Index<Tags, log2_units>;
  using Header = SpanHeader<Tags>;
  using Freeing = typename Policy::Freeing;
  using Lock = typename Policy::Lock;

  static constexpr size_t granule = Tags::granule;
  static constexpr size_t guard = Policy::guard_bytes;
  static constexpr size_t overhead = Tags::header_size + 2 * guard;
  static constexpr size_t least_units = Tags::least_units * granule > Policy::min_block
                                            ? Tags::least_units
                                            : divide_up(Policy::min_block, granule);
  static constexpr size_t layout_max_size =
      ((size_t{1} << (log2_units - 1)) - 1) * granule - overhead - granule;
  static constexpr size_t max_size = Policy::max_size != 0 && Policy::max_size < layout_max_size
                                         ? Policy::max_size
                                         : layout_max_size;
  static constexpr size_t min_size = Policy::min_size;
  static constexpr bool grows = Policy::Source::grows;

  static_assert(MemorySource<typename Policy::Source>);
  static_assert(guard % granule == 0, "guard bands are whole granules, or payloads lose alignment");
  static_assert(guard == 0 || guard >= 2 * sizeof(size_t), "the front band also holds a size");
  static_assert(
      Policy::poison != Poison::checked || requires { requires Policy::Coalesce::at_once(); },
      "joining later leaves old tags between poison");
  static_assert(!Policy::self_based || Layout::position_free, "links would not survive a move");

  // A region of nothing yet: add() memory, or let the source bring it.
  constexpr Region() noexcept = default;
  // Over [memory, memory + bytes). last_error() tells whether it was accepted.
  Region(void* memory, size_t bytes) noexcept { add(memory, bytes); }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // A region that stands in its own memory, at the front. Null, and a reason, if it cannot.
  static Region* create(void* memory, size_t bytes, RegionError* reason = nullptr) noexcept;
  // The region that another process, or an earlier life, created there. Self-based policies only.
  static Region* attach(void* memory, RegionError* reason = nullptr) noexcept;

  // Adds [memory, memory + bytes) as a further span.
  RegionError add(void* memory, size_t bytes) noexcept;

  // At least `bytes` bytes, aligned to a granule; or null, and last_error() tells why.
  [[nodiscard]] void* allocate(size_t bytes) noexcept;
  // The same, aligned to `alignment`, a power of two up to 1 GiB.
  [[nodiscard]] void* allocate_aligned(size_t bytes, size_t alignment) noexcept;

  // Takes the next bytes at the very end, without a search: blocks of one falloc after the other
  // lie one behind the other. Freed, resized and walked like any block. The end is set aside for it
  // from the first call on, and comes back when a search finds nothing or settle() is called.
  [[nodiscard]] void* falloc(size_t bytes) noexcept;

  // Null is none. A bad pointer is told and changes nothing.
  RegionError free(void* payload) noexcept;

  // Makes the block `bytes` long where it stands; false, and nothing changed, if it cannot.
  bool resize_in_place(void* payload, size_t bytes) noexcept;
  // In place or by moving. Null payload: allocate. On failure null, and the block stays.
  [[nodiscard]] void* reallocate(void* payload, size_t bytes) noexcept;

  // Bytes the user may use of the block; 0 for a bad pointer.
  [[nodiscard]] size_t usable_size(const void* payload) noexcept;
  // Is the address inside one of the region's spans? O(spans).
  [[nodiscard]] bool owns(const void* address) noexcept;

  // Calls visit(const RegionBlock&) for every block, span by span, upwards. The lock is held.
  template <class Visit>
  void walk(Visit&& visit) noexcept;
  // Verifies every invariant: chains of blocks, flags, footers, index, marks, guards, poison.
  // O(blocks).
  [[nodiscard]] RegionCheck check() noexcept;
  [[nodiscard]] RegionStatistics statistics() noexcept;

  // Gives back up to `most` saved blocks; the background worker's part. Returns how many are left.
  size_t work(size_t most = ~size_t{0}) noexcept;
  // Gives back all that is saved, ends falloc's window and joins all free blocks.
  void settle() noexcept;
  // settle(), then gives all but `keep` empty spans back to the source. Returns the bytes given.
  size_t trim(unsigned keep = 0) noexcept;
  // Gives all spans back to the source and forgets the rest: every block is gone.
  void destroy() noexcept;
  // After a holder of the lock died: builds flags and index anew from the chains of blocks, which
  // are consistent after every single store. False, and the region refuses everything, if they are
  // not.
  bool recover() noexcept;

  [[nodiscard]] RegionError last_error() const noexcept { return last_error_; }
  void clear_error() noexcept { last_error_ = RegionError::none; }

  // The policies' state. Set before memory is added.
  Index& index() noexcept { return index_; }
  typename Policy::Source& source() noexcept { return source_; }
  typename Policy::Errors& on_error() noexcept { return on_error_; }
  typename Policy::Lock& lock() noexcept { return lock_; }
  typename Policy::Coalesce& coalescing() noexcept { return coalesce_; }
  typename Policy::Freeing& freeing_policy() noexcept { return freeing_; }
  typename Policy::Provision& provision() noexcept { return provision_; }

 private:
  // Holds the lock for a call. If the last holder died inside, repairs first.
  class [[nodiscard]] Hold {
   public:
    explicit Hold(Region& region) noexcept : region_(region) {
      region.lock_.lock();
      if constexpr (requires { region.lock_.owner_died(); }) {
        if (STRATA_UNLIKELY(region.lock_.owner_died())) region.recover_locked();
      }
    }
    ~Hold() {
      if (!released_) region_.lock_.unlock();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    // Errors are handled outside, so that the handler may use the region.
    void release() noexcept {
      region_.lock_.unlock();
      released_ = true;
    }

   private:
    Region& region_;
    bool released_ = false;
  };

  static constexpr size_t tail =
      grows ? sizeof(Span) : 0;  // behind the end tag: link to the header

  [[nodiscard]] Address base() const noexcept {
    if constexpr (Policy::self_based)
      return reinterpret_cast<Address>(this);
    else
      return base_;
  }
  [[nodiscard]] Tags tags() const noexcept { return Tags(base()); }

  // Granules for a request, or 0 if it is refused.
  [[nodiscard]] size_t units_for(size_t bytes) const noexcept {
    if (STRATA_UNLIKELY(bytes - 1 >= max_size)) return 0;  // 0 wraps around to the largest number
    if constexpr (Policy::min_size > 1) {
      if (bytes < Policy::min_size) bytes = Policy::min_size;
    }
    const size_t units = divide_up(bytes + overhead, granule);
    return units < least_units ? least_units : units;
  }
  [[nodiscard]] static RegionError size_error(size_t bytes) noexcept {
    return bytes == 0 ? RegionError::zero_size : RegionError::too_large;
  }
  [[nodiscard]] static Span span_of(Tags& tags, const void* payload) noexcept {
    return tags.span_at(reinterpret_cast<Address>(payload) - guard);
  }

  // The short paths (region_paths.hpp): find a free block, take a block out of it, make it the
  // user's; give a used block back to the index.
  STRATA_INLINE Span find(Tags& tags, size_t units) noexcept;
  Span find_harder(Tags& tags, size_t units) noexcept;
  STRATA_INLINE void* take(Tags& tags, Hold& hold, Span span, size_t units, size_t bytes) noexcept;
  STRATA_INLINE void* take_at(Tags& tags, Hold& hold, Span span, size_t skip, size_t units,
                              size_t bytes) noexcept;
  STRATA_INLINE void* finish(Tags& tags, Span span, size_t units, size_t bytes) noexcept;
  STRATA_INLINE void count_peak(Tags& tags, Span span, size_t units) noexcept;
  STRATA_INLINE void release(Tags& tags, Span span) noexcept;
  STRATA_INLINE void return_block(Tags& tags, Span span, size_t units) noexcept;

  // Is `payload` a used block of ours? O(1) with Checks::headers.
  STRATA_INLINE RegionError examine(Tags& tags, const void* payload) noexcept;
  STRATA_COLD RegionError examine_fully(Tags& tags, const void* payload) noexcept;

  // True: it is time to wake a worker.
  bool save(Tags& tags, Span span) noexcept;
  size_t work_locked(Tags& tags, size_t most) noexcept;
  void join_all(Tags& tags) noexcept;

  // falloc
  STRATA_INLINE void cut_window(Tags& tags, size_t units) noexcept;
  STRATA_COLD void* falloc_slow(Hold& hold, size_t units, size_t bytes) noexcept;
  bool open_window(Tags& tags, size_t units) noexcept;
  void close_window(Tags& tags) noexcept;

  // Spans
  RegionError add_locked(void* memory, size_t bytes, bool from_source) noexcept;
  void set_bounds(Tags& tags) noexcept;
  bool grow(Tags& tags, size_t units) noexcept;
  Header* header_of(Tags& tags, Address address) noexcept;
  Header* whole_span(Tags& tags, Span span) noexcept;
  void enter_empty(Tags& tags, Span span) noexcept;
  void leave_empty(Tags& tags, Span span) noexcept;
  void return_span(Tags& tags, Header* header) noexcept;
  size_t return_empty_spans(Tags& tags, unsigned keep) noexcept;

  // Guards and poison
  void set_guards(Tags& tags, Span span, size_t bytes) noexcept;
  bool guards_are_intact(Tags& tags, Span span) noexcept;
  static void poison_free(Tags& tags, Span span, size_t units) noexcept;
  static bool poison_is_intact(Tags& tags, Span span) noexcept;

  void* refused(Hold& hold, RegionError error) noexcept;
  STRATA_COLD RegionError reported(Hold& hold, RegionError error, const void* where) noexcept;

  RegionCheck check_locked() noexcept;
  RegionCheck check_block(Tags& tags, Span span, bool previous_free, size_t& free_count,
                          size_t& free_sum) noexcept;
  bool recover_locked() noexcept;
  bool rebuild() noexcept;
  // Where another process may be killed between two stores, the compiler keeps their order.
  static void publish() noexcept {
    if constexpr (Policy::self_based) asm volatile("" ::: "memory");
  }
  static constexpr std::uint64_t identity() noexcept {
    return 0x5374'7261'7461'0001 ^ (std::uint64_t{sizeof(Region)} << 32) ^
           (std::uint64_t{overhead} << 24) ^ (std::uint64_t{sizeof(Span)} << 16);
  }

  using Word = typename Tags::Word;

  // Written under the lock, all of them; `identity_` and `base_` once.
  std::uint64_t identity_ = 0;  // create(): what attach() looks for
  Address base_ = 0;            // what links count from, unless self-based
  size_t low_ = 0;              // lowest address of a span, minus base
  // Where a payload may be: of no block before the first, and of the shortest block last.
  size_t first_place_ = ~size_t{0};  // minus base; in an empty region past everything
  size_t last_place_ = 0;            // minus base and first_place_
  Span spans_ = Tags::none;          // newest span header
  std::uint32_t span_count_ = 0;
  std::uint32_t empty_spans_ = 0;  // spans that are one free block, as far as noticed
  bool damaged_ = false;
  RegionError last_error_ = RegionError::none;
  size_t managed_bytes_ = 0;  // of all spans
  size_t managed_units_ = 0;  // in blocks of all spans
  size_t used_blocks_ = 0;    // the user's, saved ones included
  size_t apart_ = 0;          // blocks freed without joining since the last joining
  // Queue of saved blocks through their first word, oldest first; `saved_last_` means nothing
  // while it is empty.
  Span saved_ = Tags::none;
  Span saved_last_ = Tags::none;
  size_t saved_count_ = 0;
  size_t saved_units_ = 0;
  Span window_ = Tags::none;  // the block falloc cuts from: flagged saved, in no list
  size_t window_units_ = 0;
  size_t least_free_units_ = 0;  // counters, from here; of managed_units_
  Span highest_ = Tags::none;    // end of the highest block ever
  size_t allocations_ = 0;
  size_t failures_ = 0;
  size_t looked_at_ = 0;
  size_t longest_search_ = 0;
  [[no_unique_address]] typename Policy::Lock lock_;
  [[no_unique_address]] typename Policy::Coalesce coalesce_;
  [[no_unique_address]] typename Policy::Freeing freeing_;
  [[no_unique_address]] typename Policy::Provision provision_;
  [[no_unique_address]] typename Policy::Source source_;
  [[no_unique_address]] typename Policy::Errors on_error_;
  Index index_;
};

}  // namespace strata

#include "region/region_check.hpp"
#include "region/region_examine.hpp"
#include "region/region_falloc.hpp"
#include "region/region_growth.hpp"
#include "region/region_paths.hpp"
#include "region/region_repair.hpp"
#include "region/region_saved.hpp"
#include "region/region_serve.hpp"
#include "region/region_spans.hpp"
