// The player's tables: the plan, the slots of living blocks, what each thread needs. They are the
// process's own, touched before the first operation, so that their size is known and can be told.
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "replay/plan.hpp"

namespace strata::replay {

struct Player {
  const PlanThread* plan;
  pthread_t handle;
  Operation* window;
  uint32_t window_index;  // which one
  std::atomic<bool> ended;
  bool joined;
  uint64_t waited;  // processor time spent on waiting for others' blocks, in nanoseconds
  uint64_t failed;
};

extern PlanHeader header;
extern const PlanThread* plan_threads;
extern const PlanEpoch* epochs;
extern const uint64_t* blocks;  // where each block of operations is in the plan
extern std::atomic<void*>* slots;
extern Player* players;
extern Operation* windows;
extern uint32_t* spare_windows;
extern uint32_t spare_window_count;
extern uint32_t* starting;  // threads by first epoch
extern uint64_t* resident;  // by epoch, in pages
extern uint64_t own_bytes;  // of all these
extern size_t page_size;

// From the plan in the file of that number. Ends the process when it cannot be read.
void make_tables(int file);
// Some bytes of the plan.
void read_at(void* into, size_t bytes, uint64_t offset);

[[noreturn]] void fail(const char* what);

}  // namespace strata::replay
