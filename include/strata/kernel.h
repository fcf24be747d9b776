/* Strata for kernels written in C: page frames, address ranges and the heap behind a table of
 * functions.
 *
 * Fill in a strata_machine; call strata_kernel_start() with the spans of RAM your firmware told of;
 * give each CPU a thread area; call strata_heap_start(). From then on everything here and in
 * strata/strata.h may be called on any CPU. No libc, no other header, no memory but what you hand
 * over. docs/guide/porting.md goes through it step by step.
 *
 * Addresses of memory are physical (uint64_t), those of ranges virtual (uintptr_t). Unless said
 * otherwise a function takes constant time, takes its own locks, returns 0 or STRATA_NO_FRAME when
 * memory is refused, and has then changed nothing.
 */
#ifndef STRATA_KERNEL_H
#define STRATA_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STRATA_MAX_CPUS 64
#define STRATA_NO_FRAME (~(uint64_t)0)

struct strata_frames_run {
  uint64_t first; /* physical address; STRATA_NO_FRAME: none */
  size_t pages;
};

enum strata_access { STRATA_READ_WRITE, STRATA_READ_ONLY, STRATA_EXECUTE };

enum strata_problem {
  STRATA_NO_PROBLEM,
  STRATA_FRAME_FREED_TWICE,
  STRATA_FRAME_NOT_OURS,
  STRATA_RANGE_FREED_TWICE,
  STRATA_RANGE_NOT_OURS,
  STRATA_RANGE_WRONG_SIZE,
  STRATA_RANGE_INTERIOR,
  STRATA_BLOCK_FREED_TWICE,
  STRATA_BLOCK_NOT_OURS,
  STRATA_BLOCK_INVALID
};
/* The problem in words. */
const char* strata_problem_text(enum strata_problem problem);

/* What you write. None of it may call Strata, but map() may take frames for page tables by
 * strata_frame_get(). All may be called on any CPU. The first six are required. */
struct strata_machine {
  /* [address, + pages) lies in a window you gave to Strata and holds no translation. Afterwards it
   * leads to the frames from `physical` on: 1. Or nothing has changed: 0 (tables that were taken
   * on the way may stay). Larger entries may be used where both sides are aligned. */
  int (*map)(uintptr_t address, uint64_t physical, size_t pages, enum strata_access access);
  /* Removes translations from `address` on as far as they lead to neighbouring frames, at most
   * `pages` of them (at least 1), and returns those frames. Run.first is STRATA_NO_FRAME when so
   * many pages held nothing; run.pages is 0 when a larger entry could not be split for want of a
   * frame. CPUs may use what was removed until flush(). */
  struct strata_frames_run (*unmap)(uintptr_t address, size_t pages);
  /* Afterwards no CPU uses a translation of these pages that unmap() has removed. */
  void (*flush)(uintptr_t address, size_t pages);
  /* This CPU's number, below STRATA_MAX_CPUS. */
  unsigned (*cpu)(void);
  /* Corruption was found. You may stop, or say so and return: then the call that found it does
   * nothing. */
  void (*fail)(enum strata_problem problem, uintptr_t address);
  /* Where physical address 0 would be in the direct map, through which all RAM that you hand over
   * can be read and written. */
  uintptr_t direct_base;

  /* May be null. Keeps this CPU to the caller (preemption, interrupts); what it returns comes back
   * to release(). Without the two, nothing that calls Strata may interrupt a call of Strata. */
  uintptr_t (*hold)(void);
  void (*release)(uintptr_t held);
  /* May be null. Milliseconds that never run backwards: without, the heap gives memory back by
   * amount alone, not by time. */
  uint64_t (*now)(void);
};

/* ---- start ---- */

struct strata_span {
  uint64_t base, bytes;
  int usable; /* 0: reserved, which wins over usable whatever the order */
};

/* Starts frames on the map, in any order and with any overlap, and ranges on a window of addresses.
 * 1, or 0 when there is too little memory or a function is missing. What of the map lies below
 * `mapped_limit` must be in the direct map; call strata_frames_add for the rest when that is too.
 * Once, on one CPU. Linear in the number of spans and in the RAM (256 bytes are cleared a 2 MiB).
 */
int strata_kernel_start(const struct strata_machine* machine, const struct strata_span* map,
                        size_t spans, uint64_t mapped_limit, uintptr_t window, size_t window_bytes);

/* The heap keeps a CPU's free blocks in its thread-local memory. Your linker script tells where the
 * sections .tdata and .tbss are. */
struct strata_thread_image {
  const void* data;  /* .tdata */
  size_t data_bytes; /* of .tdata */
  size_t bytes;      /* of .tdata and .tbss */
  size_t alignment;  /* the larger one of both */
};
/* Bytes a thread area takes. */
size_t strata_thread_area_bytes(const struct strata_thread_image* image);
/* Builds one in `memory`, aligned as the image, and returns the CPU's thread pointer: load it into
 * FS (x86-64) or TPIDR_EL0 (aarch64). */
uintptr_t strata_thread_area_build(const struct strata_thread_image* image, void* memory);

/* From now on strata_malloc and the others of strata/strata.h work, on CPUs that have a thread
 * area. Once, on one CPU. The heap may use up to half of the window's addresses. */
void strata_heap_start(void);

/* ---- frames ---- */

/* Memory that was not in the map, or beyond mapped_limit. 0 when it overlaps what is there. */
int strata_frames_add(uint64_t base, uint64_t bytes);
/* Memory that shall go: no more is handed out of what was added at `base`. */
int strata_frames_offline(uint64_t base);
/* 1 when all of it has come back (call strata_frames_drain on every CPU) and is no longer ours. */
int strata_frames_remove(uint64_t base);
/* Gives this CPU's store of single frames back to all: before it goes idle. */
void strata_frames_drain(void);

/* One frame. */
uint64_t strata_frame_get(void);
/* 0, and fail() was told, when the frame was not handed out. */
int strata_frame_put(uint64_t physical);
/* Neighbouring frames from a multiple of `alignment` bytes, all below `below` (0: anywhere; else
 * linear in RAM). */
uint64_t strata_frames_get(size_t pages, size_t alignment, uint64_t below);
int strata_frames_put(uint64_t physical, size_t pages);
/* Frames that are free, those in CPUs' stores included. */
size_t strata_frames_free(void);

/* ---- ranges ---- */

/* Addresses with memory under them, and so many unmapped bytes at either side. Linear in pages. */
uintptr_t strata_range_get(size_t bytes, size_t alignment, size_t guard);
/* Addresses alone. */
uintptr_t strata_range_reserve(size_t bytes, size_t alignment, size_t guard);
/* Memory under pages of a range that have none: all or nothing. */
int strata_range_commit(uintptr_t address, size_t bytes, enum strata_access access);
/* Takes the memory back; the addresses stay. 0: an entry could not be split for want of a frame. */
int strata_range_decommit(uintptr_t address, size_t bytes);
/* Longer or shorter, in place. 0: not possible. */
int strata_range_resize(uintptr_t address, size_t bytes, size_t new_bytes);
/* Gives it back: unmapped at once, flushed in batches. 0, and fail() was told, when wrong. */
int strata_range_put(uintptr_t address, size_t bytes);
/* Flushes what waits: old addresses are dead on all CPUs, their frames free. */
void strata_ranges_settle(void);

#ifdef __cplusplus
}
#endif
#endif
