// strata-player PLAN-FILE-NUMBER TOUCH PACE STOP: plays a plan on whatever malloc this process has.
//
// Idea. The process holds nothing but the plan's tables and what the allocator makes of the plan:
// no C++ runtime, no stdio, no allocation of its own. Its tables are touched before the start, so
// their size is known and can be told; what the process holds beyond it is the allocator's (and the
// C library's). Each thread reads its operations through a small window of its own.
//
// At the end of an epoch the last thread to finish looks at the memory, ends and starts threads as
// the program did, and lets the others go on. Waiting threads sleep.
//
// TOUCH none, first, page, all: what of a new block is written. "dry" plays without allocating,
// which is what playing itself costs. PACE: 0 as fast as it goes, else a factor on the program's
// own pace. STOP: the epoch at whose end it says "stopped" and waits for a letter on its standard
// input, so that one can look at the heap; or "never".
//
// Output: lines "name value", and "sample EPOCH RESIDENT" for every epoch; see replay/run.cpp.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "replay/plan.hpp"

namespace {

using namespace strata::replay;

enum class Touch { dry, none, first, page, all };

// What stands for a block that could not be had.
void* const no_block = reinterpret_cast<void*>(1);

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

PlanHeader header;
int plan_file = -1;
int statm_file = -1;
const PlanThread* plan_threads;
const PlanEpoch* epochs;
const uint64_t* blocks;
std::atomic<void*>* slots;
Player* players;
Operation* windows;
uint32_t* spare_windows;
uint32_t spare_window_count;
uint32_t* starting;  // threads by first epoch
uint32_t next_to_start = 0;
uint64_t* resident;  // by epoch, in pages
uint64_t own_bytes;

std::atomic<uint32_t> epoch;      // the one that is played; what waiting threads sleep on
std::atomic<uint32_t> remaining;  // threads that have not finished it
std::atomic<uint32_t> done;

Touch touch = Touch::page;
double pace = 0;
uint32_t stop = ~uint32_t{0};  // the epoch to stop at
uint64_t rested = 0;           // to keep the pace, in nanoseconds
uint64_t begin_time;
size_t page_size;

[[noreturn]] void fail(const char* what) {
  dprintf(STDERR_FILENO, "strata-player: %s: %s\n", what, strerror(errno));
  _exit(1);
}

uint64_t now(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return uint64_t(time.tv_sec) * 1000000000 + uint64_t(time.tv_nsec);
}

void sleep_while(std::atomic<uint32_t>& word, uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}
void wake_all(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 0x7fffffff, nullptr, nullptr, 0);
}

// Memory of our own, there from the start.
void* own_memory(size_t bytes) {
  bytes = (bytes + page_size - 1) / page_size * page_size;
  if (bytes == 0) bytes = page_size;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) fail("no memory for the tables");
  own_bytes += bytes;
  return memory;
}

void read_at(void* into, size_t bytes, uint64_t offset) {
  char* at = static_cast<char*>(into);
  while (bytes != 0) {
    const ssize_t got = pread(plan_file, at, bytes, off_t(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("cannot read the plan");
    at += got;
    offset += uint64_t(got);
    bytes -= size_t(got);
  }
}
template <class Entry>
const Entry* read_table(uint32_t count, uint64_t offset) {
  void* const table = own_memory(count * sizeof(Entry));
  read_at(table, count * sizeof(Entry), offset);
  return static_cast<const Entry*>(table);
}

uint64_t resident_pages() {
  char text[128];
  const ssize_t length = pread(statm_file, text, sizeof text - 1, 0);
  if (length <= 0) return 0;
  text[length] = 0;
  const char* const second = strchr(text, ' ');
  return second != nullptr ? strtoull(second, nullptr, 10) : 0;
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
[[gnu::noinline]] void* wait_for(Player& player, std::atomic<void*>& slot) {
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

void play(Player& player, const Operation& operation, uint64_t& old_size) {
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
void play_dry(Player& player, const Operation& operation, uint64_t& old_size) {
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

void* play_thread(void* argument);

void keep_pace(uint32_t ended_epoch) {
  if (pace <= 0) return;
  const uint64_t due = uint64_t(double(epochs[ended_epoch].time - epochs[0].time) / pace);
  const uint64_t passed = now(CLOCK_MONOTONIC) - begin_time;
  if (passed >= due) return;
  const timespec rest{time_t((due - passed) / 1000000000), long((due - passed) % 1000000000)};
  rested += due - passed;
  nanosleep(&rest, nullptr);
}

void start_threads(uint32_t which_epoch) {
  for (; next_to_start < header.threads; ++next_to_start) {
    const uint32_t index = starting[next_to_start];
    Player& player = players[index];
    if (player.plan->first_epoch > which_epoch) return;
    if (index == header.main_thread) continue;
    player.window_index = spare_windows[--spare_window_count];
    player.window = windows + size_t{player.window_index} * operations_per_block;
    if (pthread_create(&player.handle, nullptr, play_thread, &player) != 0) fail("no thread");
  }
}

// Not the one who does it: that one is joined an epoch later.
void join_ended(const Player& self) {
  for (uint32_t index = 0; index < header.threads; ++index) {
    Player& player = players[index];
    if (!player.ended.load(std::memory_order_acquire) || player.joined) continue;
    if (index == header.main_thread || &player == &self) continue;
    player.joined = true;
    pthread_join(player.handle, nullptr);
    spare_windows[spare_window_count++] = player.window_index;
  }
}

void wait_to_be_looked_at() {
  dprintf(STDOUT_FILENO, "stopped\n");
  char letter;
  while (read(STDIN_FILENO, &letter, 1) < 0 && errno == EINTR) {
  }
}

// What the last thread to finish an epoch does for all.
void end_epoch(const Player& self) {
  const uint32_t ended = epoch.load(std::memory_order_relaxed);
  if (header.threads > 1) join_ended(self);
  resident[ended] = resident_pages();
  if (ended == stop) wait_to_be_looked_at();
  keep_pace(ended);
  const uint32_t next = ended + 1;
  if (next == header.epochs) {
    done.store(1, std::memory_order_release);
    wake_all(done);
    return;
  }
  // Both before the others may see the new epoch.
  remaining.store(epochs[next].threads, std::memory_order_relaxed);
  if (header.threads > 1) start_threads(next);
  epoch.store(next, std::memory_order_release);
  wake_all(epoch);
}

void finish_epoch(const Player& self) {
  if (remaining.fetch_sub(1, std::memory_order_acq_rel) == 1) end_epoch(self);
}

void wait_for_epoch(uint32_t wanted) {
  for (;;) {
    const uint32_t current = epoch.load(std::memory_order_acquire);
    if (current >= wanted) return;
    sleep_while(epoch, current);
  }
}

template <bool dry>
void play_all(Player& player) {
  const PlanThread& plan = *player.plan;
  uint64_t old_size = 0;
  uint64_t left = plan.operations;
  wait_for_epoch(plan.first_epoch);
  for (uint32_t block = 0; block < plan.blocks; ++block) {
    read_at(player.window, operations_per_block * sizeof(Operation),
            blocks[plan.first_block + block]);
    for (uint32_t i = 0; i < operations_per_block && left != 0; ++i, --left) {
      const Operation& operation = player.window[i];
      if (operation.action() == Action::epoch) [[unlikely]] {
        finish_epoch(player);
        wait_for_epoch(operation.slot);
      } else if (operation.action() == Action::thread_end) [[unlikely]] {
        player.ended.store(true, std::memory_order_release);
      } else if (dry) {
        play_dry(player, operation, old_size);
      } else {
        play(player, operation, old_size);
      }
    }
  }
  finish_epoch(player);
}

void* play_thread(void* argument) {
  Player& player = *static_cast<Player*>(argument);
  touch == Touch::dry ? play_all<true>(player) : play_all<false>(player);
  // One that did not end in the program is there until the end, with what its thread holds.
  while (!player.ended.load(std::memory_order_relaxed) &&
         done.load(std::memory_order_acquire) == 0) {
    sleep_while(done, 0);
  }
  return nullptr;
}

uint64_t value_in(const char* path, const char* name) {
  char text[8192];
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t length = file >= 0 ? read(file, text, sizeof text - 1) : 0;
  if (file >= 0) close(file);
  text[length > 0 ? length : 0] = 0;
  const char* const found = strstr(text, name);
  return found != nullptr ? strtoull(found + strlen(name), nullptr, 10) * 1024 : 0;
}

void prepare(const char* file, const char* how) {
  page_size = size_t(sysconf(_SC_PAGESIZE));
  plan_file = atoi(file);
  read_at(&header, sizeof header, 0);
  if (header.magic != PlanHeader::right_magic) fail("this is no plan");
  const char* const names[] = {"dry", "none", "first", "page", "all"};
  for (int i = 0; i < 5; ++i) {
    if (strcmp(how, names[i]) == 0) touch = Touch(i);
  }
  statm_file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  plan_threads = read_table<PlanThread>(header.threads, header.threads_at);
  epochs = read_table<PlanEpoch>(header.epochs, header.epochs_at);
  blocks = read_table<uint64_t>(header.blocks, header.blocks_at);
  slots = static_cast<std::atomic<void*>*>(own_memory(header.slots * sizeof(void*)));
  players = static_cast<Player*>(own_memory(header.threads * sizeof(Player)));
  resident = static_cast<uint64_t*>(own_memory(header.epochs * sizeof(uint64_t)));
  // The first is the main thread's for good, and an ended one's may come back an epoch late.
  const uint32_t window_count = header.most_threads + 2;
  windows = static_cast<Operation*>(
      own_memory(size_t{window_count} * operations_per_block * sizeof(Operation)));
  spare_windows = static_cast<uint32_t*>(own_memory(window_count * sizeof(uint32_t)));
  for (uint32_t i = 0; i + 1 < window_count; ++i) spare_windows[spare_window_count++] = i + 1;
  starting = static_cast<uint32_t*>(own_memory(header.threads * sizeof(uint32_t)));
  for (uint32_t i = 0; i < header.threads; ++i) {
    players[i].plan = plan_threads + i;
    starting[i] = i;
  }
}

// Insertion: threads are nearly in the order of their starts already.
void sort_starts() {
  for (uint32_t i = 1; i < header.threads; ++i) {
    const uint32_t index = starting[i];
    uint32_t at = i;
    while (at > 0 && plan_threads[starting[at - 1]].first_epoch > plan_threads[index].first_epoch) {
      starting[at] = starting[at - 1];
      --at;
    }
    starting[at] = index;
  }
}

void report(uint64_t wall, uint64_t processor, const rusage& before, const rusage& after) {
  uint64_t waited = 0;
  uint64_t failed = 0;
  for (uint32_t i = 0; i < header.threads; ++i) {
    waited += players[i].waited;
    failed += players[i].failed;
  }
  Dl_info info{};
  dladdr(reinterpret_cast<void*>(&malloc), &info);
  printf("allocator %s\n", info.dli_fname != nullptr ? info.dli_fname : "");
  printf("wall %lu\nprocessor %lu\nwaited %lu\n", wall, processor, waited);
  printf("rested %lu\n", rested);
  printf("faults %ld\nfailed %lu\n", after.ru_minflt - before.ru_minflt, failed);
  printf("own %lu\npeak %lu\n", own_bytes, value_in("/proc/self/status", "VmHWM:"));
  printf("end %lu\n", value_in("/proc/self/smaps_rollup", "Rss:"));
  for (uint32_t i = 0; i < header.epochs; ++i)
    printf("sample %u %lu\n", i, resident[i] * page_size);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    dprintf(STDERR_FILENO, "strata-player is started by strata replay\n");
    return 2;
  }
  prepare(arguments[1], arguments[2]);
  pace = strtod(arguments[3], nullptr);
  if (strcmp(arguments[4], "never") != 0) stop = uint32_t(strtoul(arguments[4], nullptr, 10));
  sort_starts();

  rusage before;
  rusage after;
  getrusage(RUSAGE_SELF, &before);
  const uint64_t processor = now(CLOCK_PROCESS_CPUTIME_ID);
  begin_time = now(CLOCK_MONOTONIC);
  remaining.store(epochs[0].threads);
  if (header.threads > 1) start_threads(0);
  if (header.main_thread < header.threads) {
    players[header.main_thread].window = windows;
    play_thread(players + header.main_thread);
  }
  while (done.load(std::memory_order_acquire) == 0) sleep_while(done, 0);
  const uint64_t wall = now(CLOCK_MONOTONIC) - begin_time;
  const uint64_t used = now(CLOCK_PROCESS_CPUTIME_ID) - processor;
  getrusage(RUSAGE_SELF, &after);
  report(wall, used, before, after);
  fflush(stdout);
  _exit(0);  // what lives at the end is not torn down: the program's end did not either
}
