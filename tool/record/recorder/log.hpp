// Appending an event: the part of the recorder that every call of the family passes.
//
// Some twenty instructions and no lock: take the next place in the thread's buffer, fill it, write the
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
  std::atomic<std::uint32_t> careful;   // more is wanted than the coarse clock's time: see below
};

struct Thread {
  std::uint64_t generation;  // of the process that `events` was taken for
  unsigned char* events;
  std::uint32_t used;  // bytes of the buffer taken so far; may run past its end
  std::uint32_t buffer;
  std::uint32_t number;
  std::uint32_t tid;
  std::uint32_t buffers;  // taken so far
  bool busy;    // in the slow path: what a signal handler allocates meanwhile is not recorded
  Event spare;  // where events go that cannot be recorded: nobody reads it
};
constexpr std::uint32_t buffer_end = events_per_buffer * sizeof(Event);

extern Process* process;
extern thread_local constinit Thread thread_log;
extern Memory* memory;                           // null until the first event
extern const std::atomic<std::uint64_t>* clock;  // the memory's; one that stands still until then
extern bool sites;                               // whether the addresses of calls are wanted

// A place for an event; the thread's spare one when it cannot be recorded.
[[gnu::cold, gnu::noinline]] Event* take_place_slow();

inline std::uint32_t take(std::uint32_t& bytes) {
#if defined(__x86_64__)
  std::uint32_t old = sizeof(Event);
  asm volatile("xaddl %0, %1" : "+r"(old), "+m"(bytes) : : "memory", "cc");
  return old;
#else
  return __atomic_fetch_add(&bytes, std::uint32_t{sizeof(Event)}, __ATOMIC_RELAXED);
#endif
}

inline Event* take_place() {
  Thread& thread = thread_log;
  if (thread.generation == process->generation) [[likely]] {
    const std::uint32_t place = take(thread.used);
    if (place < buffer_end) [[likely]]
      return reinterpret_cast<Event*>(thread.events + place);
  }
  return take_place_slow();
}

// Pairs with the collector's acquire load of `what`.
inline void put(Event* event, std::uint64_t time, const void* address, std::uint64_t what) {
  event->time = time;
  event->address = reinterpret_cast<std::uint64_t>(address);
  event->what.store(what, std::memory_order_release);
}

inline std::uint64_t coarse_time() { return clock->load(std::memory_order_relaxed); }

// For what gives a block back: to be called before that is done.
inline void log_before(Kind kind, const void* address) {
  Event* const event = take_place();
  const bool threaded = process->threaded.load(std::memory_order_relaxed) != 0;
  put(event, threaded ? ticks() : coarse_time(), address, what_of(kind, 0, 0));
}

// The rest of log_after where there are threads, or calling places are wanted, or memory was
// refused. `event` is the next place in any case.
[[gnu::cold, gnu::noinline]] void log_carefully(Event* event, Kind kind, const void* address,
                                                std::uint64_t size, const void* site,
                                                unsigned alignment_log2);

// For what obtained a block: to be called after it. `site` is where the program called.
inline void log_after(Kind kind, const void* address, std::uint64_t size, const void* site,
                      unsigned alignment_log2 = 0) {
  Event* const event = take_place();
  if (process->careful.load(std::memory_order_relaxed) != 0 || address == nullptr) [[unlikely]] {
    return log_carefully(event, kind, address, size, site, alignment_log2);
  }
  // No block is as large as what the word has no room for.
  put(event, coarse_time(), address,
      size << 16 | std::uint64_t{alignment_log2} << 8 | std::uint64_t(kind));
}

}  // namespace strata::record
