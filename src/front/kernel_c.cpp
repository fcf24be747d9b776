// strata/kernel.h: the three storeys for kernels written in C, on a TableMachine. Compiled with
// src/front/kernel_c first on the include path, which selects that machine for the heap.
#include "strata/kernel.h"

#include "front/freestanding.hpp"
#include "platform/kernel/thread_area.hpp"
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

RangeRequest range_request(size_t bytes, size_t alignment, size_t guard) noexcept {
  return {.bytes = bytes,
          .alignment = alignment == 0 ? 1 : alignment,
          .guard_before = guard,
          .guard_after = guard};
}

ThreadImage image_of(const strata_thread_image* image) noexcept {
  return {static_cast<const unsigned char*>(image->data), image->data_bytes, image->bytes,
          image->alignment};
}

static_assert(int(Problem::block_invalid) == STRATA_BLOCK_INVALID);
static_assert(int(Access::execute) == STRATA_EXECUTE);

}  // namespace

const char* strata_problem_text(strata_problem problem) { return problem_text(Problem(problem)); }

int strata_kernel_start(const strata_machine* machine, const strata_span* spans, size_t count,
                        uint64_t mapped_limit, uintptr_t window, size_t window_bytes) {
  if (machine->map == nullptr || machine->unmap == nullptr || machine->flush == nullptr ||
      machine->cpu == nullptr || machine->fail == nullptr) {
    return 0;
  }
  TableMachine::set(*machine);
  MemoryMap<128> map;
  map.read(SpanReader{spans, count});
  map.finish();
  frames = Frames<TableMachine>::start(map, mapped_limit);
  if (frames == nullptr) return 0;
  space = Space<TableMachine>::start(*frames, window, window_bytes);
  return space != nullptr ? 1 : 0;
}

size_t strata_thread_area_bytes(const strata_thread_image* image) {
  return thread_area_bytes(image_of(image));
}
uintptr_t strata_thread_area_build(const strata_thread_image* image, void* memory) {
  return build_thread_area(image_of(image), memory);
}
void strata_heap_start(void) { start_heap(*space); }

int strata_frames_add(uint64_t base, uint64_t bytes) { return frames->add({base, base + bytes}); }
int strata_frames_offline(uint64_t base) { return frames->set_offline(base); }
int strata_frames_remove(uint64_t base) { return frames->remove(base); }
void strata_frames_drain(void) { frames->drain(); }
uint64_t strata_frame_get(void) { return address_of(frames->get()); }
int strata_frame_put(uint64_t physical) { return frames->put(Frame::at(physical)); }
uint64_t strata_frames_get(size_t pages, size_t alignment, uint64_t below) {
  const size_t in_frames = alignment > frame_size ? alignment >> frame_shift : 1;
  FrameRequest request{.count = pages, .alignment = in_frames};
  if (below != 0) request.limits.max = Frame::at(below);
  return address_of(frames->allocate(request).first);
}
int strata_frames_put(uint64_t physical, size_t pages) {
  return frames->free(Frame::at(physical), pages);
}
size_t strata_frames_free(void) { return frames->free_frames(); }

uintptr_t strata_range_get(size_t bytes, size_t alignment, size_t guard) {
  return space->allocate(range_request(bytes, alignment, guard));
}
uintptr_t strata_range_reserve(size_t bytes, size_t alignment, size_t guard) {
  return space->reserve(range_request(bytes, alignment, guard));
}
int strata_range_commit(uintptr_t address, size_t bytes, strata_access access) {
  return space->commit(address, bytes, Access(access));
}
int strata_range_decommit(uintptr_t address, size_t bytes) {
  return space->decommit(address, bytes);
}
int strata_range_resize(uintptr_t address, size_t bytes, size_t new_bytes) {
  return new_bytes > bytes ? space->extend(address, bytes, new_bytes)
                           : space->trim(address, bytes, new_bytes);
}
int strata_range_put(uintptr_t address, size_t bytes) { return space->free(address, bytes); }
void strata_ranges_settle(void) { space->settle(); }
