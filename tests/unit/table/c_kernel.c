/* A kernel written in C, as far as Strata is concerned: strata/kernel.h from start to end.
 *
 * Compiled as C, freestanding: it includes nothing but Strata's own headers and calls nothing else.
 * c_kernel_test.cpp gives it a machine.
 */
#include "c_kernel.h"

#include "strata/strata.h"

#define MIB ((size_t)1 << 20)

#define TEXT_OF(x) #x
#define LINE_OF(x) TEXT_OF(x)
#define CHECK(claim)                                            \
  do {                                                          \
    if (!(claim)) return "line " LINE_OF(__LINE__) ": " #claim; \
  } while (0)

static void fill(uintptr_t at, size_t bytes, unsigned char with) {
  size_t i;
  for (i = 0; i < bytes; ++i) ((volatile unsigned char*)at)[i] = with;
}

static const char* frames(const struct observed* observed) {
  const size_t before = strata_frames_free();
  const uint64_t frame = strata_frame_get();
  uint64_t low;
  CHECK(frame != STRATA_NO_FRAME && frame % 4096 == 0);
  CHECK(strata_frame_put(frame) == 1);
  CHECK(strata_frame_put(frame) == 0);
  CHECK(observed->problem == STRATA_FRAME_FREED_TWICE && observed->where == frame);
  CHECK(strata_problem_text(observed->problem)[0] == 'd'); /* double free of a frame */
  CHECK(strata_frame_put(0) == 0 && observed->problem == STRATA_FRAME_NOT_OURS);
  low = strata_frames_get(4, 65536, 16 * MIB);
  CHECK(low % 65536 == 0 && low + 4 * 4096 <= 16 * MIB);
  CHECK(strata_frames_put(low, 2) == 1 && strata_frames_put(low + 2 * 4096, 2) == 1);
  CHECK(strata_frames_get(100000, 0, 0) == STRATA_NO_FRAME);
  CHECK(strata_frames_free() == before);
  return 0;
}

static const char* memory_comes_and_goes(void) {
  const size_t before = strata_frames_free();
  CHECK(strata_frames_add(48 * MIB, 8 * MIB) == 1);
  CHECK(strata_frames_add(50 * MIB, 16 * MIB) == 0); /* overlaps */
  CHECK(strata_frames_free() > before);
  CHECK(strata_frames_remove(48 * MIB) == 0); /* not offline */
  CHECK(strata_frames_offline(48 * MIB) == 1);
  strata_frames_drain();
  CHECK(strata_frames_remove(48 * MIB) == 1);
  CHECK(strata_frames_free() == before);
  return 0;
}

static const char* ranges(const struct observed* observed) {
  const size_t before = strata_frames_free();
  uintptr_t range = strata_range_get(300000, 0, 4096);
  CHECK(range != 0 && range % 4096 == 0);
  fill(range, 300000, 1);
  CHECK(strata_range_put(range, 4096) == 0 && observed->problem == STRATA_RANGE_WRONG_SIZE);
  CHECK(strata_range_put(range + 4096, 4096) == 0 && observed->problem == STRATA_RANGE_INTERIOR);
  CHECK(strata_range_put(range, 300000) == 1);
  CHECK(strata_range_put(range, 300000) == 0 && observed->problem == STRATA_RANGE_FREED_TWICE);

  range = strata_range_reserve(4 * MIB, 2 * MIB, 0);
  CHECK(range != 0 && range % (2 * MIB) == 0);
  CHECK(strata_range_commit(range, 1 * MIB, STRATA_READ_WRITE) == 1);
  fill(range, 1 * MIB, 2);
  CHECK(strata_range_decommit(range + 65536, 65536) == 1);
  CHECK(strata_range_resize(range, 4 * MIB, 1 * MIB) == 1);
  CHECK(strata_range_resize(range, 1 * MIB, 2 * MIB) == 1);
  fill(range + 1 * MIB, 1 * MIB, 3);
  CHECK(strata_range_put(range, 2 * MIB) == 1);
  strata_ranges_settle();
  CHECK(strata_frames_free() == before);
  return 0;
}

static const char* thread_areas(void) {
  static const unsigned char data[24] = {1, 2, 3};
  static _Alignas(64) unsigned char memory[1024];
  const struct strata_thread_image image = {data, sizeof(data), 200, 64};
  uintptr_t pointer;
  size_t i, copied = 0;
  CHECK(strata_thread_area_bytes(&image) <= sizeof(memory));
  fill((uintptr_t)memory, sizeof(memory), 0xee);
  pointer = strata_thread_area_build(&image, memory);
  CHECK(pointer >= (uintptr_t)memory && pointer < (uintptr_t)memory + sizeof(memory));
  for (i = 0; i + 3 <= sizeof(memory); ++i) {
    if (memory[i] == 1 && memory[i + 1] == 2 && memory[i + 2] == 3 && memory[i + 199] == 0) {
      ++copied;
    }
  }
  CHECK(copied == 1);
  return 0;
}

static const char* heap(const struct observed* observed) {
  unsigned char *block, *large;
  size_t i;
  strata_heap_start();
  block = strata_malloc(100);
  CHECK(block != 0 && (uintptr_t)block % 16 == 0 && strata_usable_size(block) >= 100);
  fill((uintptr_t)block, 100, 7);
  block = strata_realloc(block, 5000);
  CHECK(block != 0 && block[99] == 7);
  large = strata_calloc(1000, 1000);
  CHECK(large != 0);
  for (i = 0; i < 1000000; ++i) CHECK(large[i] == 0);
  strata_free(large);
  large = strata_aligned_alloc(4096, 100);
  CHECK(large != 0 && (uintptr_t)large % 4096 == 0);
  strata_free(large);
  strata_free(block);
  strata_free(block);
  CHECK(observed->problem == STRATA_BLOCK_FREED_TWICE && observed->where == (uintptr_t)block);
  strata_free(block + 16);
  CHECK(observed->problem == STRATA_BLOCK_NOT_OURS);
  CHECK(strata_malloc(512 * MIB) == 0); /* more than there is */
  CHECK(strata_aligned_alloc(3, 8) == 0);
  strata_trim(0);
  return 0;
}

const char* run_c_kernel(const struct strata_machine* machine, uintptr_t window,
                         size_t window_bytes, const struct observed* observed) {
  const struct strata_span map[] = {{0x100000, MIB, 0}, {0, 40 * MIB, 1}, {8 * MIB, 32 * MIB, 1}};
  const struct strata_span nothing[] = {{0, 40 * MIB, 1}, {0, 64 * MIB, 0}};
  const char* wrong;
  CHECK(strata_kernel_start(machine, nothing, 2, ~(uint64_t)0, window, window_bytes) == 0);
  CHECK(strata_kernel_start(machine, map, 3, ~(uint64_t)0, window, window_bytes) == 1);
  if ((wrong = frames(observed)) != 0) return wrong;
  if ((wrong = memory_comes_and_goes()) != 0) return wrong;
  if ((wrong = ranges(observed)) != 0) return wrong;
  if ((wrong = thread_areas()) != 0) return wrong;
  return heap(observed);
}
