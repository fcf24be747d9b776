// The heap profiler. See profiler.hpp.
#include "observe/profiler.hpp"

#include "heap/state.hpp"
#include "observe/chance.hpp"
#include "observe/live_table.hpp"
#include "observe/profile_writer.hpp"
#include "observe/sampled_slabs.hpp"

namespace strata::observe::profiler {
namespace {

using heap::sample::Allocation;
using heap::sample::Which;

constexpr size_t longest_path = 128;

struct State {
  Machine::Lock lock;  // taken before any lock of the heap's
  ProfileWriter writer;
  LiveTable live;
  SampledSlabs slabs;
  std::uint32_t process = 0;  // whose slice it is
  std::uint32_t area = 0;     // its number among those this process and its ancestors have had
  double live_bytes = 0;
  char path[longest_path] = {};
};
constinit State state;

// False in the child of a fork that no handler was told of, and of vfork: the slice is the
// parent's.
bool may_write() noexcept {
  return state.writer.is_open() && state.process == Machine::process_number();
}
bool stands_in_slice(const LiveRecord& record) noexcept {
  return record.area == state.area && may_write();
}

void add_live(double bytes) noexcept {
  state.live_bytes += bytes;
  const double shown = state.live_bytes < 0 ? 0 : state.live_bytes;
  state.writer.head().live_bytes.store(std::uint64_t(shown), Order::relaxed);
  state.writer.head().live.store(state.live.count(), Order::relaxed);
}

void count(std::uint32_t number, const Allocation& allocation) noexcept {
  const double chance = chance_of(allocation.counted, allocation.mean, allocation.client_mean);
  Stack& stack = state.writer.stack(number);
  ++stack.samples;
  // A block that grows is not one more.
  if (!allocation.grown) stack.blocks += 1 / chance;
  stack.bytes += double(allocation.counted) / chance;
  const size_t asked = allocation.size < allocation.counted ? allocation.size : allocation.counted;
  stack.requested += double(asked) / chance;
}

// Writes what a record stands for, anew.
void write_size(std::uint32_t number, size_t size, size_t bytes) noexcept {
  LiveRecord& record = state.live[number];
  LiveSample& sample = state.writer.live(number);
  sample.size = size;
  sample.bytes = bytes;
  sample.weight = 1 / chance_of(record.exposed, record.mean, record.client_mean);
  const double before = record.bytes;
  record.bytes = double(bytes) * sample.weight;
  add_live(record.bytes - before);
}

// From here on the block's free is told: a small one is replaced for that.
void follow(std::uint32_t stack, Allocation& allocation) noexcept {
  const auto address = Address(allocation.block);
  if (allocation.grown && state.live.find(address) != LiveTable::none) return;  // see resized
  void* block = allocation.block;
  if (!allocation.large) {
    block = state.slabs.take(class_of(allocation.counted), allocation.zeroed);
    if (block == nullptr) return;
  }
  const std::uint32_t number = state.live.add(Address(block));
  if (number == LiveTable::none) {
    state.writer.head().dropped.fetch_add(1, Order::relaxed);
    if (!allocation.large) state.slabs.give(block);
    return;
  }
  LiveRecord& record = state.live[number];
  const size_t bytes = allocation.grown ? allocation.size : allocation.counted;
  record.place = allocation.large ? 0 : address;
  record.exposed = bytes;
  record.mean = allocation.mean;
  record.client_mean = allocation.client_mean;
  record.area = state.area;
  LiveSample& sample = state.writer.live(number);
  sample.address = Address(block);
  sample.place = record.place;
  sample.born = Machine::now();
  sample.thread = Machine::thread_number();
  write_size(number, allocation.size, bytes);
  state.writer.head().live_used.store(state.live.used(), Order::relaxed);
  sample.stack.store(stack + 1, Order::release);
  allocation.block = block;
}

void allocated(Allocation& allocation) noexcept {
  Address frames[ProfileWriter::most_frames];
  const unsigned depth = Machine::walk_stack(frames, ProfileWriter::most_frames);
  LockGuard guard(state.lock);
  if (!may_write()) return;
  Profile& head = state.writer.head();
  head.samples.fetch_add(1, Order::relaxed);
  const std::uint32_t stack = state.writer.find_or_add(frames, depth);
  if (stack == ProfileWriter::none) {
    head.dropped.fetch_add(1, Order::relaxed);
    return;
  }
  count(stack, allocation);
  follow(stack, allocation);
}

bool freed(void* pointer) noexcept {
  Address place = 0;
  {
    LockGuard guard(state.lock);
    const std::uint32_t number = state.live.find(Address(pointer));
    if (number == LiveTable::none) return false;
    const LiveRecord record = state.live[number];
    place = record.place;
    state.live.remove(number);
    if (stands_in_slice(record)) {
      state.writer.live(number).stack.store(0, Order::release);
      add_live(-record.bytes);
    }
    if (place == 0) return false;  // a large block: the heap frees it
    state.slabs.give(pointer);
  }
  heap::free(reinterpret_cast<void*>(place));
  return true;
}

size_t usable(const void* pointer) noexcept {
  LockGuard guard(state.lock);
  const std::uint32_t number = state.live.find(Address(pointer));
  if (number == LiveTable::none || state.live[number].place == 0) return 0;
  return state.live[number].exposed;
}

// A block that grows is exposed to more points; one that shrinks keeps its chance to be in here.
void resized(void* pointer, size_t old_bytes, size_t bytes) noexcept {
  LockGuard guard(state.lock);
  const std::uint32_t number = state.live.find(Address(pointer));
  if (number == LiveTable::none || !stands_in_slice(state.live[number])) return;
  if (bytes > old_bytes) state.live[number].exposed += bytes - old_bytes;
  write_size(number, bytes, bytes);
}

constinit const heap::sample::Client client = {allocated, freed, usable, resized};

// `slice`: 0 for the next one of the file.
bool open_slice(Address slice, size_t mean) noexcept {
  if (!state.live.open()) return false;
  if (slice == 0 && state.path[0] != 0) slice = ProfileWriter::next_slice(state.path);
  if (slice == 0 || !state.writer.open(slice, mean)) return false;
  state.process = Machine::process_number();
  ++state.area;
  state.live_bytes = 0;
  return true;
}

Start begin(size_t mean) noexcept {
  heap::sample::set_client(Which::profile, &client);
  heap::sample::set_mean(Which::profile, mean);
  return is_on() ? Start::done : Start::not_in_this_mode;
}

}  // namespace

Start start(const char* path, size_t mean) noexcept {
  if (heap::mode != nullptr) return Start::not_in_this_mode;
  {
    LockGuard guard(state.lock);
    if (may_write()) {
      if (__builtin_strcmp(state.path, path) != 0) return Start::kept_elsewhere;
    } else {
      const size_t length = __builtin_strlen(path);
      if (length >= longest_path) return Start::refused_memory;
      __builtin_memcpy(state.path, path, length + 1);
      if (!open_slice(0, mean)) return Start::refused_memory;
    }
    state.writer.head().mean = mean;
  }
  return begin(mean);
}

Start start_at(Address slice, size_t mean) noexcept {
  if (heap::mode != nullptr) return Start::not_in_this_mode;
  {
    LockGuard guard(state.lock);
    if (may_write() && !state.writer.is_open_at(slice)) return Start::kept_elsewhere;
    if (!may_write() && !open_slice(slice, mean)) return Start::refused_memory;
    state.writer.head().mean = mean;
  }
  return begin(mean);
}

void stop() noexcept {
  heap::sample::set_mean(Which::profile, 0);
  LockGuard guard(state.lock);
  if (may_write()) state.writer.head().mean = 0;
}

bool is_on() noexcept { return heap::sample::mean_of(Which::profile) != 0; }

void before_fork() noexcept { state.lock.lock(); }
void after_fork_in_parent() noexcept { state.lock.unlock(); }
void after_fork_in_child() noexcept {
  const bool was_open = state.writer.is_open();
  if (was_open) state.writer.leave();
  const bool goes_on = was_open && is_on() && open_slice(0, heap::sample::mean_of(Which::profile));
  state.lock.unlock();
  if (was_open && !goes_on) stop();
}

}  // namespace strata::observe::profiler
