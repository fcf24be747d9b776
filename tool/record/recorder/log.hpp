// Appending an event: the part of the recorder that every call of the family passes.
//
// A dozen instructions and no lock: take the next place in the thread's buffer, fill it, write the
// word that makes it valid last. Place and count are taken by one instruction, so that a signal
// handler which allocates, wherever it interrupts, gets a place of its own.
//
// Order. In a process with one thread an event bears the collector's coarse clock (order within a
// thread is the buffer's). When a second thread has come every event bears the processor's own,
// read before a block is given back and after one was obtained: the block's next life, on whatever
// thread, is then later on the clock too.
//
// Fork. `process` lies in memory that the kernel clears in a child (MADV_WIPEONFORK), so a child's
// first event finds that its generation is not the thread's and registers the child as a process
// of its own, also when it was made by the bare system call. A vfork child shares all with its
// parent, and its events count as the parent's.
#pragma once

#include "record/memory.hpp"

namespace strata::record {

// What is the process's own: in memory that a forked child finds cleared.
struct Process {
  std::uint64_t generation;             // slot's index + 1; 0: not registered
  std::atomic<std::uint32_t> lock;      // held while registering
  std::atomic<std::uint32_t> threaded;  // a second thread has had events
};

struct Thread {
  std::uint64_t generation;  // of the process that `events` was taken for
  Event* events;
  std::uint32_t used;  // places of the buffer taken so far; may run past its end
  std::uint32_t buffer;
  std::uint32_t number;
  std::uint32_t tid;
  std::uint32_t buffers;  // taken so far
  bool busy;  // in the slow path: what a signal handler allocates meanwhile is not recorded
};

extern Process* process;
extern thread_local constinit Thread thread_log;
extern Memory* memory;  // null until the first event
extern bool sites;      // whether the addresses of calls are wanted

// A place for an event; null: it cannot be recorded.
[[gnu::cold, gnu::noinline]] Event* take_place_slow();

inline std::uint32_t take(std::uint32_t& count) {
#if defined(__x86_64__)
  std::uint32_t old = 1;
  asm volatile("xaddl %0, %1" : "+r"(old), "+m"(count) : : "memory", "cc");
  return old;
#else
  return __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
#endif
}

inline Event* take_place() {
  Thread& thread = thread_log;
  if (thread.generation == process->generation) [[likely]] {
    const std::uint32_t place = take(thread.used);
    if (place < events_per_buffer) [[likely]]
      return thread.events + place;
  }
  return take_place_slow();
}

// Pairs with the collector's acquire load of `what`.
inline void put(Event* event, std::uint64_t time, const void* address, std::uint64_t what) {
  event->time = time;
  event->address = reinterpret_cast<std::uint64_t>(address);
  event->what.store(what, std::memory_order_release);
}

// For what gives a block back: to be called before that is done.
inline void log_before(Kind kind, const void* address) {
  if (Event* const event = take_place()) [[likely]] {
    const bool threaded = process->threaded.load(std::memory_order_relaxed) != 0;
    put(event, threaded ? ticks() : memory->clock.load(std::memory_order_relaxed), address,
        what_of(kind, 0, 0));
  }
}

// For what obtained a block: to be called after it. `site` is where the program called.
inline void log_after(Kind kind, const void* address, std::uint64_t size, const void* site,
                      unsigned alignment_log2 = 0) {
  if (sites) [[unlikely]] {
    if (Event* const event = take_place()) {
      put(event, memory->clock.load(std::memory_order_relaxed), site, what_of(Kind::site, 0, 0));
    }
  }
  if (Event* const event = take_place()) [[likely]] {
    std::uint64_t time = 0;
    if (process->threaded.load(std::memory_order_relaxed) != 0) {
#if defined(__x86_64__)
      __builtin_ia32_lfence();  // the clock is not read before the block was really there
#elif defined(__aarch64__)
      asm volatile("isb" ::: "memory");
#endif
      time = ticks();
    } else {
      time = memory->clock.load(std::memory_order_relaxed);
    }
    put(event, time, address,
        what_of(address != nullptr ? kind : Kind::failed, size, alignment_log2));
  }
}

}  // namespace strata::record
