// Reads a trace file: what is in it, and the events of each thread in their order.
//
// The file is mapped and its chunks are listed at once (without reading what is compressed), so a
// thread's events are decompressed only when they are asked for, one chunk at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "trace/bytes.hpp"
#include "trace/columns.hpp"
#include "trace/file.hpp"
#include "trace/module.hpp"

namespace strata::trace {

struct ProcessInTrace {
  std::uint32_t number = 0;
  std::uint32_t pid = 0;
  std::uint32_t parent_pid = 0;
  std::uint64_t start = 0;
  std::string executable;
  std::vector<std::string> command;
  std::uint64_t events = 0;
  std::uint64_t lost = 0;            // could not be recorded
  std::uint64_t processor_time = 0;  // nanoseconds that it used; 0: not known
  bool ended = false;                // its end is in the trace
  std::vector<std::uint32_t> threads;
  std::vector<Module> modules;  // of traces with calling places

  [[nodiscard]] std::string name() const;          // as it was called, without folders
  [[nodiscard]] std::string command_line() const;  // as one would type it, shortened
  // "libfoo.so+0x12a4": a calling place as addr2line and objdump know it.
  [[nodiscard]] std::string place(std::uint64_t address) const;
};

class TraceFile {
 public:
  // Throws TraceError when the file cannot be read, is no trace, or is damaged.
  explicit TraceFile(std::string path);
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  // Whether the first bytes are a trace's.
  static bool is_one(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::vector<ProcessInTrace>& processes() const { return processes_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.size(); }
  [[nodiscard]] std::uint64_t wall_clock() const { return header_.wall_clock; }
  [[nodiscard]] bool has_sites() const { return (header_.flags & 1) != 0; }
  // Why the trace ends early, in words; empty when it was ended as it should.
  [[nodiscard]] const std::string& cut_off() const { return cut_off_; }
  // The process with most events; null when there is none.
  [[nodiscard]] const ProcessInTrace* largest() const;
  // The time of the process's last event. Decompresses a chunk for each of its threads.
  [[nodiscard]] std::uint64_t last_time(const ProcessInTrace& process) const;
  // By number, process id or executable's name (the largest of that name). Throws TraceError.
  [[nodiscard]] const ProcessInTrace& find(const std::string& what) const;

  // The events of one thread, chunk by chunk.
  class Thread {
   public:
    Thread(const TraceFile& file, std::uint32_t process, std::uint32_t thread);
    // The thread's next events; empty at the end. Throws TraceError when they are damaged.
    std::vector<Event> next_chunk();

   private:
    const TraceFile* file_;
    const std::vector<std::uint64_t>* chunks_;
    std::size_t next_ = 0;
  };

 private:
  friend class Thread;

  std::vector<Event> events_at(std::uint64_t offset) const;
  ChunkHeader header_at(std::uint64_t offset) const;
  std::string_view stored_at(std::uint64_t offset) const;
  void list_chunks();
  void learn(const ChunkHeader& header, std::uint64_t offset);
  ProcessInTrace& process(std::uint32_t number);
  [[noreturn]] void damaged(std::uint64_t offset, const std::string& how) const;

  std::string path_;
  std::string_view bytes_;
  FileHeader header_;
  std::vector<ProcessInTrace> processes_;
  std::map<std::uint32_t, std::size_t> index_of_;  // of processes, by number
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint64_t>> chunks_;
  std::uint64_t events_ = 0;
  std::string cut_off_ = "the recording was not ended (`strata record` was killed?)";
};

}  // namespace strata::trace
