// strata/kernel.h: frames and ranges for kernels written in C, on a TableMachine.
#include "strata/kernel.h"

#include "platform/table/table_machine.hpp"
#include "ranges/space.hpp"

namespace {

using namespace strata;

constinit Frames<TableMachine>* frames = nullptr;  // both set by strata_kernel_start()
constinit Space<TableMachine>* space = nullptr;

struct SpanReader {
  const strata_span* map;
  size_t count;

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (size_t i = 0; i < count; ++i) visit(map[i].base, map[i].bytes, map[i].usable != 0);
  }
};

std::uint64_t address_of(Frame frame) noexcept { return frame ? frame.address() : STRATA_NO_FRAME; }

}  // namespace

int strata_kernel_start(const strata_machine* machine, const strata_span* spans, size_t count,
                        uint64_t mapped_limit, uintptr_t window, size_t window_bytes) {
  TableMachine::set(*machine);
  MemoryMap<128> map;
  map.read(SpanReader{spans, count});
  map.finish();
  frames = Frames<TableMachine>::start(map, mapped_limit);
  if (frames == nullptr) return 0;
  space = Space<TableMachine>::start(*frames, window, window_bytes);
  return space != nullptr ? 1 : 0;
}

int strata_frames_add(uint64_t base, uint64_t bytes) {
  return frames->add({base, base + bytes}) ? 1 : 0;
}
uint64_t strata_frame_get(void) { return address_of(frames->get()); }
int strata_frame_put(uint64_t physical) { return frames->put(Frame::at(physical)) ? 1 : 0; }
uint64_t strata_frames_get(size_t pages, size_t alignment, uint64_t below) {
  const size_t in_frames = alignment > frame_size ? alignment >> frame_shift : 1;
  FrameRequest request{.count = pages, .alignment = in_frames};
  if (below != 0) request.limits.max = Frame::at(below);
  return address_of(frames->allocate(request).first);
}
int strata_frames_put(uint64_t physical, size_t pages) {
  return frames->free(Frame::at(physical), pages) ? 1 : 0;
}
size_t strata_frames_free(void) {
  const FrameStatistics now = frames->statistics();
  return now.pool + now.magazines;
}

uintptr_t strata_range_get(size_t bytes, size_t alignment, size_t guard) {
  return space->allocate({.bytes = bytes,
                          .alignment = alignment == 0 ? 1 : alignment,
                          .guard_before = guard,
                          .guard_after = guard});
}
int strata_range_put(uintptr_t address, size_t bytes) {
  return space->free(address, bytes) ? 1 : 0;
}
void strata_ranges_settle(void) { space->settle(); }
