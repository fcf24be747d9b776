// Reading the plan into tables. See tables.hpp.
#include "replay/player/tables.hpp"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace strata::replay {

PlanHeader header;
const PlanThread* plan_threads;
const PlanEpoch* epochs;
const uint64_t* blocks;
std::atomic<void*>* slots;
Player* players;
Operation* windows;
uint32_t* spare_windows;
uint32_t spare_window_count;
uint32_t* starting;
uint64_t* resident;
uint64_t own_bytes;
size_t page_size;

namespace {

int plan_file = -1;

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

template <class Entry>
const Entry* read_table(uint32_t count, uint64_t offset) {
  void* const table = own_memory(count * sizeof(Entry));
  read_at(table, count * sizeof(Entry), offset);
  return static_cast<const Entry*>(table);
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

}  // namespace

[[noreturn]] void fail(const char* what) {
  dprintf(STDERR_FILENO, "strata-player: %s: %s\n", what, strerror(errno));
  _exit(1);
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

void make_tables(int file) {
  page_size = size_t(sysconf(_SC_PAGESIZE));
  plan_file = file;
  read_at(&header, sizeof header, 0);
  if (header.magic != PlanHeader::right_magic) fail("this is no plan");
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
  sort_starts();
}

}  // namespace strata::replay
