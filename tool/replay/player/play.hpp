// Playing one operation: the calls of the family, and what is written into new blocks.
#pragma once

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "replay/player/tables.hpp"

namespace strata::replay {

enum class Touch { dry, none, first, page, all };

extern Touch touch;

// What stands for a block that could not be had.
void* const no_block = reinterpret_cast<void*>(1);

inline uint64_t now(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return uint64_t(time.tv_sec) * 1000000000 + uint64_t(time.tv_nsec);
}

// Writes what the program would, from `begin` on.
inline void write_to(void* block, uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  auto* const bytes = static_cast<volatile unsigned char*>(block);
  switch (touch) {
    case Touch::first:
      bytes[begin] = 1;
      return;
    case Touch::page:
      for (uint64_t at = begin; at < end; at += page_size) bytes[at] = 1;
      bytes[end - 1] = 1;
      return;
    case Touch::all:
      memset(static_cast<char*>(block) + begin, 1, end - begin);
      return;
    default:
      return;
  }
}

inline void fill(Player& player, const Operation& operation, void* block, uint64_t known) {
  if (block == nullptr) {
    ++player.failed;
    block = no_block;
  } else {
    write_to(block, known, operation.size());
  }
  slots[operation.slot].store(block, std::memory_order_release);
}

// Waits for another thread's block.
[[gnu::noinline]] inline void* wait_for(Player& player, std::atomic<void*>& slot) {
  const uint64_t begin = now(CLOCK_THREAD_CPUTIME_ID);
  void* block = nullptr;
  for (unsigned round = 0; (block = slot.load(std::memory_order_acquire)) == nullptr; ++round) {
    if (round < 64) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    } else if (round < 128) {
      sched_yield();
    } else {
      const timespec rest{0, 20000};
      nanosleep(&rest, nullptr);
    }
  }
  player.waited += now(CLOCK_THREAD_CPUTIME_ID) - begin;
  return block;
}

inline void* empty(Player& player, uint32_t index, bool waits) {
  std::atomic<void*>& slot = slots[index];
  void* block = slot.load(std::memory_order_acquire);
  if (block == nullptr && waits) block = wait_for(player, slot);
  slot.store(nullptr, std::memory_order_relaxed);
  return block;
}

inline void play(Player& player, const Operation& operation, uint64_t& old_size) {
  switch (operation.action()) {
    case Action::malloc:
      fill(player, operation, malloc(operation.size()), 0);
      return;
    case Action::calloc:
      fill(player, operation, calloc(1, operation.size()), 0);
      return;
    case Action::aligned: {
      const size_t alignment = size_t{1} << operation.alignment_log2();
      fill(player, operation, memalign(alignment, operation.size()), 0);
      return;
    }
    case Action::free: {
      void* const block = empty(player, operation.slot, operation.waits());
      if (block != no_block) free(block);
      return;
    }
    case Action::realloc: {
      void* const block = empty(player, operation.from, operation.waits());
      void* const moved = realloc(block != no_block ? block : nullptr, operation.size());
      if (moved == nullptr && block != no_block) free(block);
      fill(player, operation, moved, old_size);
      return;
    }
    case Action::old_size:
      old_size = operation.size();
      return;
    default:
      return;
  }
}

// The same without an allocator: what playing costs.
inline void play_dry(Player& player, const Operation& operation, uint64_t& old_size) {
  switch (operation.action()) {
    case Action::malloc:
    case Action::calloc:
    case Action::aligned:
      fill(player, operation, no_block, 0);
      return;
    case Action::free:
      empty(player, operation.slot, operation.waits());
      return;
    case Action::realloc:
      empty(player, operation.from, operation.waits());
      fill(player, operation, no_block, old_size);
      return;
    case Action::old_size:
      old_size = operation.size();
      return;
    default:
      return;
  }
}

}  // namespace strata::replay
