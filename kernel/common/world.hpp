// World: what the proofs work on, and the little they share.
#pragma once

#include "boot.hpp"
#include "console.hpp"

namespace kernel {

using strata::SpaceStatistics;

// xorshift64*: the same numbers for the same seed, on every machine.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed * 2 + 1) {}
  std::uint64_t next() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dULL;
  }
  std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }

 private:
  std::uint64_t state_;
};

struct World {
  Frames* frames;
  Space* space;
  unsigned cpus;
  std::uint64_t seed;
  std::uint64_t cycles;  // of growing and shrinking in the narrow window

  // Frames that are out, less those under mapped pages, tags and page tables: what boot took, and
  // what was lost. Nothing may ever be lost.
  [[nodiscard]] size_t frames_out() const noexcept {
    frames->drain();
    const SpaceStatistics now = space->statistics();
    return frames->statistics().out() - now.tag_frames - now.mapped_pages - now.waiting_pages -
           Machine::page_tables();
  }
  [[nodiscard]] size_t mapped() const noexcept { return space->statistics().mapped_pages; }
};

// Runs job(world, cpu) on every CPU at once and returns when all have ended.
using Job = void(World& world, unsigned cpu);
void run_on_all(World& world, Job* job) noexcept;

// A claim that fails stops the proof with its own words.
#define PROVE(claim)                                                        \
  do {                                                                      \
    if (!(claim)) {                                                         \
      say("       not so: ", #claim, " (", __FILE__, ":", __LINE__, ")\n"); \
      return false;                                                         \
    }                                                                       \
  } while (false)

// Each runs its proofs and returns how many failed; `passed` counts the others.
unsigned prove_frames(World& world, unsigned& passed) noexcept;
unsigned prove_ranges(World& world, unsigned& passed) noexcept;
unsigned prove_cpus(World& world, unsigned& passed) noexcept;
unsigned prove_heap(World& world, unsigned& passed) noexcept;
unsigned prove_interrupts(World& world, unsigned& passed) noexcept;

struct Proof {
  const char* says;
  bool (*run)(World& world);
};

// Each proof leaves as many frames out as it found, and as many pages mapped: `exact` is false for
// the heap alone, which keeps some for its next user.
template <size_t N>
unsigned prove_all(World& world, const Proof (&proofs)[N], unsigned& passed,
                   bool exact = true) noexcept {
  unsigned failed = 0;
  for (const Proof& proof : proofs) {
    const size_t before = world.frames_out();
    const size_t mapped_before = world.mapped();
    bool good = proof.run(world);
    world.space->settle();
    const size_t after = world.frames_out();
    if (good && exact && world.mapped() != mapped_before) {
      say("       mapped pages before ", mapped_before, ", after ", world.mapped(), "\n");
      good = false;
    }
    if (good && after != before) {
      say("       frames out before ", before, ", after ", after, "\n");
      good = false;
    }
    if (!world.frames->check() || !world.space->check()) {
      say("       an invariant of frames or ranges is broken\n");
      good = false;
    }
    say(good ? "  ok   " : "  FAIL ", proof.says, "\n");
    good ? ++passed : ++failed;
  }
  return failed;
}

}  // namespace kernel
