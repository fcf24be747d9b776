// From the collector into the trace.
#include "record/trace_sink.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace strata::record {
namespace {

// The files that a process has mapped to run code of; empty when it is gone.
std::vector<trace::Module> modules_of(std::uint32_t pid) {
  std::vector<trace::Module> modules;
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    trace::Module module;
    std::string rights;
    std::string device;
    std::string inode;
    char dash = 0;
    words >> std::hex >> module.begin >> dash >> module.end >> rights >> module.offset >> device >>
        inode >> std::ws;
    std::getline(words, module.path);
    if (words && rights.size() > 2 && rights[2] == 'x' && module.path.starts_with('/')) {
      modules.push_back(module);
    }
  }
  return modules;
}

}  // namespace

void TraceSink::process_began(const ProcessInfo& info) {
  if (!wanted(info.number)) return;
  trace::ProcessRecord record;
  record.number = info.number;
  record.pid = info.pid;
  record.parent_pid = info.parent_pid;
  record.start = clock_.nanoseconds(info.start);
  record.executable = info.executable;
  record.command = info.command;
  writer_.process(record);
  ++processes_;
  if (!with_sites_) return;
  mapped_[info.number].pid = info.pid;
  list_modules(info.number);
}

void TraceSink::took(std::uint32_t process, std::uint32_t thread, std::span<const Event> events) {
  if (!wanted(process)) return;
  batch_.clear();
  for (const Event& event : events) {
    const std::uint64_t what = event.what.load(std::memory_order_relaxed);
    // Coarse times repeat a thousand times over.
    if (event.time != last_ticks_) {
      last_ticks_ = event.time;
      last_time_ = clock_.nanoseconds(event.time);
    }
    const auto kind = Kind(what & 0xff);
    batch_.push_back({kind, std::uint8_t(what >> 8), last_time_, event.address, what >> 16});
    if (kind == Kind::site) find_module(process, event.address);
  }
  writer_.events(process, thread, batch_);
}

void TraceSink::find_module(std::uint32_t process, std::uint64_t address) {
  Mapped& mapped = mapped_[process];
  const auto after = mapped.ends.upper_bound(address);
  if (after != mapped.ends.begin() && address < std::prev(after)->second) return;
  if (address >> 12 == mapped.unknown) return;
  mapped.unknown = address >> 12;
  list_modules(process);  // opened since
}

void TraceSink::list_modules(std::uint32_t process) {
  Mapped& mapped = mapped_[process];
  for (const trace::Module& module : modules_of(mapped.pid)) {
    if (mapped.ends.try_emplace(module.begin, module.end).second) writer_.module(process, module);
  }
}

void TraceSink::thread_gone(std::uint32_t process, std::uint32_t thread) {
  writer_.end_thread(process, thread);
}

void TraceSink::process_gone(std::uint32_t process, std::uint64_t events_lost,
                             std::uint64_t processor_time) {
  if (!wanted(process)) return;
  lost_ += events_lost;
  writer_.end_process(process, events_lost, processor_time);
  mapped_.erase(process);
}

}  // namespace strata::record
