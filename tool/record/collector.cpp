// The collector's rounds.
#include "record/collector.hpp"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>
#include <tuple>

namespace strata::record {
namespace {

// A new file for the memory, in memory if there is such a place, readable by this user alone.
int make_file(std::string& path) {
  std::random_device random;
  for (const char* folder : {"/dev/shm", "/tmp"}) {
    path = std::string(folder) + "/strata-record." + std::to_string(getpid()) + "." +
           std::to_string(random());
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) return file;
  }
  return -1;
}

// What the kernel tells of a process, from its state letter on; empty when it is gone.
std::string status_of(std::uint32_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return "";
  const std::size_t end = line.rfind(')');  // the name before it may hold anything
  return end != std::string::npos && end + 2 < line.size() ? line.substr(end + 2) : "";
}
bool is_over(const std::string& status) {
  return status.empty() || status[0] == 'Z' || status[0] == 'X';
}
// User and system time in nanoseconds, the 12th and 13th words from the state on.
std::uint64_t processor_time_of(const std::string& status) {
  std::istringstream words(status);
  std::string skipped;
  for (int i = 0; i < 11; ++i) words >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  words >> user >> system;
  return (user + system) * (1000000000 / std::uint64_t(sysconf(_SC_CLK_TCK)));
}
bool is_gone(std::uint32_t pid, std::uint32_t tid) {
  if (syscall(SYS_tgkill, pid, tid, 0) != 0) return errno == ESRCH;
  return tid == pid && is_over(status_of(pid));  // the first thread stays as a zombie
}
// Whether a zombie is all that there is: a first thread may end before the others.
bool is_alone(std::uint32_t pid) {
  struct stat status {};
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  return stat(tasks.c_str(), &status) != 0 || status.st_nlink <= 3;  // ".", "..", the zombie
}

}  // namespace

Collector::Collector(Sink& sink, bool wants_sites)
    : sink_(sink), seen_(process_count), taken_(buffer_count) {
  const int file = make_file(path_);
  const auto fail = [&](const char* what) {
    const int error = errno;
    if (file >= 0) {
      close(file);
      unlink(path_.c_str());
    }
    throw std::system_error(error, std::generic_category(), what);
  };
  if (file < 0) fail("cannot make the recording memory");
  if (ftruncate(file, sizeof(Memory)) != 0) fail("cannot size the recording memory");
  void* const mapped = mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) fail("cannot map the recording memory");
  close(file);
  memory_ = static_cast<Memory*>(mapped);
  memory_->collector_pid = std::uint32_t(getpid());
  memory_->wants_sites = wants_sites ? 1 : 0;
  struct stat status {};
  if (stat("/proc/self/ns/pid", &status) == 0) memory_->pid_namespace = status.st_ino;
  memory_->clock.store(ticks());
  memory_->magic = Memory::right_magic;
}

Collector::~Collector() {
  memory_->stopped.store(1);
  munmap(memory_, sizeof(Memory));
  unlink(path_.c_str());
}

void Collector::find_new_processes() {
  const std::uint32_t registrations = memory_->registrations.load(std::memory_order_acquire);
  if (registrations == registrations_) return;
  registrations_ = registrations;
  for (std::uint32_t slot = 0; slot < memory_->slots_used.load(); ++slot) {
    ProcessSlot& process = memory_->processes[slot];
    if (seen_[slot].known ||
        process.state.load(std::memory_order_acquire) != ProcessState::running) {
      continue;
    }
    std::uint64_t used_before = 0;
    // The same process under another slot has become another program.
    for (std::uint32_t other = 0; other < memory_->slots_used.load(); ++other) {
      if (!seen_[other].known || memory_->processes[other].pid != process.pid) continue;
      used_before = seen_[other].used_before + seen_[other].processor_time;
      end_process(other);
    }
    ProcessInfo info{next_number_++, process.pid, process.parent_pid, process.start, {}, {}};
    info.executable.assign(process.executable,
                           strnlen(process.executable, sizeof process.executable));
    const char* at = process.command;
    const char* const end =
        at + std::min<std::size_t>(process.command_length, sizeof process.command);
    while (at < end) {
      info.command.emplace_back(at, strnlen(at, std::size_t(end - at)));
      at += info.command.back().size() + 1;
    }
    seen_[slot] = {true, info.number, 0, used_before};
    ++running_;
    sink_.process_began(info);
    process.state.store(ProcessState::seen, std::memory_order_release);
    syscall(SYS_futex, &process.state, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
}

void Collector::end_process(std::uint32_t slot) {
  for (const InUse& use : in_use()) {
    if (use.thread >> 32 != slot) continue;
    drain(use.buffer);
    free_buffer(use.buffer, true);
  }
  wake_waiting();
  sink_.process_gone(seen_[slot].number, memory_->processes[slot].lost.load(),
                     seen_[slot].processor_time);
  seen_[slot].known = false;
  --running_;
  memory_->processes[slot].state.store(ProcessState::free, std::memory_order_release);
}

void Collector::drain(std::uint32_t buffer) {
  const BufferOwner& owner = memory_->owners[buffer];
  if (!seen_[owner.process].known) return;
  Event* const events = memory_->events(buffer);
  std::uint32_t end = taken_[buffer];
  const std::uint32_t begin = end;
  // Pairs with the recorder's release store: an event whose `what` is seen is whole.
  while (end < events_per_buffer && events[end].what.load(std::memory_order_acquire) != 0) ++end;
  taken_[buffer] = end;
  events_ += end - begin;
  if (end != begin) {
    sink_.took(seen_[owner.process].number, owner.thread, {events + begin, end - begin});
  }
}

void Collector::free_buffer(std::uint32_t buffer, bool thread_is_gone) {
  BufferOwner& owner = memory_->owners[buffer];
  if (thread_is_gone && seen_[owner.process].known) {
    sink_.thread_gone(seen_[owner.process].number, owner.thread);
  }
  std::memset(static_cast<void*>(memory_->buffers[buffer]), 0, buffer_bytes);
  taken_[buffer] = 0;
  owner.state.store(BufferState::free, std::memory_order_release);
}

std::vector<Collector::InUse> Collector::in_use() const {
  std::vector<InUse> found;
  for (std::uint32_t buffer = 0; buffer < memory_->buffers_used.load(); ++buffer) {
    const BufferOwner& owner = memory_->owners[buffer];
    const BufferState state = owner.state.load(std::memory_order_acquire);
    if (state != BufferState::taken && state != BufferState::full) continue;
    if (!seen_[owner.process].known) continue;
    found.push_back({std::uint64_t{owner.process} << 32 | owner.thread, owner.order, buffer});
  }
  std::sort(found.begin(), found.end(), [](const InUse& a, const InUse& b) {
    return std::tie(a.thread, a.order) < std::tie(b.thread, b.order);
  });
  return found;
}

void Collector::wake_waiting() {
  memory_->freed.fetch_add(1, std::memory_order_release);
  syscall(SYS_futex, &memory_->freed, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void Collector::look_for_dead() {
  for (std::uint32_t slot = 0; slot < memory_->slots_used.load(); ++slot) {
    if (!seen_[slot].known) continue;
    const std::uint32_t pid = memory_->processes[slot].pid;
    const std::string status = status_of(pid);
    if (!status.empty()) {
      const std::uint64_t used = processor_time_of(status);
      seen_[slot].processor_time = used - std::min(used, seen_[slot].used_before);
    }
    if (is_over(status) && is_alone(pid)) end_process(slot);
  }
}

void Collector::round(bool look) {
  memory_->clock.store(ticks(), std::memory_order_relaxed);
  find_new_processes();
  if (look) look_for_dead();
  drain_all(look);
}

void Collector::drain_all(bool look) {
  bool freed = false;
  std::uint64_t unfinished = ~std::uint64_t{0};
  for (const InUse& use : in_use()) {
    // Behind a buffer that its thread may still write to, what came later has to wait.
    if (use.thread == unfinished) continue;
    const BufferOwner& owner = memory_->owners[use.buffer];
    const bool full = owner.state.load(std::memory_order_acquire) == BufferState::full;
    const bool dead = !full && look && is_gone(memory_->processes[owner.process].pid, owner.tid);
    drain(use.buffer);  // after both questions: nothing is added to it any more
    if (full || dead) {
      free_buffer(use.buffer, dead);
      freed = true;
    } else {
      unfinished = use.thread;
    }
  }
  if (freed) wake_waiting();
}

void Collector::finish() {
  memory_->stopped.store(1);
  round(true);
  for (std::uint32_t slot = 0; slot < memory_->slots_used.load(); ++slot) {
    if (seen_[slot].known) end_process(slot);
  }
}

}  // namespace strata::record
