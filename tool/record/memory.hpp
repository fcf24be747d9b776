// The recording memory: what recorded programs write events into and `strata record` reads them
// from.
//
// Idea. One file in memory, mapped by the collector (the process `strata record`) and by every
// recorded process. A thread takes a buffer, appends events to it without a lock or a system call,
// and hands it over when it is full. The events lie in shared memory from the moment they are
// written, so a program that is killed, crashes, calls _exit or execs loses none of them: the
// collector finds them there. Nothing in a recorded process compresses, opens or writes files.
//
// Who writes what. A buffer's events and its owner fields: the thread that took it (state `taken`),
// until it hands it over (`full`); the collector clears a full buffer and frees it. The event words
// of a free buffer are zero; an event is there when its word `what` is not, and that word is
// written last. A process's slot: the process, until the collector has seen that it is gone.
//
// The memory is addressed by offsets alone: it lies elsewhere in every process.
#pragma once

#include <atomic>
#include <cstdint>

#include "trace/event.hpp"

namespace strata::record {

using trace::Kind;

// One event. 24 bytes, so that `what` (the word that makes it valid) is a single store.
struct Event {
  std::uint64_t time;  // ticks of the processor's clock, or the collector's coarse one
  std::uint64_t address;
  std::atomic<std::uint64_t> what;  // size << 16 | log2 of the alignment << 8 | kind
};
static_assert(sizeof(Event) == 24);

constexpr std::uint64_t largest_size = (std::uint64_t{1} << 48) - 1;

constexpr std::uint64_t what_of(Kind kind, std::uint64_t size, unsigned alignment_log2) {
  return (size < largest_size ? size : largest_size) << 16 | std::uint64_t{alignment_log2} << 8 |
         std::uint64_t(kind);
}

constexpr std::uint32_t events_per_buffer = 682;
constexpr std::uint32_t buffer_bytes = 16384;
constexpr std::uint32_t buffer_count = 4096;
constexpr std::uint32_t process_count = 1024;
static_assert(events_per_buffer * sizeof(Event) <= buffer_bytes);

// `claimed`: somebody is writing the owner's fields.
enum class BufferState : std::uint32_t { free, claimed, taken, full };

struct BufferOwner {
  std::atomic<BufferState> state;
  std::uint32_t process;  // index of its slot
  std::uint32_t thread;   // number of the thread in its process, in order of first events
  std::uint32_t tid;      // what the kernel calls it: how the collector finds that it is gone
  std::uint32_t order;    // among the buffers that the thread has had
};

// `starting`: somebody is filling the slot. `seen` is said by the collector.
enum class ProcessState : std::uint32_t { free, starting, running, seen };

struct ProcessSlot {
  std::atomic<ProcessState> state;
  std::uint32_t pid;
  std::uint32_t parent_pid;
  std::atomic<std::uint32_t> threads;  // that have had events
  std::uint64_t start;                 // ticks
  std::atomic<std::uint64_t> lost;     // events that could not be recorded
  std::uint32_t command_length;
  char executable[228];
  char command[768];  // its arguments, each ended by a zero
};
static_assert(sizeof(ProcessSlot) == 1032);

struct Memory {
  static constexpr std::uint64_t right_magic = 0x3143455241525453;  // "STRAREC1"

  std::uint64_t magic;
  std::uint32_t collector_pid;
  std::uint32_t wants_sites;    // whether calls' addresses are recorded
  std::uint64_t pid_namespace;  // the collector's: process numbers of another would mislead it
  std::atomic<std::uint32_t> stopped;  // the collector has gone: record nothing more
  std::atomic<std::uint32_t>
      freed;  // grows when buffers become free; what waiting threads sleep on
  std::atomic<std::uint32_t> processes_lost;  // that found no slot
  // What the collector need not look beyond: it comes by often, and few are ever in use.
  std::atomic<std::uint32_t> slots_used;
  std::atomic<std::uint32_t> buffers_used;
  std::atomic<std::uint32_t> registrations;  // grows with every process
  // The clock of processes with one thread: ticks as of the collector's last round.
  alignas(64) std::atomic<std::uint64_t> clock;
  alignas(64) BufferOwner owners[buffer_count];
  ProcessSlot processes[process_count];
  alignas(4096) unsigned char buffers[buffer_count][buffer_bytes];

  Event* events(std::uint32_t buffer) { return reinterpret_cast<Event*>(buffers[buffer]); }
};

inline void raise_to(std::atomic<std::uint32_t>& mark, std::uint32_t value) {
  std::uint32_t found = mark.load(std::memory_order_relaxed);
  while (found < value && !mark.compare_exchange_weak(found, value, std::memory_order_relaxed)) {
  }
}

// What names the memory to a recorded process.
constexpr const char* environment_name = "LIBSTRATA_RECORD";

// Ticks of the processor's clock. The same on all cores of the machines we know.
inline std::uint64_t ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  std::uint64_t value;
  asm volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
#else
#error "no clock is known for this processor"
#endif
}

}  // namespace strata::record
