// The simulated machine: mappings of a memfd, and what they were before. See sim_machine.hpp.
#include "platform/sim/sim_machine.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace strata {

namespace {

int ram = -1;
size_t ram_size;
std::mutex table_mutex;      // guards what is below
std::uint64_t* table;        // page of the window -> frame + 1, 0: nothing mapped
std::uint64_t* stale_frame;  // page of the window -> frame + 1 that was there before the flush
unsigned char* stale;        // frame -> 1 while unmapped and not flushed
unsigned char* large;        // 2 MiB of the window -> 1: mapped by one entry
size_t mapped;
std::atomic<unsigned> next_cpu;

void* anonymous(size_t bytes, int protection) {
  void* at = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    perror("strata: sim: mmap");
    abort();
  }
  return at;
}

}  // namespace

unsigned char* SimMachine::direct_;
Address SimMachine::window_;
size_t SimMachine::window_pages_;
std::atomic<long> SimMachine::fail_map_at_, SimMachine::fail_split_at_, SimMachine::map_calls_,
    SimMachine::flush_calls_, SimMachine::stale_uses_;
std::atomic<unsigned> SimMachine::problems_;
std::atomic<Problem> SimMachine::last_problem_;

void SimMachine::open(size_t ram_bytes, size_t window_bytes) {
  ram = memfd_create("strata-sim-ram", MFD_CLOEXEC);
  if (ram < 0 || ftruncate(ram, off_t(ram_bytes)) != 0) {
    perror("strata: sim: memfd");
    abort();
  }
  ram_size = ram_bytes;
  void* direct =
      mmap(nullptr, ram_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, ram, 0);
  if (direct == MAP_FAILED) {
    perror("strata: sim: direct map");
    abort();
  }
  direct_ = static_cast<unsigned char*>(direct);
  window_pages_ = window_bytes / frame_size;
  // Aligned to 2 MiB, so that large mappings are tried.
  const Address raw = Address(anonymous(window_bytes + 2 * MiB, PROT_NONE));
  window_ = (raw + 2 * MiB - 1) & ~Address(2 * MiB - 1);
  table = static_cast<std::uint64_t*>(anonymous(window_pages_ * 8, PROT_READ | PROT_WRITE));
  stale_frame = static_cast<std::uint64_t*>(anonymous(window_pages_ * 8, PROT_READ | PROT_WRITE));
  stale = static_cast<unsigned char*>(anonymous(ram_bytes / frame_size, PROT_READ | PROT_WRITE));
  large = static_cast<unsigned char*>(
      anonymous(window_pages_ / frames_per_block + 1, PROT_READ | PROT_WRITE));
  mapped = 0;
  fail_map_at_ = fail_split_at_ = map_calls_ = flush_calls_ = stale_uses_ = 0;
  problems_ = 0;
  last_problem_ = Problem::none;
}

void SimMachine::close() {
  munmap(direct_, ram_size);
  munmap(reinterpret_cast<void*>(window_), window_pages_ * frame_size);
  munmap(table, window_pages_ * 8);
  munmap(stale_frame, window_pages_ * 8);
  munmap(stale, ram_size / frame_size);
  munmap(large, window_pages_ / frames_per_block + 1);
  ::close(ram);
}

bool SimMachine::map(Address address, Frame frame, size_t pages, Access access) noexcept {
  const std::lock_guard guard(table_mutex);
  ++map_calls_;
  if (fail_map_at_ > 0 && --fail_map_at_ == 0) return false;
  const int protection = access == Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void* at = mmap(reinterpret_cast<void*>(address), pages * frame_size, protection,
                  MAP_SHARED | MAP_FIXED | MAP_NORESERVE, ram, off_t(frame.address()));
  if (at == MAP_FAILED) return false;
  const size_t first = (address - window_) / frame_size;
  for (size_t i = 0; i < pages; ++i) {
    if (stale[frame.number + i] != 0 || table[first + i] != 0 || stale_frame[first + i] != 0) {
      ++stale_uses_;
    }
    table[first + i] = frame.number + i + 1;
    const bool aligned =
        (first + i) % frames_per_block == 0 && (frame.number + i) % frames_per_block == 0;
    if (aligned && pages - i >= frames_per_block) large[(first + i) / frames_per_block] = 1;
  }
  mapped += pages;
  return true;
}

FrameRun SimMachine::unmap(Address address, size_t pages) noexcept {
  const std::lock_guard guard(table_mutex);
  const size_t first = (address - window_) / frame_size;
  const std::uint64_t start = table[first];
  size_t count = 0;
  while (count < pages && table[first + count] == (start == 0 ? 0 : start + count)) {
    const size_t block = (first + count) / frames_per_block;
    if (large[block] != 0) {
      const bool whole =
          (first + count) % frames_per_block == 0 && pages - count >= frames_per_block;
      if (!whole && fail_split_at_ > 0 && --fail_split_at_ == 0) break;
      large[block] = 0;
    }
    if (start != 0) {
      stale_frame[first + count] = start + count;
      stale[start + count - 1] = 1;
      table[first + count] = 0;
    }
    ++count;
  }
  if (start == 0 || count == 0) return {Frame{}, count};
  if (mmap(reinterpret_cast<void*>(address), count * frame_size, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED) {
    perror("strata: sim: unmap");
    abort();
  }
  mapped -= count;
  return {Frame{start - 1}, count};
}

void SimMachine::flush(Address address, size_t pages) noexcept {
  const std::lock_guard guard(table_mutex);
  ++flush_calls_;
  const size_t first = (address - window_) / frame_size;
  for (size_t i = first; i < first + pages && i < window_pages_; ++i) {
    if (stale_frame[i] == 0) continue;
    stale[stale_frame[i] - 1] = 0;
    stale_frame[i] = 0;
  }
}

void SimMachine::fail(Problem problem, Address) noexcept {
  ++problems_;
  last_problem_ = problem;
}

Problem SimMachine::last_problem() noexcept { return last_problem_.exchange(Problem::none); }

size_t SimMachine::mapped_pages() noexcept {
  const std::lock_guard guard(table_mutex);
  return mapped;
}

void SimMachine::yield() noexcept { sched_yield(); }

unsigned SimMachine::new_cpu() noexcept {
  cpu_ = next_cpu.fetch_add(1) % max_cpus + 1;
  return cpu_ - 1;
}

}  // namespace strata
