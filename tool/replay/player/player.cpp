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
// Output: lines "name value", and "sample EPOCH RESIDENT" for every epoch; see replay/player_process.cpp.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "replay/player/play.hpp"

namespace strata::replay {
Touch touch = Touch::page;
}

namespace {

using namespace strata::replay;

int statm_file = -1;
uint32_t next_to_start = 0;

std::atomic<uint32_t> epoch;      // the one that is played; what waiting threads sleep on
std::atomic<uint32_t> remaining;  // threads that have not finished it
std::atomic<uint32_t> done;

double pace = 0;
uint32_t stop = ~uint32_t{0};  // the epoch to stop at
uint64_t rested = 0;           // to keep the pace, in nanoseconds
uint64_t begin_time;

void sleep_while(std::atomic<uint32_t>& word, uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}
void wake_all(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 0x7fffffff, nullptr, nullptr, 0);
}

uint64_t resident_pages() {
  char text[128];
  const ssize_t length = pread(statm_file, text, sizeof text - 1, 0);
  if (length <= 0) return 0;
  text[length] = 0;
  const char* const second = strchr(text, ' ');
  return second != nullptr ? strtoull(second, nullptr, 10) : 0;
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
  make_tables(atoi(arguments[1]));
  const char* const names[] = {"dry", "none", "first", "page", "all"};
  for (int i = 0; i < 5; ++i) {
    if (strcmp(arguments[2], names[i]) == 0) touch = Touch(i);
  }
  statm_file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  pace = strtod(arguments[3], nullptr);
  if (strcmp(arguments[4], "never") != 0) stop = uint32_t(strtoul(arguments[4], nullptr, 10));

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
