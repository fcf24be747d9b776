// The slow path of appending: a thread's first event, a full buffer, a child after fork.
//
// Calls only the system (no function here allocates from the family that is recorded, or if the C
// library does behind our back, `busy` keeps it out of the trace) and keeps errno.
#include "record/recorder/log.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace strata::record {

namespace {

// Before anything is registered: a generation that no thread has.
constinit Process nowhere{~std::uint64_t{0}, {}, {}, {}};

constinit std::atomic<std::uint64_t> no_clock{0};
bool off = false;              // there is nothing to record into, or no more
pthread_key_t key_of_end = 0;  // its destructor tells that a thread ends
bool has_key = false;

template <class Word>
void wait_while(std::atomic<Word>& word, Word value, long milliseconds) {
  static_assert(sizeof(word) == sizeof(std::uint32_t));
  const timespec time{milliseconds / 1000, milliseconds % 1000 * 1000000};
  syscall(SYS_futex, &word, FUTEX_WAIT, std::uint32_t(value), &time, nullptr, 0);
}

void give_back_buffer(Thread& thread) {
  if (thread.events != nullptr) {
    memory->owners[thread.buffer].state.store(BufferState::full, std::memory_order_release);
  }
  thread.events = nullptr;
  thread.used = buffer_end;
}

void thread_ends(void*) {
  put(take_place(), ticks(), nullptr, what_of(Kind::thread_end, 0, 0));
  if (thread_log.generation == process->generation) give_back_buffer(thread_log);
}

bool is_namespace(std::uint64_t inode) {
  struct stat status {};
  return stat("/proc/self/ns/pid", &status) != 0 || status.st_ino == inode;
}

// Maps the recording memory; null: there is none, or it is of another version.
Memory* map_memory(const char* path) {
  const int file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return nullptr;
  struct stat status {};
  void* mapped = MAP_FAILED;
  if (fstat(file, &status) == 0 && status.st_size == off_t(sizeof(Memory))) {
    mapped = mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  close(file);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const found = static_cast<Memory*>(mapped);
  if (found->magic == Memory::right_magic && is_namespace(found->pid_namespace)) return found;
  if (found->magic == Memory::right_magic) found->processes_lost.fetch_add(1);
  munmap(mapped, sizeof(Memory));
  return nullptr;
}

// The page that a forked child finds cleared.
Process* map_process() {
  const auto size = std::size_t(sysconf(_SC_PAGESIZE));
  void* const page =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (madvise(page, size, MADV_WIPEONFORK) == 0) return static_cast<Process*>(page);
  munmap(page, size);
  return nullptr;
}

std::uint32_t read_file(const char* path, char* into, std::uint32_t most) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::uint32_t length = 0;
  while (length < most) {
    const ssize_t got = read(file, into + length, most - length);
    if (got <= 0) break;
    length += std::uint32_t(got);
  }
  close(file);
  return length;
}

bool collector_is_gone() {
  if (memory->stopped.load(std::memory_order_relaxed) != 0) return true;
  return kill(pid_t(memory->collector_pid), 0) != 0 && errno == ESRCH;
}

// Claims a slot and tells who we are; 0: every slot is taken.
std::uint64_t claim_slot() {
  for (std::uint32_t i = 0; i < process_count; ++i) {
    ProcessSlot& slot = memory->processes[i];
    ProcessState expected = ProcessState::free;
    if (!slot.state.compare_exchange_strong(expected, ProcessState::starting,
                                            std::memory_order_acquire)) {
      continue;
    }
    slot.pid = std::uint32_t(getpid());
    slot.parent_pid = std::uint32_t(getppid());
    slot.threads.store(0, std::memory_order_relaxed);
    slot.lost.store(0, std::memory_order_relaxed);
    slot.start = ticks();
    memset(slot.executable, 0, sizeof slot.executable);
    const ssize_t length = readlink("/proc/self/exe", slot.executable, sizeof slot.executable - 1);
    if (length <= 0) slot.executable[0] = 0;
    slot.command_length = read_file("/proc/self/cmdline", slot.command, sizeof slot.command);
    raise_to(memory->slots_used, i + 1);
    // Pairs with the collector's acquire: what it then reads of the slot is whole.
    slot.state.store(ProcessState::running, std::memory_order_release);
    memory->registrations.fetch_add(1, std::memory_order_release);
    return i + 1;
  }
  return 0;
}

// Finds the memory and the page, once a program; true when both are there.
bool attach() {
  if (memory != nullptr) return true;
  // The loader allocates before the C library knows its environment: those events are not seen.
  if (environ == nullptr) return false;
  const char* const path = getenv(environment_name);
  Process* const page = path != nullptr ? map_process() : nullptr;
  Memory* const mapped = page != nullptr ? map_memory(path) : nullptr;
  if (mapped == nullptr) {
    off = true;
    return false;
  }
  has_key = pthread_key_create(&key_of_end, thread_ends) == 0;
  sites = mapped->wants_sites != 0;
  memory = mapped;
  clock = &mapped->clock;
  // Last: who sees the page sees the memory. (Other threads hold no generation yet.)
  __atomic_store_n(&process, page, __ATOMIC_RELEASE);
  return true;
}

// Calling places get their names from what the kernel tells of a living process: the collector must
// have asked before we may be gone.
void wait_until_seen(ProcessSlot& slot) {
  while (slot.state.load(std::memory_order_acquire) == ProcessState::running &&
         !collector_is_gone()) {
    wait_while(slot.state, ProcessState::running, 20);
  }
}

bool register_process() {
  static std::atomic<std::uint32_t> attaching;  // not held across fork by the thread that forks
  while (attaching.exchange(1, std::memory_order_acquire) != 0) sched_yield();
  const bool attached = attach();
  attaching.store(0, std::memory_order_release);
  if (!attached) return false;

  while (process->lock.exchange(1, std::memory_order_acquire) != 0) sched_yield();
  if (process->generation == 0) {
    const std::uint64_t generation = claim_slot();
    if (generation == 0) {
      off = true;
      memory->processes_lost.fetch_add(1, std::memory_order_relaxed);
    } else if (sites) {
      process->careful.store(1, std::memory_order_relaxed);
      wait_until_seen(memory->processes[generation - 1]);
    }
    __atomic_store_n(&process->generation, generation, __ATOMIC_RELEASE);
  }
  process->lock.store(0, std::memory_order_release);
  return process->generation != 0;
}

// The lowest free buffer, so that few pages are ever touched. Waits while the collector is behind.
bool take_buffer(Thread& thread) {
  for (;;) {
    const std::uint32_t freed = memory->freed.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < buffer_count; ++i) {
      BufferOwner& owner = memory->owners[i];
      BufferState expected = owner.state.load(std::memory_order_relaxed);
      // Pairs with the collector's release: the events are cleared.
      if (expected == BufferState::free &&
          owner.state.compare_exchange_strong(expected, BufferState::claimed,
                                              std::memory_order_acquire)) {
        owner.process = std::uint32_t(process->generation - 1);
        owner.thread = thread.number;
        owner.tid = thread.tid;
        owner.order = thread.buffers++;
        raise_to(memory->buffers_used, i + 1);
        owner.state.store(BufferState::taken, std::memory_order_release);
        thread.events = memory->buffers[i];
        thread.buffer = i;
        return true;
      }
    }
    if (collector_is_gone()) {
      off = true;
      return false;
    }
    wait_while(memory->freed, freed, 50);
  }
}

Event* take_place_with(Thread& thread) {
  if (off) return nullptr;
  const std::uint64_t generation = process->generation;
  const bool registered = generation != 0 && generation != nowhere.generation;
  if (!registered && !register_process()) return nullptr;
  if (thread.generation != process->generation) {
    // A new thread, or the one that forked: what it had belongs to the parent.
    thread.events = nullptr;
    thread.number = memory->processes[process->generation - 1].threads.fetch_add(1);
    thread.tid = std::uint32_t(syscall(SYS_gettid));
    if (thread.number != 0) {
      process->threaded.store(1, std::memory_order_relaxed);
      process->careful.store(1, std::memory_order_relaxed);
    }
    if (has_key) pthread_setspecific(key_of_end, &thread_log);
  }
  thread.used = buffer_end;
  give_back_buffer(thread);
  if (memory->stopped.load(std::memory_order_relaxed) != 0 || !take_buffer(thread)) return nullptr;
  thread.generation = process->generation;
  thread.used = sizeof(Event);  // last: from here on a signal handler may log again
  return reinterpret_cast<Event*>(thread.events);
}

}  // namespace

constinit Process* process = &nowhere;
constinit Memory* memory = nullptr;
constinit const std::atomic<std::uint64_t>* clock = &no_clock;
constinit bool sites = false;
thread_local constinit Thread thread_log{.generation = 0,
                                         .events = nullptr,
                                         .used = buffer_end,
                                         .buffer = 0,
                                         .number = 0,
                                         .tid = 0,
                                         .buffers = 0,
                                         .busy = false,
                                         .spare = {}};

Event* take_place_slow() {
  Thread& thread = thread_log;
  if (thread.busy) {
    if (memory != nullptr && thread.generation != 0) {
      memory->processes[thread.generation - 1].lost.fetch_add(1, std::memory_order_relaxed);
    }
    return &thread.spare;
  }
  const int saved = errno;
  thread.busy = true;
  Event* const place = take_place_with(thread);
  // What cannot be recorded was counted as taken: it must not run so far that it starts anew.
  if (place == nullptr) thread.used = buffer_end;
  thread.busy = false;
  errno = saved;
  return place != nullptr ? place : &thread.spare;
}

void log_carefully(Event* event, Kind kind, const void* address, std::uint64_t size,
                   const void* site, unsigned alignment_log2) {
  if (sites) {
    put(event, coarse_time(), site, what_of(Kind::site, 0, 0));
    event = take_place();
  }
  std::uint64_t time = 0;
  if (process->threaded.load(std::memory_order_relaxed) != 0) {
#if defined(__x86_64__)
    __builtin_ia32_lfence();  // the clock is not read before the block was really there
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
    time = ticks();
  } else {
    time = coarse_time();
  }
  put(event, time, address,
      what_of(address != nullptr ? kind : Kind::failed, size, alignment_log2));
}

}  // namespace strata::record
