// The collector: reads what recorded programs write into the recording memory.
//
// It makes the memory, and in rounds of a few milliseconds advances the coarse clock, takes the new
// events of every buffer in use, and clears and frees the full ones. Buffers of threads that are
// gone, however they went, are found by asking the kernel for the thread; a process that is gone,
// or that has become another program by exec, gives back its slot.
//
// Not here: what becomes of the events (Sink), starting programs.
// Cost: a round is a load for each buffer that was ever in use; an event some 3 ns to read and
// clear.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "record/memory.hpp"

namespace strata::record {

struct ProcessInfo {
  std::uint32_t number = 0;  // in order of appearance
  std::uint32_t pid = 0;
  std::uint32_t parent_pid = 0;
  std::uint64_t start = 0;  // ticks
  std::string executable;
  std::vector<std::string> command;
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void process_began(const ProcessInfo& process) = 0;
  virtual void took(std::uint32_t process, std::uint32_t thread, std::span<const Event> events) = 0;
  virtual void thread_gone(std::uint32_t process, std::uint32_t thread) = 0;
  // `processor_time`: nanoseconds that it had used when it was last looked at.
  virtual void process_gone(std::uint32_t process, std::uint64_t lost,
                            std::uint64_t processor_time) = 0;
};

class Collector {
 public:
  // Throws std::system_error when no memory can be made.
  Collector(Sink& sink, bool wants_sites);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

  // One round. `look` also asks the kernel who is gone.
  void round(bool look);
  // Tells everybody to record no more, and takes what is there.
  void finish();

  [[nodiscard]] unsigned running() const { return running_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }  // taken so far
  [[nodiscard]] std::uint32_t processes_lost() const { return memory_->processes_lost.load(); }

 private:
  struct Seen {
    bool known = false;
    std::uint32_t number = 0;
    std::uint64_t processor_time = 0;  // as of the last look, in nanoseconds
    std::uint64_t used_before = 0;     // by what the process was before exec
  };

  // A buffer that somebody has, as it was found at the beginning of a round.
  struct InUse {
    std::uint64_t thread;  // process and thread, to sort by
    std::uint32_t order;
    std::uint32_t buffer;
  };

  void look_for_dead();
  // `look`: threads that are gone give back the buffers they had.
  void drain_all(bool look);
  void wake_waiting();
  void find_new_processes();
  void end_process(std::uint32_t slot);
  // The buffers in use of known processes, by thread and age.
  [[nodiscard]] std::vector<InUse> in_use() const;
  // Takes the new events of a buffer.
  void drain(std::uint32_t buffer);
  void free_buffer(std::uint32_t buffer, bool thread_is_gone);

  Sink& sink_;
  std::string path_;
  Memory* memory_ = nullptr;
  std::vector<Seen> seen_;            // by slot
  std::vector<std::uint32_t> taken_;  // events already taken, by buffer
  std::uint32_t next_number_ = 0;
  std::uint32_t registrations_ = 0;  // as of the last look for new processes
  unsigned running_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace strata::record
