// Looking at memory from outside: this process's resident size, and bytes that tell their block.
//
// resident_kib() reads smaps_rollup, which counts pages; VmRSS in status is a sum of per-CPU
// counters that may lag by hundreds of KiB. Nothing here allocates.
#ifndef STRATA_TESTS_SUPPORT_MEMORY_H
#define STRATA_TESTS_SUPPORT_MEMORY_H

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include "check.h"

// The number behind `name` in a /proc file of lines "Name:   number kB", or -1.
static inline long proc_number(const char* path, const char* name) {
  char text[4096];
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  size_t length = 0;
  ssize_t part;
  while (length < sizeof text - 1 &&
         (part = read(file, text + length, sizeof text - 1 - length)) > 0) {
    length += (size_t)part;
  }
  close(file);
  text[length] = 0;
  const char* at = strstr(text, name);
  return at == NULL ? -1 : strtol(at + strlen(name), NULL, 10);
}

static inline long resident_kib(void) {
  const long kib = proc_number("/proc/self/smaps_rollup", "Rss:");
  return kib >= 0 ? kib : proc_number("/proc/self/status", "VmRSS:");
}

static inline void sleep_ms(long ms) {
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
}

// Waits until the resident size is at most `bound` KiB, `ms` at the longest. Returns the last size.
static inline long wait_until_resident_at_most(long bound, long ms) {
  long kib = resident_kib();
  for (; kib > bound && ms > 0; ms -= 50, kib = resident_kib()) sleep_ms(50);
  return kib;
}

// Bytes that depend on seed and place, so that a block moved, cut or overlapped does not pass.
static inline unsigned char pattern_byte(size_t seed, size_t i) {
  return (unsigned char)(seed * 31 + i * 7 + (i >> 8) + 1);
}
static inline void fill_pattern(void* block, size_t size, size_t seed) {
  unsigned char* bytes = (unsigned char*)block;
  for (size_t i = 0; i < size; ++i) bytes[i] = pattern_byte(seed, i);
}
static inline int has_pattern(const void* block, size_t size, size_t seed) {
  const unsigned char* bytes = (const unsigned char*)block;
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] != pattern_byte(seed, i)) return 0;
  }
  return 1;
}
static inline int is_zero(const void* block, size_t size) {
  const unsigned char* bytes = (const unsigned char*)block;
  return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

// A small generator: reproducible, no state outside the caller's word.
static inline uint64_t next_random(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

// Mostly small, sometimes medium, rarely large: the shape of real programs. Never over `largest`.
static inline size_t random_size(uint64_t* state, size_t largest) {
  const uint64_t r = next_random(state);
  const uint64_t kind = r & 63;
  const size_t bits = kind < 46 ? 4 + (r >> 6) % 6 : kind < 63 ? 10 + (r >> 6) % 6 : 22;
  const size_t size = (size_t)(next_random(state) & (((uint64_t)1 << bits) - 1));
  return size > largest ? largest : size;
}

// Sizes on both sides of every power of two up to 4 MiB, for tests that cannot try them all.
#define FOR_EACH_EDGE_SIZE(size)                                      \
  for (size_t edge_power = 1; edge_power <= 4194304; edge_power *= 2) \
    for (size_t size = edge_power - 1; size <= edge_power + 1; ++size)

#endif
