// Running the program itself.
#include "replay/live.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "libraries.hpp"

namespace strata::replay {
namespace {

using Clock = std::chrono::steady_clock;

// Resident bytes of a process and its children.
std::uint64_t resident_of(pid_t process, int depth = 8) {
  std::uint64_t pages = 0;
  std::uint64_t bytes = 0;
  const std::string folder = "/proc/" + std::to_string(process);
  std::ifstream statm(folder + "/statm");
  if (statm >> pages >> pages) bytes = pages * std::uint64_t(sysconf(_SC_PAGESIZE));
  std::ifstream children(folder + "/task/" + std::to_string(process) + "/children");
  for (pid_t child = 0; depth != 0 && children >> child;) bytes += resident_of(child, depth - 1);
  return bytes;
}

[[noreturn]] void become(const std::vector<std::string>& command, const Allocator& allocator,
                         int errors) {
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  // A file is read anew each time; what cannot be is not read at all, unless somebody types.
  if (lseek(STDIN_FILENO, 0, SEEK_SET) != 0 && isatty(STDIN_FILENO) == 0) {
    dup2(nowhere, STDIN_FILENO);
  }
  dup2(nowhere, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  if (!allocator.library.empty()) {
    setenv("LD_PRELOAD", tool::preload_of(allocator.library).c_str(), 1);
  }
  for (const auto& [name, value] : allocator.environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  dprintf(STDERR_FILENO, "cannot run %s: %s\n", arguments[0], strerror(errno));
  _exit(127);
}

std::string last_line_of(int file) {
  char text[4096];
  const off_t size = lseek(file, 0, SEEK_END);
  const off_t begin = std::max<off_t>(0, size - off_t(sizeof text));
  const ssize_t length = pread(file, text, sizeof text, begin);
  std::string all(text, length > 0 ? std::size_t(length) : 0);
  while (!all.empty() && all.back() == '\n') all.pop_back();
  return all.substr(all.rfind('\n') == std::string::npos ? 0 : all.rfind('\n') + 1);
}

double seconds_of(const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; }

std::string run_once(const std::vector<std::string>& command, const Allocator& allocator,
                     Round& round) {
  std::string name = "/tmp/strata-live.XXXXXX";
  const int errors = mkostemp(name.data(), O_CLOEXEC);
  if (errors < 0) throw std::runtime_error("cannot make a file for what the program says");
  unlink(name.c_str());
  const Clock::time_point begin = Clock::now();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) become(command, allocator, errors);
  int status = 0;
  rusage usage{};
  const auto since_begin = [&] {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  // The next look comes later, the longer it runs: a hundredth of what has passed, 1 to 50 ms.
  while (wait4(child, &status, WNOHANG, &usage) == 0) {
    round.curve.push_back({since_begin(), resident_of(child)});
    const double rest = std::clamp(since_begin() / 100, 0.001, 0.05);
    const timespec time{0, long(rest * 1e9)};
    nanosleep(&time, nullptr);
  }
  round.wall = since_begin();
  round.processor = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  round.faults = std::uint64_t(usage.ru_minflt);
  round.peak = std::uint64_t(usage.ru_maxrss) * 1024;
  for (const Point& point : round.curve) {
    round.peak = std::max(round.peak, point.bytes);
    if (point.bytes != 0) round.end = point.bytes;
  }
  round.mean = mean_over_time(round.curve);
  const std::string said = last_line_of(errors);
  close(errors);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return said.find("cannot be preloaded") != std::string::npos ? said : "";
  }
  const std::string how = WIFSIGNALED(status) ? fmt::format("killed by signal {}", WTERMSIG(status))
                                              : fmt::format("exit code {}", WEXITSTATUS(status));
  return said.empty() ? how : how + ": " + said;
}

}  // namespace

Comparison run_live(const std::vector<std::string>& command,
                    const std::vector<Allocator>& allocators, const Settings& settings,
                    const std::function<void(const std::string&, double)>& progress) {
  Comparison result;
  result.way = Way::live;
  result.source = "live";
  result.settings = settings;
  const std::size_t slash = command.at(0).rfind('/');
  result.program = slash == std::string::npos ? command[0] : command[0].substr(slash + 1);
  for (const std::string& word : command)
    result.command += (result.command.empty() ? "" : " ") + word;
  for (const Allocator& allocator : allocators) result.rows.push_back({allocator, {}, {}, {}});

  double turn = 0;
  const double turns = double(settings.rounds) * double(allocators.size());
  for (unsigned number = 0; number < settings.rounds; ++number) {
    for (std::size_t i = 0; i < result.rows.size(); ++i) {
      Row& row = result.rows[(i + number) % result.rows.size()];
      progress(row.allocator.name, turn++ / turns);
      if (!row.problem.empty()) continue;
      Round round;
      row.problem = run_once(command, row.allocator, round);
      if (row.problem.empty()) row.rounds.push_back(std::move(round));
    }
  }
  for (Row& row : result.rows) {
    if (row.problem.empty()) row.figures = figures_of(row.rounds, 0);
  }
  return result;
}

}  // namespace strata::replay
