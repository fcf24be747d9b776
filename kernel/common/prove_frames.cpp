// Proofs about storey 1.
#include "world.hpp"

using namespace strata;

namespace kernel {

namespace {

constexpr size_t most_touched = 65536;  // frames written to; the host has to back them with memory

std::uint64_t* words_of(Frame frame) noexcept {
  return static_cast<std::uint64_t*>(Machine::direct(frame));
}

// Everything that is free, taken out: single frames in a chain through their own first words, and
// whole blocks in a bitmap of their own, so that two owners of one frame cannot stay unseen.
class Everything {
 public:
  explicit Everything(World& world) noexcept : world_(world) {}

  bool take() noexcept {
    std::uint64_t top = 0;
    world_.frames->walk([&](const FrameRegion& region) { top = region.end.number; });
    map_frames_ = divide_up(divide_up(top, frames_per_block), 8 * frame_size);
    const FrameRun map = world_.frames->allocate({.count = map_frames_, .may_use_reserve = true});
    if (!map.first) return false;
    map_ = map.first;
    __builtin_memset(words_of(map_), 0, map_frames_ * frame_size);
    while (singles_ < most_touched) {
      const Frame frame = world_.frames->get();
      if (!frame) break;
      chain(frame);
    }
    world_.frames->drain();  // what the last refill brought too many, for the runs below
    for (;;) {
      const FrameRun run = world_.frames->allocate(
          {.count = frames_per_block, .alignment = frames_per_block, .may_use_reserve = true});
      if (!run.first) break;
      std::uint64_t& word = words_of(map_)[run.first.number / frames_per_block / 64];
      const std::uint64_t bit = std::uint64_t{1} << (run.first.number / frames_per_block % 64);
      if ((word & bit) != 0) return false;  // handed out twice
      word |= bit;
      ++blocks_;
    }
    for (;;) {
      const FrameRun run = world_.frames->allocate({.count = 1, .may_use_reserve = true});
      if (!run.first) break;
      chain(run.first);
    }
    return true;
  }

  // True when every single frame still says its own number and lies in no block we hold.
  bool give_back() noexcept {
    bool good = true;
    while (singles_ != 0) {
      const Frame frame = last_;
      std::uint64_t* words = words_of(frame);
      good &= words[0] == frame.number && words[511] == ~frame.number;
      const std::uint64_t block = frame.number / frames_per_block;
      good &= (words_of(map_)[block / 64] >> (block % 64) & 1) == 0;
      last_ = {words[1]};
      good &= world_.frames->put(frame);
      --singles_;
    }
    for (size_t i = 0; i < map_frames_ * frame_size / 8; ++i) {
      for (std::uint64_t bits = words_of(map_)[i]; bits != 0; bits &= bits - 1) {
        const Frame first{(i * 64 + lowest_bit(bits)) * frames_per_block};
        good &= world_.frames->free(first, frames_per_block);
      }
    }
    good &= world_.frames->free(map_, map_frames_);
    return good;
  }

  [[nodiscard]] size_t frames() const noexcept {
    return singles_ + blocks_ * frames_per_block + map_frames_;
  }

 private:
  void chain(Frame frame) noexcept {
    std::uint64_t* words = words_of(frame);
    words[0] = frame.number;
    words[1] = last_.number;
    words[511] = ~frame.number;
    last_ = frame;
    ++singles_;
  }

  World& world_;
  Frame map_{};
  size_t map_frames_ = 0;
  Frame last_{};
  size_t singles_ = 0;
  size_t blocks_ = 0;
};

bool every_frame_has_one_owner(World& world) {
  const FrameStatistics before = world.frames->statistics();
  Everything everything(world);
  PROVE(everything.take());
  const FrameStatistics all = world.frames->statistics();
  const size_t taken = everything.frames();
  PROVE(everything.give_back());
  PROVE(all.pool + all.magazines == 0);
  PROVE(taken == before.pool + before.magazines);
  return true;
}

bool metadata_is_small(World& world) {
  const FrameStatistics now = world.frames->statistics();
  const size_t all = now.managed + now.metadata;
  // In less than half a GiB the fixed part is more than that: our own object, and for each region
  // its head, two guard blocks and what rounds them up to frames.
  const size_t fixed = divide_up(sizeof(Frames), frame_size) + 1 + 2 * now.regions;
  const bool is_small = all < 512 * MiB / frame_size;
  PROVE(now.metadata <= (is_small ? fixed + all * sizeof(FrameBlock) / (2 * MiB) : all / 5000));
  return true;
}

bool zones_and_limits_hold(World& world) {
  Frames& frames = *world.frames;
  if (frames.free_in(FrameZone::isa) != 0) {
    const FrameRun low = frames.allocate({.count = 1, .zone = FrameZone::isa});
    PROVE(low.first && low.first.address() < 16 * MiB);
    PROVE(frames.free(low.first, 1));
  }
  const FrameRun run = frames.allocate(
      {.count = 12, .alignment = 4, .zone = FrameZone::below_4gib, .limits = {.boundary = 16}});
  PROVE(run.first && run.first.address() < 4 * GiB && run.first.number % 4 == 0);
  PROVE(run.first.number / 16 == (run.first.number + 11) / 16);
  PROVE(frames.free(run.first, 5) && frames.free(run.first + 5, 7));  // in pieces
  const FrameRun high = frames.allocate({.count = 3, .limits = {.min = run.first + 20}});
  PROVE(!high.first || high.first.number >= run.first.number + 20);
  if (high.first) PROVE(frames.free(high.first, 3));
  return true;
}

bool wrong_frees_are_found(World& world) {
  const unsigned before = Machine::problems();
  Machine::expect_problems(true);
  const Frame frame = world.frames->get();
  bool good = world.frames->put(frame);
  good &= !world.frames->put(frame);                     // twice
  good &= !world.frames->put({0});                       // page 0
  good &= !world.frames->put(Frame::at(0x100000));       // the kernel
  good &= !world.frames->put({std::uint64_t{1} << 50});  // nowhere
  Frame metadata;
  world.frames->walk([&](const FrameRegion& region) { metadata = region.metadata; });
  good &= !world.frames->put(metadata);
  Machine::expect_problems(false);
  PROVE(good && Machine::problems() == before + 5);
  return true;
}

bool memory_goes_and_comes(World& world) {
  // The highest region, when it is free as a whole.
  Frames& frames = *world.frames;
  const FrameStatistics before = frames.statistics();
  MemorySpan span{};
  frames.walk([&](const FrameRegion& region) {
    span = {region.first.address(), region.end.address()};
  });
  PROVE(frames.set_offline(span.base));
  frames.drain();
  if (!frames.remove(span.base)) {  // somebody uses it: stays
    PROVE(frames.set_online(span.base));
    return true;
  }
  PROVE(frames.statistics().managed < before.managed);
  PROVE(frames.add(span));
  PROVE(!frames.add(span));
  PROVE(frames.statistics().managed == before.managed);
  return true;
}

}  // namespace

unsigned prove_frames(World& world, unsigned& passed) noexcept {
  static constexpr Proof proofs[] = {
      {"every frame has one owner, and all can be had", every_frame_has_one_owner},
      {"metadata is at most 0.02% of memory", metadata_is_small},
      {"zones, alignment and borders are kept; runs are freed in pieces", zones_and_limits_hold},
      {"freeing twice, or what is not ours, is found", wrong_frees_are_found},
      {"memory is taken away and added while running", memory_goes_and_comes},
  };
  return prove_all(world, proofs, passed);
}

}  // namespace kernel
