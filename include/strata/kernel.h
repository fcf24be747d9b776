/* Strata for kernels written in C: page frames and address ranges behind a table of functions.
 *
 * Fill in a strata_machine, call strata_kernel_start() with the spans of RAM your firmware told of,
 * and use the rest from any CPU. No libc, no other header, no memory but what you hand over. The
 * functions of the table are described, with what must hold before and after each, in
 * src/platform/paged_machine.hpp; the heap's functions are those of strata.h.
 */
#ifndef STRATA_KERNEL_H
#define STRATA_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct strata_frames_run {
  uint64_t first; /* physical address; STRATA_NO_FRAME: none */
  size_t pages;
};
#define STRATA_NO_FRAME (~(uint64_t)0)

enum strata_access { STRATA_READ_WRITE, STRATA_READ_ONLY, STRATA_EXECUTE };

struct strata_machine {
  /* 1 when [address, + pages) now leads to the frames from `physical` on, 0 when nothing changed.
   */
  int (*map)(uintptr_t address, uint64_t physical, size_t pages, enum strata_access access);
  /* Removes translations; see paged_machine.hpp for what it returns. */
  struct strata_frames_run (*unmap)(uintptr_t address, size_t pages);
  /* No CPU uses a removed translation of these pages any more. */
  void (*flush)(uintptr_t address, size_t pages);
  /* This CPU's number, below STRATA_MAX_CPUS. */
  unsigned (*cpu)(void);
  /* Corruption was found. May return: then the call that found it does nothing. */
  void (*fail)(const char* problem, uintptr_t address);
  /* Keeps this CPU to ourselves (preemption, interrupts) and gives it back; the value returned by
   * `hold` comes back to `release`. Both may be null where nothing can interrupt. */
  uintptr_t (*hold)(void);
  void (*release)(uintptr_t held);
  /* Where physical address 0 would be in the direct map. */
  uintptr_t direct_base;
};
#define STRATA_MAX_CPUS 64

struct strata_span {
  uint64_t base, bytes;
  int usable; /* 0: reserved, which wins over usable whatever the order */
};

/* Starts on the map and on a window of addresses. 1, or 0 when there is too little memory. All of
 * the map's memory below `mapped_limit` must be in the direct map; call strata_frames_add for the
 * rest when that is too. */
int strata_kernel_start(const struct strata_machine* machine, const struct strata_span* map,
                        size_t spans, uint64_t mapped_limit, uintptr_t window, size_t window_bytes);

/* Adds memory while running. 1, or 0 when it overlaps what is there. */
int strata_frames_add(uint64_t base, uint64_t bytes);
/* One frame, STRATA_NO_FRAME when there is none. Needs no lock, whatever CPU. */
uint64_t strata_frame_get(void);
/* 0, and fail() was told, when the frame was not handed out. */
int strata_frame_put(uint64_t physical);
/* Neighbouring frames from a multiple of `alignment` bytes, all below `below` (0: anywhere). */
uint64_t strata_frames_get(size_t pages, size_t alignment, uint64_t below);
int strata_frames_put(uint64_t physical, size_t pages);
/* Free frames, those in magazines included. */
size_t strata_frames_free(void);

/* Addresses with memory under them, with so many unmapped bytes at either side; 0: refused. */
uintptr_t strata_range_get(size_t bytes, size_t alignment, size_t guard);
/* Gives them back: unmapped at once, flushed in batches. 0, and fail() was told, when wrong. */
int strata_range_put(uintptr_t address, size_t bytes);
/* Flushes what waits: old addresses are dead on all CPUs, their frames free. */
void strata_ranges_settle(void);

#ifdef __cplusplus
}
#endif
#endif
