// Reading profiles from shared memory. See recording.hpp.
#include "profile/recording.hpp"

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "observe/trouble.hpp"

namespace strata::tool {
namespace {

using observe::Layout;
using observe::Profile;

template <class T>
const T* at(const char* slice, size_t offset) {
  return reinterpret_cast<const T*>(slice + offset);
}

std::uint32_t bounded(const Atomic<std::uint32_t>& count, std::uint32_t most) {
  return std::min(count.load(Order::acquire), most);
}

std::string text_at(const char* text, size_t most) { return {text, ::strnlen(text, most)}; }

}  // namespace

ProfileFile::ProfileFile() : file_(::memfd_create("strata-profile", MFD_CLOEXEC)) {
  constexpr off_t bytes = off_t{observe::most_profile_slices} << observe::profile_slice_shift;
  if (file_ < 0 || ::ftruncate(file_, bytes) != 0) {
    throw Trouble("no shared memory for the profile: {}", std::strerror(errno));
  }
  const auto page = size_t(::sysconf(_SC_PAGESIZE));
  void* const memory = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  if (memory == MAP_FAILED) {
    throw Trouble("no shared memory for the profile: {}", std::strerror(errno));
  }
  header_ = static_cast<char*>(memory);
  auto* const header = reinterpret_cast<observe::ProfileHeader*>(header_);
  header->version = observe::profile_version;
  header->next.store(1, Order::relaxed);
  header->magic = observe::profile_magic;
}

ProfileFile::~ProfileFile() {
  ::munmap(header_, size_t(::sysconf(_SC_PAGESIZE)));
  ::close(file_);
}

std::string ProfileFile::path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), file_); }

std::uint32_t ProfileFile::slices() const {
  const auto* const header = reinterpret_cast<const observe::ProfileHeader*>(header_);
  return std::min(header->next.load(Order::relaxed), observe::most_profile_slices) - 1;
}

const ProfileMemory& ProfileFile::slice(std::uint32_t number) {
  if (slices_.size() <= number) slices_.resize(number + 1);
  if (slices_[number] == nullptr) {
    slices_[number] = std::make_unique<ProfileMemory>(
        file_, std::uint64_t{number} << observe::profile_slice_shift);
  }
  return *slices_[number];
}

ProfileMemory::ProfileMemory(int file, std::uint64_t offset) {
  void* const memory = ::mmap(nullptr, Layout::end, PROT_READ, MAP_SHARED, file, off_t(offset));
  if (memory == MAP_FAILED) throw Trouble("a profile cannot be mapped: {}", std::strerror(errno));
  memory_ = static_cast<char*>(memory);
}

ProfileMemory::~ProfileMemory() { ::munmap(const_cast<char*>(memory_), Layout::end); }

bool ProfileMemory::is_filled() const {
  const auto& head = *at<Profile>(memory_, 0);
  return __atomic_load_n(&head.magic, __ATOMIC_ACQUIRE) == observe::profile_magic &&
         head.version == observe::profile_version;
}

std::uint64_t ProfileMemory::live_bytes() const {
  return is_filled() ? at<Profile>(memory_, 0)->live_bytes.load(Order::relaxed) : 0;
}

std::vector<LiveBlock> ProfileMemory::live_blocks() const {
  std::vector<LiveBlock> blocks;
  if (!is_filled()) return blocks;
  const auto& head = *at<Profile>(memory_, 0);
  const std::uint32_t stacks = bounded(head.stacks, Layout::most_stacks);
  const std::uint32_t used = bounded(head.live_used, Layout::most_live);
  for (std::uint32_t i = 0; i < used; ++i) {
    const auto& sample = at<observe::LiveSample>(memory_, Layout::live)[i];
    const std::uint32_t stack = sample.stack.load(Order::acquire);
    if (stack == 0 || stack > stacks) continue;
    LiveBlock block;
    block.stack = stack - 1;
    block.small = sample.place != 0;
    block.place = block.small ? sample.place : sample.address;
    block.size = sample.size;
    block.bytes = sample.bytes;
    block.weight = sample.weight;
    block.born = sample.born;
    // The process may have freed it meanwhile, and put another in its place.
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (sample.stack.load(Order::relaxed) == stack) blocks.push_back(block);
  }
  return blocks;
}

bool ProfileMemory::read(RecordedProcess& process) const {
  if (!is_filled()) return false;
  const auto& head = *at<Profile>(memory_, 0);
  process.number = head.process;
  process.parent = head.parent;
  process.executable = text_at(head.executable, sizeof head.executable);
  process.mean = head.mean;
  process.started = head.started;
  process.samples = head.samples.load(Order::relaxed);
  process.dropped = head.dropped.load(Order::relaxed);
  process.live = live_blocks();
  const std::uint32_t stacks = bounded(head.stacks, Layout::most_stacks);
  for (std::uint32_t i = 0; i < stacks; ++i) {
    const auto& from = at<observe::Stack>(memory_, Layout::stacks)[i];
    RecordedStack stack;
    stack.blocks = from.blocks;
    stack.bytes = from.bytes;
    stack.requested = from.requested;
    const std::uint64_t end = std::uint64_t{from.first_frame} + from.frames;
    if (end <= Layout::most_frames) {
      const auto* const frames = at<std::uint64_t>(memory_, Layout::frames);
      stack.frames.assign(frames + from.first_frame, frames + end);
    }
    process.stacks.push_back(std::move(stack));
  }
  const std::uint32_t modules = bounded(head.modules, Layout::most_modules);
  for (std::uint32_t i = 0; i < modules; ++i) {
    const auto& from = at<observe::Module>(memory_, Layout::modules)[i];
    LoadedFile file{from.begin, from.end, from.bias, {}};
    if (from.name < Layout::most_names) {
      file.path = text_at(memory_ + Layout::names + from.name, Layout::most_names - from.name);
    }
    if (file.path.empty()) file.path = process.executable;
    process.files.push_back(std::move(file));
  }
  return true;
}

}  // namespace strata::tool
