// Proofs with a timer that interrupts: its handler calls the three storeys while what it interrupts
// is inside them.
#include "strata/strata.h"
#include "world.hpp"

using namespace strata;

namespace kernel {

namespace {

// Takes and gives back at all three storeys, and looks whether what it holds is still its own.
class Visitor {
 public:
  void visit(World& world) noexcept {
    const size_t i = turn_++ % places;
    give(world, i);
    blocks_[i] = static_cast<std::uint64_t*>(strata_malloc(16 + turn_ * 24 % 900));
    if (blocks_[i] != nullptr) *blocks_[i] = mark(i);
    frames_[i] = world.frames->get();
    if (frames_[i]) word_of(frames_[i]) = mark(i) + 1;
    if (turn_ % 4 == 0) ranges_[i] = world.space->allocate({.bytes = frame_size});
    if (ranges_[i] != 0) *reinterpret_cast<std::uint64_t*>(ranges_[i]) = mark(i) + 2;
  }
  // True when all of it was found as it was left.
  bool leave(World& world) noexcept {
    for (size_t i = 0; i < places; ++i) give(world, i);
    return good_;
  }

 private:
  static constexpr size_t places = 32;

  std::uint64_t mark(size_t i) const noexcept { return Address(this) + i * 8; }
  static std::uint64_t& word_of(Frame frame) noexcept {
    return *static_cast<std::uint64_t*>(Machine::direct(frame));
  }
  void give(World& world, size_t i) noexcept {
    if (blocks_[i] != nullptr) good_ &= *blocks_[i] == mark(i);
    strata_free(blocks_[i]);
    if (frames_[i]) good_ &= word_of(frames_[i]) == mark(i) + 1 && world.frames->put(frames_[i]);
    if (ranges_[i] != 0) {
      good_ &= *reinterpret_cast<std::uint64_t*>(ranges_[i]) == mark(i) + 2;
      good_ &= world.space->free(ranges_[i], frame_size);
    }
    blocks_[i] = nullptr;
    frames_[i] = {};
    ranges_[i] = 0;
  }

  std::uint64_t* blocks_[places] = {};
  Frame frames_[places];
  Address ranges_[places] = {};
  std::uint64_t turn_ = 0;
  bool good_ = true;
};

Visitor in_handler;
World* the_world;  // set while there are ticks
constinit Atomic<unsigned> ticks;

void tick() noexcept {
  in_handler.visit(*the_world);
  ticks.fetch_add(1, Order::relaxed);
}

bool handlers_allocate(World& world) {
  // By work, not by time: a host that is busy elsewhere has few ticks and few visits alike.
  constexpr unsigned wanted = 400;
  constexpr unsigned most_visits = 10'000'000;
  Visitor outside;
  the_world = &world;
  ticks.store(0, Order::relaxed);
  set_tick(tick);
  for (unsigned visits = 0; ticks.load(Order::relaxed) < wanted && visits < most_visits; ++visits) {
    outside.visit(world);
  }
  set_tick(nullptr);
  PROVE(ticks.load(Order::relaxed) >= wanted);
  PROVE(outside.leave(world));
  PROVE(in_handler.leave(world));
  strata_trim(0);
  return true;
}

}  // namespace

unsigned prove_interrupts(World& world, unsigned& passed) noexcept {
  static constexpr Proof proofs[] = {
      {"interrupt handlers allocate while what they interrupt does", handlers_allocate},
  };
  return prove_all(world, proofs, passed, false);
}

}  // namespace kernel
