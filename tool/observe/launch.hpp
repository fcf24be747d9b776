// Launch: runs a program as if the command were not there: its files, its signals, its exit code.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace strata::tool {

struct Outcome {
  int code = 0;    // exit code; meaningless when a signal ended it
  int signal = 0;  // 0: it ended by itself
  std::uint64_t milliseconds = 0;
  rusage usage{};
};

class Launch {
 public:
  // Starts it with `environment` ("NAME=value") added to ours. Trouble when it cannot be started;
  // exit_code_of_failure() then says what a shell would end with, 126 or 127.
  Launch(const std::vector<std::string>& command, const std::vector<std::string>& environment);
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
  ~Launch();

  [[nodiscard]] pid_t process() const { return process_; }

  // Waits for the end. Signals that are sent to us go to the program; `tick` is called when it asks
  // for it: it returns the milliseconds until it wants to be called next.
  Outcome wait(const std::function<unsigned()>& tick);

 private:
  void forward_signals() const;

  pid_t process_ = -1;
  int signals_ = -1;
  int pidfd_ = -1;
  std::uint64_t started_ = 0;
};

// What the calling process should do to end as the program did: the same code, or the same signal
// (which does not return).
int end_like(const Outcome& outcome);

// "code 3", "signal SIGTERM".
std::string words_of(const Outcome& outcome);

// Could not be started: no such file (127) or not executable (126).
class CannotStart : public std::runtime_error {
 public:
  CannotStart(const std::string& text, int exit_code)
      : std::runtime_error(text), exit_code_(exit_code) {}
  [[nodiscard]] int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

std::uint64_t milliseconds_now();

}  // namespace strata::tool
