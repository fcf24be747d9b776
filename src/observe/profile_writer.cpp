// Writing a profile's slice. See profile_writer.hpp.
#include "observe/profile_writer.hpp"

#include "base/bits.hpp"

namespace strata::observe {
namespace {

std::uint64_t hash_of(const Address* frames, unsigned count) noexcept {
  std::uint64_t hash = count;
  for (unsigned i = 0; i < count; ++i) {
    hash = (hash ^ frames[i]) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 29;
  }
  return hash;
}

// The next slice of the file, or 0.
std::uint32_t take_slice(const char* path) noexcept {
  const Address address = Machine::map_shared(path, 0, Machine::page_size());
  if (address == 0) return 0;
  auto* const header = reinterpret_cast<ProfileHeader*>(address);
  std::uint32_t slice = 0;
  if (header->magic == profile_magic && header->version == profile_version) {
    slice = header->next.fetch_add(1, Order::relaxed);
    if (slice >= most_profile_slices) slice = 0;
  }
  Machine::release(address, Machine::page_size());
  return slice;
}

}  // namespace

bool ProfileWriter::take_memory() noexcept {
  if (known_ != nullptr) return true;
  constexpr size_t table = Layout::most_stacks * sizeof(Known);
  constexpr size_t bytes = table + buckets * sizeof(std::uint32_t);
  const Address memory = Machine::reserve(bytes, Machine::page_size());
  if (memory == 0) return false;
  if (!Machine::commit(memory, bytes)) {
    Machine::release(memory, bytes);
    return false;
  }
  known_ = reinterpret_cast<Known*>(memory);
  buckets_ = reinterpret_cast<std::uint32_t*>(memory + table);
  return true;
}

Address ProfileWriter::next_slice(const char* path) noexcept {
  const std::uint32_t slice = take_slice(path);
  if (slice == 0) return 0;
  return Machine::map_shared(path, size_t{slice} << profile_slice_shift, Layout::end);
}

bool ProfileWriter::open(Address slice, size_t mean) noexcept {
  if (!take_memory()) return false;
  slice_ = slice;
  Profile& profile = head();
  profile.version = profile_version;
  profile.process = Machine::process_number();
  profile.parent = Machine::parent_process_number();
  profile.started = Machine::now();
  profile.mean = mean;
  Machine::read_executable(profile.executable, sizeof profile.executable);
  __atomic_store_n(&profile.magic, profile_magic, __ATOMIC_RELEASE);
  return true;
}

void ProfileWriter::leave() noexcept {
  if (slice_ != 0) Machine::release(slice_, Layout::end);
  slice_ = 0;
  last_module_ = 0;
  for (std::uint32_t i = 0; i < buckets; ++i) {
    if (buckets_[i] != 0) buckets_[i] = 0;
  }
}

std::uint32_t ProfileWriter::find_or_add(const Address* frames, unsigned count) noexcept {
  const std::uint64_t hash = hash_of(frames, count);
  std::uint32_t& first = buckets_[hash % buckets];
  for (std::uint32_t number = first; number != 0; number = known_[number - 1].next) {
    if (known_[number - 1].hash == hash && known_[number - 1].frames == count) return number - 1;
  }
  Profile& profile = head();
  const std::uint32_t number = profile.stacks.load(Order::relaxed);
  const std::uint32_t first_frame = profile.frames.load(Order::relaxed);
  // What stands in the file may have been changed there: it never leads us out of it.
  if (number >= Layout::most_stacks) return none;
  if (first_frame > Layout::most_frames - most_frames) return none;
  for (unsigned i = 0; i < count; ++i) {
    at<std::uint64_t>(Layout::frames)[first_frame + i] = with_module(frames[i]);
  }
  stack(number) = {first_frame, count, 0, 0, 0, 0};
  known_[number] = {hash, first, count};
  first = number + 1;
  profile.frames.store(first_frame + count, Order::relaxed);
  // Release: with the reader's acquire, which then sees the frames.
  profile.stacks.store(number + 1, Order::release);
  return number;
}

std::uint64_t ProfileWriter::with_module(Address frame) noexcept {
  const Module* const modules = at<Module>(Layout::modules);
  const auto holds = [&](std::uint32_t number) {
    const Module& module = modules[number - 1];
    return frame - 1 - module.begin < module.end - module.begin;
  };
  if (last_module_ == 0 || !holds(last_module_)) {
    std::uint32_t number = head().modules.load(Order::relaxed);
    if (number > Layout::most_modules) number = 0;
    while (number != 0 && !holds(number)) --number;
    if (number == 0) number = add_module(frame);
    if (number == 0) return frame & frame_address;
    last_module_ = number;
  }
  return (frame & frame_address) | std::uint64_t{last_module_} << frame_module_shift;
}

std::uint32_t ProfileWriter::add_module(Address frame) noexcept {
  Profile& profile = head();
  const std::uint32_t number = profile.modules.load(Order::relaxed);
  const std::uint32_t name = profile.names.load(Order::relaxed);
  if (number >= Layout::most_modules || name >= Layout::most_names) return 0;
  Machine::LoadedModule found;
  if (!Machine::find_module(frame - 1, found)) return 0;
  char* const names = at<char>(Layout::names);
  std::uint32_t end = name;
  for (const char* from = found.name; *from != 0 && end + 1 < Layout::most_names; ++from) {
    names[end++] = *from;
  }
  names[end] = 0;
  at<Module>(Layout::modules)[number] = {found.begin, found.end, found.bias, name, 0};
  profile.names.store(end + 1, Order::relaxed);
  profile.modules.store(number + 1, Order::release);
  return number + 1;
}

}  // namespace strata::observe
