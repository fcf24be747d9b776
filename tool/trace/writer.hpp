// Writes a trace file, chunk by chunk.
//
// A chunk is written by one call and, if the disk is full, taken back whole, so the file always
// ends with a whole chunk; what comes after a failure is dropped and counted. Not for several
// threads at once.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "trace/columns.hpp"
#include "trace/file.hpp"
#include "trace/module.hpp"

struct ZSTD_CCtx_s;

namespace strata::trace {

struct ProcessRecord {
  std::uint32_t number = 0;
  std::uint32_t pid = 0;
  std::uint32_t parent_pid = 0;
  std::uint64_t start = 0;  // nanoseconds since the recording began
  std::string executable;
  std::vector<std::string> command;
};

class Writer {
 public:
  // Makes the file, or empties it. Throws TraceError when that cannot be done.
  Writer(const std::string& path, bool with_sites);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void process(const ProcessRecord& process);
  void module(std::uint32_t process, const Module& module);
  void events(std::uint32_t process, std::uint32_t thread, std::span<const Event> events);
  // Writes what the thread has added and forgets it: it is gone.
  void end_thread(std::uint32_t process, std::uint32_t thread);
  // `processor_time`: nanoseconds that the process used, 0 if that is not known.
  void end_process(std::uint32_t process, std::uint64_t lost, std::uint64_t processor_time);
  // Writes what all threads have added, so that no more is lost if we are killed.
  void flush();
  // Writes the end. Nothing may follow.
  void finish();

  [[nodiscard]] std::uint64_t events_written() const { return events_; }
  [[nodiscard]] std::uint64_t bytes_written() const { return bytes_; }
  // Why writing failed; empty when it did not.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] std::uint64_t events_dropped() const { return events_dropped_; }

 private:
  using ThreadKey = std::pair<std::uint32_t, std::uint32_t>;

  void write_events(ThreadKey key, ColumnWriter& columns);
  void write_chunk(ChunkHeader header, std::string_view stored);

  std::string path_;
  int file_ = -1;
  ZSTD_CCtx_s* compressor_ = nullptr;
  std::map<ThreadKey, ColumnWriter> threads_;
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
  std::string failure_;
  std::uint64_t events_dropped_ = 0;
};

}  // namespace strata::trace
