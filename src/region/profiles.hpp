// Ready policies: the allocators that started the project, and the two sets people need most.
//
// Each profile has a page with a drawing of its bytes in docs/guide/, and a program in examples/.
#pragma once

#include "region/policies.hpp"

namespace strata::profiles {

// The textbook: spans of at least 64 KiB and whole pages in a doubly linked list, each with its own
// free list and block count; blocks with size and flags in one word, a magic number and a link to
// their span; footers in free blocks; blocks served from the end; joined at once both ways; freed
// payloads poisoned; least block 64 bytes; one empty span kept, others go back at once.
template <class SourcePolicy = source::Functions, class LockPolicy = NoLock>
struct TextbookSpans : DefaultPolicy {
  using Layout = layout::Pointers<>;
  using Fit = fit::FirstInSpan;
  using Source = SourcePolicy;
  using Lock = LockPolicy;
  static constexpr Serve serve = Serve::from_end;
  static constexpr Mark mark = Mark::number;
  static constexpr Poison poison = Poison::fill;
  static constexpr bool owner = true;
  static constexpr size_t min_block = 64;
  static constexpr size_t growth = 64 * KiB;
  static constexpr unsigned kept_empty_spans = 1;
};

// The hobby kernel: blocks that carry size and address, requests of 64 bytes to a bound, a list of
// free blocks only, runs of free blocks joined while searching, a score between greedy and exact
// fit, frees saved up and done in one pass, falloc for what must be quick.
struct HobbyKernel : DefaultPolicy {
  using Layout = layout::Pointers<>;
  using Fit = fit::Score<75>;
  using Coalesce = coalesce::WhileSearching;
  using Freeing = freeing::Batched<64>;
  using Lock = SpinLock;
  static constexpr Mark mark = Mark::address;
  static constexpr size_t min_size = 64;
  static constexpr size_t max_size = 16 * MiB;
};

// Real time: a constant bound for every call, no growth, memory touched beforehand.
struct RealTime : DefaultPolicy {
  using Provision = provision::Eager;
  static constexpr Checks checks = Checks::headers;
  static constexpr bool counters = false;
};

// Debugging: guard bands, poison that is checked, sealed headers, every pointer looked up by a
// walk.
struct Debug : DefaultPolicy {
  using Layout = layout::Pointers<>;
  using Fit = fit::Best;
  static constexpr Checks checks = Checks::full;
  static constexpr Mark mark = Mark::seal;
  static constexpr Poison poison = Poison::checked;
  static constexpr bool owner = true;
  static constexpr size_t guard_bytes = 32;
};

}  // namespace strata::profiles
