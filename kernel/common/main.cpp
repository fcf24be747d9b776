// kernel_main: from a firmware map to a machine that allocates, told over the serial line; then the
// proofs; then a verdict.
//
// Command line: cpus=N (default 1) seed=N cycles=N module=BASE (a further module of 1 MiB that a
// boot loader put at BASE, for the tests of loaders that put it badly) Module: a memory map to
// play, one line an entry: BASE LENGTH usable|reserved|dimm, in hex.
//   usable and reserved  a recorded map; the kernel uses only what is also real memory
//   dimm                 memory that is really there and firmware did not tell of
#include <new>

#include "front/freestanding.hpp"
#include "world.hpp"

using namespace strata;

extern "C" {
extern void (*init_array_start[])();
extern void (*init_array_end[])();
}

namespace kernel {

namespace {

constexpr size_t map_capacity = 256;
constinit MemoryMap<map_capacity> real_map;
constinit MemoryMap<map_capacity> played_map;

bool starts_with(const char* text, const char* with) noexcept {
  for (; *with != 0; ++text, ++with) {
    if (*text != *with) return false;
  }
  return true;
}

std::uint64_t option(const char* line, const char* name, std::uint64_t otherwise) noexcept {
  for (; *line != 0; ++line) {
    if (!starts_with(line, name)) continue;
    while (*line != '=') ++line;
    std::uint64_t value = 0;
    for (++line; *line >= '0' && *line <= '9'; ++line) value = value * 10 + unsigned(*line - '0');
    return value;
  }
  return otherwise;
}

// Reads the module's text. Lines it cannot read are skipped.
class TextReader {
 public:
  TextReader(const char* text, size_t bytes, bool dimms) noexcept
      : text_(text), bytes_(bytes), dimms_(dimms) {}

  template <class V>
  void for_each(V&& visit) const {
    size_t at = 0;
    while (at < bytes_) {
      const std::uint64_t base = number(at);
      const std::uint64_t length = number(at);
      while (at < bytes_ && text_[at] == ' ') ++at;
      const char kind = at < bytes_ ? text_[at] : '\n';
      while (at < bytes_ && text_[at] != '\n') ++at;
      ++at;
      if (kind == 'd' && dimms_) visit(base, length, true);
      if ((kind == 'u' || kind == 'r') && !dimms_) visit(base, length, kind == 'u');
    }
  }

 private:
  std::uint64_t number(size_t& at) const noexcept {
    std::uint64_t value = 0;
    while (at < bytes_ && text_[at] == ' ') ++at;
    if (at + 1 < bytes_ && text_[at] == '0' && text_[at + 1] == 'x') at += 2;
    for (; at < bytes_; ++at) {
      const char digit = text_[at];
      if (digit >= '0' && digit <= '9') {
        value = value << 4 | unsigned(digit - '0');
      } else if (digit >= 'a' && digit <= 'f') {
        value = value << 4 | unsigned(digit - 'a' + 10);
      } else {
        break;
      }
    }
    return value;
  }

  const char* text_;
  size_t bytes_;
  bool dimms_;
};

void tell_entry(std::uint64_t base, std::uint64_t length, bool usable) noexcept {
  say("  ", Hex{base, 12}, " + ", Hex{length, 10}, usable ? "  usable    " : "  reserved  ",
      Bytes{length}, "\n");
}

// A module that a loader put over the kernel has destroyed it, or will be destroyed by it.
void refuse_overlaps(const Boot& boot) noexcept {
  const MemorySpan kernel = boot.reserved[0].span;
  for (unsigned i = 1; i < boot.reserved_count; ++i) {
    const MemorySpan& span = boot.reserved[i].span;
    if (span.base >= kernel.end || kernel.base >= span.end) continue;
    say("  ", boot.reserved[i].what, " at ", Hex{span.base, 12}, " .. ", Hex{span.end, 12},
        " overlaps the kernel at ", Hex{kernel.base, 12}, " .. ", Hex{kernel.end, 12},
        ": one has overwritten the other, so neither is used\n");
    finish(false);
  }
}

// Firmware's map and the module's, made one: what is real and may be used.
const MemoryMap<map_capacity>& read_maps(const Boot& boot) noexcept {
  say("\n1. The memory map as found (", boot.firmware, ")\n");
  const FirmwareReader firmware{boot};
  firmware.for_each(tell_entry);
  const auto add = [](std::uint64_t base, std::uint64_t length, bool usable) {
    if (usable) real_map.add(base, length);
  };
  const auto take = [](std::uint64_t base, std::uint64_t length, bool usable) {
    if (!usable) real_map.reserve(base, length);
  };
  const TextReader dimms(boot.module, boot.module_bytes, true);
  const TextReader played(boot.module, boot.module_bytes, false);
  firmware.for_each(add);
  dimms.for_each(add);
  firmware.for_each(take);
  for (unsigned i = 0; i < boot.reserved_count; ++i) {
    real_map.reserve(boot.reserved[i].span.base, boot.reserved[i].span.bytes());
  }
  real_map.finish();
  size_t entries = 0;
  if (boot.module != nullptr) {
    say("  and from the module:\n");
    dimms.for_each(tell_entry);
    played.for_each([&](std::uint64_t base, std::uint64_t length, bool usable) {
      if (++entries <= 24) tell_entry(base, length, usable);
    });
    if (entries > 24) say("  ... ", entries, " entries in all\n");
  }
  if (entries == 0) return real_map;
  played_map.read(played);
  std::uint64_t from = 0;  // what is not real must not be used, whatever was recorded
  for (const MemorySpan& span : real_map) {
    played_map.reserve(from, span.base - from);
    from = span.end;
  }
  played_map.reserve(from, ~std::uint64_t{0} - from);
  played_map.finish();
  return played_map;
}

void tell_map(const MemoryMap<map_capacity>& map) noexcept {
  say("\n2. Normalised: reserved wins, whole frames, page 0, kernel and module left out\n");
  for (const MemorySpan& span : map) {
    say("  ", Hex{span.base, 12}, " .. ", Hex{span.end, 12}, "  ", Bytes{span.bytes()}, "\n");
  }
  const MemoryMapReport& report = map.report();
  say("  ", map.size(), " spans, ", Bytes{map.usable_bytes()}, " usable; ", report.empty,
      " empty and ", report.wrapping, " wrapping entries, ", Bytes{report.rounded_bytes},
      " rounded away, ", Bytes{report.lost_bytes}, " lost\n");
}

// One line a region: each cell a 48th of it, by how much of it is out.
void draw(Frames& frames) noexcept {
  frames.walk([](const FrameRegion& region) {
    constexpr size_t cells = 48;
    char line[cells + 1] = {};
    const size_t count = region.frames();
    for (size_t cell = 0; cell < cells; ++cell) {
      const size_t from = count * cell / cells;
      const size_t to = count * (cell + 1) / cells;
      // At most 64 samples a cell: 512 GiB are drawn as fast as 4 MiB.
      const size_t step = (to - from) / 64 + 1;
      size_t used = 0, seen = 0;
      for (size_t i = from; i < to; i += step, ++seen) {
        const Frame frame = region.first + i;
        used +=
            region.block_of(frame).pool[frame.number % 512 / 64] >> (frame.number % 64) & 1 ? 0 : 1;
      }
      line[cell] = seen == 0 ? ' ' : used == 0 ? '.' : used * 2 < seen ? '-' : '#';
    }
    say("  ", Hex{region.first.address(), 12}, " |", Left{line, cells}, "| ",
        Bytes{count * frame_size}, "\n");
  });
  say("  (. free, - partly out, # out)\n");
}

void* thread_areas[Machine::max_cpus];  // set before the CPU starts

struct Workers {
  Atomic<Job*> job;        // written by the first CPU
  Atomic<unsigned> round;  // counts jobs; release: job and world are seen
  Atomic<unsigned> done;   // CPUs that ended this round's job
  World* world;
};
constinit Workers workers = {};

unsigned last_round[Machine::max_cpus];  // written by its own CPU

void worker_main(unsigned number) {
  set_thread_area(thread_areas[number]);
  for (unsigned round = 0;;) {
    last_round[number] = round;
    while (workers.round.load(Order::acquire) == round) {
      sleep_unless([] { return workers.round.load(Order::acquire) != last_round[Machine::cpu()]; });
    }
    ++round;
    workers.job.load(Order::relaxed)(*workers.world, number);
    workers.done.fetch_add(1, Order::acq_rel);
  }
}

void run_constructors() noexcept {
  for (auto* constructor = init_array_start; constructor != init_array_end; ++constructor) {
    (*constructor)();
  }
}

}  // namespace

void run_on_all(World& world, Job* job) noexcept {
  workers.world = &world;
  workers.job.store(job, Order::relaxed);
  workers.done.store(0, Order::relaxed);
  workers.round.fetch_add(1, Order::release);
  if (world.cpus > 1) wake_cpus();
  job(world, 0);
  while (workers.done.load(Order::acquire) != world.cpus - 1) cpu_relax();
}

void kernel_main(const Boot& found) noexcept {
  say("\nStrata kernel: frames, ranges and a heap, proving themselves\n");
  Boot boot = found;
  if (const std::uint64_t base = option(boot.command_line, "module=", 0); base != 0) {
    boot.reserved[boot.reserved_count++] = {{base, base + 1 * MiB}, "a further module"};
  }
  refuse_overlaps(boot);
  const MemoryMap<map_capacity>& map = read_maps(boot);
  tell_map(map);

  say("\n3. Frames\n");
  Frames* frames = Frames::start(map, Machine::boot_mapped);
  if (frames == nullptr) {
    say("  no usable memory that is mapped at boot: nothing to start on\n");
    finish(false);
  }
  Machine::set_frames(frames);
  for (const MemorySpan& span : map) {
    if (span.end > Machine::boot_mapped) {
      const std::uint64_t from =
          span.base > Machine::boot_mapped ? span.base : Machine::boot_mapped;
      if (!Machine::map_direct({from, span.end})) panic("no frames for the direct map");
    }
  }
  frames->add_from(map, Machine::boot_mapped);
  const FrameStatistics at_start = frames->statistics();
  say("  ", at_start.managed, " frames (", Bytes{at_start.managed * frame_size}, ") in ",
      at_start.regions, " regions; metadata ", Bytes{at_start.metadata * frame_size}, "; ",
      at_start.free_blocks, " whole 2 MiB blocks; ", Machine::page_tables(),
      " page tables for the direct map\n");
  draw(*frames);

  say("\n4. Ranges\n");
  Space* space = Space::start(*frames, Machine::window_base, Machine::window_bytes);
  if (space == nullptr) {
    say("  too little usable memory for ranges\n");
    finish(false);
  }
  say("  a window of ", Bytes{Machine::window_bytes}, " at ", Hex{Machine::window_base}, "; ",
      space->statistics().tag_frames, " frames of tags\n");

  say("\n5. The heap, before any constructor has run\n");
  const unsigned wanted = unsigned(option(boot.command_line, "cpus=", 1));
  const size_t area_frames = divide_up(thread_area_size(), frame_size);
  for (unsigned i = 0; i < wanted && i < Machine::max_cpus; ++i) {
    const FrameRun run = frames->allocate({.count = area_frames});
    if (!run.first) {
      say("  too little usable memory for a heap\n");
      finish(false);
    }
    thread_areas[i] = Machine::direct(run.first);
  }
  set_thread_area(thread_areas[0]);
  start_heap(*space);
  say("  first blocks at ", Hex{Address(::operator new(24))}, " and ",
      Hex{Address(::operator new(100000))}, "\n");
  run_constructors();
  World world{frames, space, 1, option(boot.command_line, "seed=", 1),
              option(boot.command_line, "cycles=", 5000)};
  world.cpus = start_cpus(wanted, *frames, worker_main);
  say("\n6. ", world.cpus, world.cpus == 1 ? " CPU runs\n" : " CPUs run\n");

  say("\n7. Proofs\n");
  unsigned passed = 0;
  unsigned failed = world.cpus == wanted ? 0 : 1;
  if (failed != 0) say("  FAIL ", wanted, " CPUs were wanted\n");
  const size_t before = world.frames_out();
  failed += prove_frames(world, passed);
  failed += prove_ranges(world, passed);
  failed += prove_cpus(world, passed);
  failed += prove_heap(world, passed);
  failed += prove_interrupts(world, passed);
  world.space->settle();
  const size_t after = world.frames_out();
  say(before == after ? "  ok   " : "  FAIL ", "frames out ", after, " = frames in ", before,
      "; the heap keeps ", Bytes{world.mapped() * frame_size}, " mapped\n");
  before == after ? ++passed : ++failed;

  say("\n8. Memory at the end\n");
  draw(*frames);
  const SpaceStatistics spaces = space->statistics();
  say("  ", spaces.flushes, " flushes, ", spaces.large_maps, " large pages, ",
      Machine::page_tables(), " page tables kept\n");
  say("\nverdict: ", passed, " proofs held, ", failed, " failed\n");
  finish(failed == 0);
}

}  // namespace kernel
