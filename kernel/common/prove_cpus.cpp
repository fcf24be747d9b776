// Proofs with all CPUs at once.
#include "world.hpp"

using namespace strata;

namespace kernel {

namespace {

constinit Atomic<unsigned> failures;

// Frames wander from CPU to CPU: each leaves one and takes another's to free.
constexpr size_t boxes = 64;
constinit Atomic<std::uint64_t> mailbox[boxes];  // frame number + 1, 0: empty

void pass_frames(World& world, unsigned cpu) {
  Random random(world.seed + cpu * 977);
  for (int i = 0; i < 20000; ++i) {
    const Frame frame = world.frames->get();
    std::uint64_t sent = 0;
    if (frame) {
      static_cast<std::uint64_t*>(Machine::direct(frame))[3] = ~frame.number;
      sent = frame.number + 1;
    }
    // Release pairs with the acquire of whoever takes it out: the mark is seen.
    const std::uint64_t got = mailbox[random.below(boxes)].exchange(sent, Order::acq_rel);
    if (got == 0) continue;
    const Frame other{got - 1};
    const bool good = static_cast<std::uint64_t*>(Machine::direct(other))[3] == ~other.number;
    if (!good || !world.frames->put(other)) failures.fetch_add(1, Order::relaxed);
  }
  world.frames->drain();
}

bool frames_pass_between_cpus(World& world) {
  failures.store(0, Order::relaxed);
  run_on_all(world, pass_frames);
  for (auto& box : mailbox) {
    const std::uint64_t left = box.exchange(0, Order::acq_rel);
    if (left != 0) PROVE(world.frames->put({left - 1}));
  }
  PROVE(failures.load(Order::relaxed) == 0);
  return true;
}

void churn_ranges(World& world, unsigned cpu) {
  Random random(world.seed + cpu * 31);
  for (int i = 0; i < 300; ++i) {
    const size_t bytes = frame_size * (1 + random.below(8));
    const Address base = world.space->allocate({.bytes = bytes});
    if (base == 0) continue;
    for (size_t at = 0; at < bytes; at += frame_size) {
      *reinterpret_cast<std::uint64_t*>(base + at) = base + at + cpu;
    }
    bool good = true;
    for (size_t at = 0; at < bytes; at += frame_size) {
      good &= *reinterpret_cast<std::uint64_t*>(base + at) == base + at + cpu;
    }
    if (!good || !world.space->free(base, bytes)) failures.fetch_add(1, Order::relaxed);
    if (i % 16 == 0) world.space->settle();
  }
  world.frames->drain();
}

bool ranges_churn_on_all_cpus(World& world) {
  failures.store(0, Order::relaxed);
  run_on_all(world, churn_ranges);
  PROVE(failures.load(Order::relaxed) == 0);
  return true;
}

constinit Atomic<Address> probed;  // an address all CPUs have touched, 0: none yet
constinit Atomic<unsigned> arrived;

void touch_then_fault(World& world, unsigned cpu) {
  if (cpu == 0) {
    const Address base = world.space->allocate({.bytes = frame_size});
    probed.store(base, Order::release);
  }
  Address base;
  while ((base = probed.load(Order::acquire)) == 0) cpu_relax();
  if (!probe(reinterpret_cast<void*>(base))) failures.fetch_add(1, Order::relaxed);
  arrived.fetch_add(1, Order::acq_rel);
  if (cpu == 0) {
    while (arrived.load(Order::acquire) != world.cpus) cpu_relax();
    world.space->free(base, frame_size);
    world.space->settle();
    arrived.store(0, Order::release);
  }
  while (arrived.load(Order::acquire) != 0) cpu_relax();
  if (probe(reinterpret_cast<void*>(base))) failures.fetch_add(1, Order::relaxed);
}

bool a_flush_reaches_all_cpus(World& world) {
  for (int i = 0; i < 50; ++i) {
    failures.store(0, Order::relaxed);
    probed.store(0, Order::relaxed);
    arrived.store(0, Order::relaxed);
    run_on_all(world, touch_then_fault);
    PROVE(failures.load(Order::relaxed) == 0);
  }
  return true;
}

}  // namespace

unsigned prove_cpus(World& world, unsigned& passed) noexcept {
  static constexpr Proof proofs[] = {
      {"frames taken by one CPU and freed by another", frames_pass_between_cpus},
      {"ranges come and go on all CPUs", ranges_churn_on_all_cpus},
      {"after a flush an old address faults on every CPU", a_flush_reaches_all_cpus},
  };
  return prove_all(world, proofs, passed);
}

}  // namespace kernel
