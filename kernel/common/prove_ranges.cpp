// Proofs about storey 2.
#include "world.hpp"

using namespace strata;

namespace kernel {

namespace {

std::uint64_t& word_at(Address address) noexcept {
  return *reinterpret_cast<std::uint64_t*>(address);
}

// What may be spent at once: a part of what is free, at most so many bytes.
size_t budget(World& world, size_t most) noexcept {
  const FrameStatistics now = world.frames->statistics();
  const size_t part = (now.pool + now.magazines) / 2 * frame_size;
  return align_down(part < most ? part : most, 64 * KiB);
}

bool grows_shrinks_and_reuses(World& world) {
  const size_t bytes = budget(world, 256 * MiB);
  const Address base = world.space->allocate({.bytes = bytes, .alignment = 2 * MiB});
  PROVE(base != 0);
  for (size_t at = 0; at < bytes; at += frame_size) word_at(base + at) = at ^ base;
  for (size_t at = 0; at < bytes; at += frame_size) PROVE(word_at(base + at) == (at ^ base));
  PROVE(world.space->free(base, bytes));
  world.space->settle();
  Random random(world.seed);
  for (int i = 0; i < 256; ++i) {
    PROVE(!probe(reinterpret_cast<void*>(base + random.below(bytes))));
  }
  const Address again = world.space->allocate({.bytes = bytes, .alignment = 2 * MiB});
  PROVE(again == base);
  PROVE(world.space->free(again, bytes));
  return true;
}

bool large_pages_are_used_and_split(World& world) {
  if (world.frames->statistics().free_blocks < 16) return true;
  const size_t before = world.space->statistics().large_maps;
  const Address base = world.space->allocate({.bytes = 8 * MiB, .alignment = 2 * MiB});
  PROVE(base != 0);
  const bool used = world.space->statistics().large_maps > before;
  word_at(base + 5 * MiB) = 77;
  PROVE(world.space->trim(base, 8 * MiB, 5 * MiB + 8 * KiB));
  world.space->settle();
  PROVE(word_at(base + 5 * MiB) == 77);
  PROVE(!probe(reinterpret_cast<void*>(base + 5 * MiB + 8 * KiB)));
  PROVE(world.space->extend(base, 5 * MiB + 8 * KiB, 6 * MiB));
  word_at(base + 6 * MiB - 8) = 78;
  PROVE(word_at(base + 5 * MiB) == 77);
  PROVE(world.space->free(base, 6 * MiB));
  PROVE(used);
  return true;
}

bool guards_fault(World& world) {
  const Address base =
      world.space->allocate({.bytes = 12 * KiB, .guard_before = 4 * KiB, .guard_after = 4 * KiB});
  PROVE(base != 0);
  PROVE(probe(reinterpret_cast<void*>(base)) &&
        probe(reinterpret_cast<void*>(base + 12 * KiB - 1)));
  PROVE(!probe(reinterpret_cast<void*>(base - 1)));
  PROVE(!probe(reinterpret_cast<void*>(base + 12 * KiB)));
  const unsigned problems = Machine::problems();
  Machine::expect_problems(true);
  const bool wrong = world.space->free(base, 8 * KiB) || world.space->free(base + 4 * KiB, 8 * KiB);
  Machine::expect_problems(false);
  PROVE(!wrong && Machine::problems() == problems + 2);
  PROVE(world.space->free(base, 12 * KiB));
  return true;
}

bool a_failed_map_is_undone(World& world) {
  constexpr size_t bytes = 2 * MiB + 300 * KiB;
  for (long nth = 1; nth < 100; ++nth) {
    const size_t before = world.frames_out();
    const SpaceStatistics was = world.space->statistics();
    Machine::fail_map_at(nth);
    const Address base = world.space->allocate({.bytes = bytes});
    Machine::fail_map_at(0);
    if (base != 0) {
      PROVE(nth > 1);
      return world.space->free(base, bytes);
    }
    const SpaceStatistics is = world.space->statistics();
    PROVE(is.mapped_pages == was.mapped_pages);
    PROVE(is.ranges.used_bytes == was.ranges.used_bytes);
    PROVE(is.ranges.used_ranges == was.ranges.used_ranges);
    PROVE(world.frames_out() == before);
  }
  return false;
}

// Many lives of ranges in a window twice as big as what is ever alive.
bool a_window_of_twice_the_live_size_lasts(World& world) {
  constexpr size_t ranges = 64;
  constexpr size_t most = 8 * frame_size;
  constexpr Address window = Machine::window_base + Machine::window_bytes;
  Space* narrow = Space::start(*world.frames, window, 2 * ranges * most);
  PROVE(narrow != nullptr);
  Address bases[ranges] = {};
  size_t sizes[ranges] = {};
  Random random(world.seed);
  for (std::uint64_t i = 0; i < world.cycles; ++i) {
    const size_t k = random.below(ranges);
    if (bases[k] != 0) PROVE(word_at(bases[k]) == k && narrow->free(bases[k], sizes[k]));
    sizes[k] = frame_size * (1 + random.below(8));
    bases[k] = narrow->allocate({.bytes = sizes[k]});
    PROVE(bases[k] != 0);
    word_at(bases[k]) = k;
  }
  for (size_t k = 0; k < ranges; ++k) {
    if (bases[k] != 0) PROVE(narrow->free(bases[k], sizes[k]));
  }
  narrow->stop();
  return true;
}

// All memory into ranges, to the last frame; then everything back.
bool exhausted_and_recovered(World& world) {
  // Most of a big memory goes in a few long runs, untouched, so that the last part is what is
  // mapped.
  constexpr size_t most_runs = 64;
  static FrameRun runs[most_runs];
  size_t run_count = 0;
  while (run_count < most_runs) {
    const FrameStatistics now = world.frames->statistics();
    constexpr size_t rest = 64 * MiB / frame_size;
    if (now.pool <= rest + frames_per_block) break;
    const size_t most = align_down(now.pool - rest, frames_per_block);
    const size_t longest = now.longest_blocks * frames_per_block;
    FrameRun run;  // a low zone keeps a reserve, so the longest run may be refused
    for (size_t count = most < longest ? most : longest; !run.first && count >= frames_per_block;
         count /= 2) {
      run = world.frames->allocate({.count = count});
    }
    if (!run.first) break;
    runs[run_count++] = run;
  }
  Address last = 0;
  size_t count = 0;
  for (;;) {
    const Address base = world.space->allocate({.bytes = 256 * KiB});
    if (base == 0) break;
    word_at(base) = last;
    last = base;
    ++count;
  }
  const FrameStatistics full = world.frames->statistics();
  bool good = true;
  while (last != 0) {
    const Address next = word_at(last);
    good &= world.space->free(last, 256 * KiB);
    last = next;
  }
  while (run_count != 0) {
    const FrameRun run = runs[--run_count];
    good &= world.frames->free(run.first, run.count);
  }
  PROVE(good && count != 0);
  // Less than one more range, the reserves of low zones and other CPUs' magazines were left.
  PROVE(full.pool < 64 + 4 * GiB / frame_size / Frames::reserve_divisor);
  const Address base = world.space->allocate({.bytes = 256 * KiB});
  PROVE(base != 0 && world.space->free(base, 256 * KiB));
  return true;
}

}  // namespace

unsigned prove_ranges(World& world, unsigned& passed) noexcept {
  static constexpr Proof proofs[] = {
      {"grows, shrinks, old addresses fault, addresses are used again", grows_shrinks_and_reuses},
      {"2 MiB pages are used, split by trim, extended in place", large_pages_are_used_and_split},
      {"guards fault; a wrong size or place is not freed", guards_fault},
      {"map() failing at its n-th call is undone, for every n", a_failed_map_is_undone},
      {"a window of twice the live size lasts", a_window_of_twice_the_live_size_lasts},
      {"memory exhausted to the end and recovered", exhausted_and_recovered},
  };
  return prove_all(world, proofs, passed);
}

}  // namespace kernel
