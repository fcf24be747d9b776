// What the kernel says about a process, from /proc. Facts may be stale as soon as they are read;
// a process that is gone is Trouble.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata::tool {

struct ThreadName {
  pid_t number;
  std::string name;
};

class Process {
 public:
  // Trouble when there is none of that number, or only what is left of it.
  explicit Process(pid_t number);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t number() const { return number_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // "process 12 (redis-server)", for messages.
  [[nodiscard]] std::string title() const;
  // The command line with spaces between its words.
  [[nodiscard]] std::string command() const;
  // Or does so within that time.
  [[nodiscard]] bool has_ended(unsigned milliseconds = 0) const;
  // The letter of /proc/PID/stat (R, S, D, T, t, Z), or 0.
  [[nodiscard]] char state() const;
  [[nodiscard]] std::string owner() const;
  [[nodiscard]] std::vector<ThreadName> threads() const;
  // Contents of /proc/PID/NAME; Trouble when the kernel refuses, with the reason in words.
  [[nodiscard]] std::string read(const std::string& name) const;
  // A field of /proc/PID/status that is given in kB, in bytes.
  [[nodiscard]] std::optional<std::uint64_t> status_bytes(const std::string& field) const;
  // The RSS, counted page by page: VmRSS is put together from counters of each processor, which
  // most kernels add up without what they have not passed on yet. 0 when the process is gone.
  [[nodiscard]] std::uint64_t resident_bytes() const;
  // "NAME=value" strings of the environment it was started with.
  [[nodiscard]] std::vector<std::string> environment() const;
  [[nodiscard]] std::string path(const std::string& name) const;
  // What to throw when the kernel refuses to let us look.
  [[noreturn]] void refuse(int error) const;

 private:
  pid_t number_;
  int pidfd_ = -1;
  std::string name_;
};

// A whole file, empty when it cannot be read.
std::string file_text(const std::string& path);

}  // namespace strata::tool
