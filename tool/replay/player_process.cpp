// The player as a process: pipes, its end, and what it printed. See player_process.hpp.
#include "replay/player_process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "libraries.hpp"

namespace strata::replay {
namespace {

constexpr int plan_number = 3;  // the player's file number of the plan

struct Pipe {
  int read = -1;
  int write = -1;

  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw std::runtime_error(std::string("cannot make a pipe: ") + std::strerror(errno));
    }
    read = ends[0];
    write = ends[1];
  }
};

void close_end(int& file) {
  if (file >= 0) close(file);
  file = -1;
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
}

}  // namespace

PlayerProcess::PlayerProcess(const Plan& plan, const Allocator& allocator, const std::string& touch,
                             double pace, std::optional<std::uint32_t> stop)
    : allocator_(allocator) {
  const std::string player = tool::own_file("strata-player");
  const std::string pace_text = fmt::format("{}", pace);
  const std::string stop_text = stop ? std::to_string(*stop) : "never";
  const std::string plan_text = std::to_string(plan_number);
  const Pipe in;
  const Pipe out;
  const Pipe errors;
  process_ = fork();
  if (process_ == 0) {
    dup2(in.read, STDIN_FILENO);
    dup2(out.write, STDOUT_FILENO);
    dup2(errors.write, STDERR_FILENO);
    if (plan.file == plan_number) {
      fcntl(plan_number, F_SETFD, 0);
    } else {
      dup2(plan.file, plan_number);
    }
    unsetenv("LD_PRELOAD");
    if (!allocator.library.empty()) setenv("LD_PRELOAD", allocator.library.c_str(), 1);
    for (const auto& [name, value] : allocator.environment) setenv(name.c_str(), value.c_str(), 1);
    execl(player.c_str(), player.c_str(), plan_text.c_str(), touch.c_str(), pace_text.c_str(),
          stop_text.c_str(), nullptr);
    _exit(127);
  }
  for (const int end : {in.read, out.write, errors.write}) close(end);
  in_ = in.write;
  out_ = out.read;
  errors_ = errors.read;
  if (process_ < 0) throw std::runtime_error("cannot start the player");
}

PlayerProcess::~PlayerProcess() {
  for (int* file : {&in_, &out_, &errors_}) close_end(*file);
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool PlayerProcess::wait_for_stop() {
  // The line is all it prints before it goes on.
  char letter = 0;
  for (;;) {
    const ssize_t got = read(out_, &letter, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    text_ += letter;
    if (letter == '\n') return text_ == "stopped\n";
  }
}

void PlayerProcess::go_on() const {
  const char letter = '\n';
  // One that has died is noticed when its output ends; SIGPIPE must not end us before.
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  while (write(in_, &letter, 1) < 0 && errno == EINTR) {
  }
  sigaction(SIGPIPE, &before, nullptr);
}

// All of both pipes, without one of them filling up while we read the other.
void PlayerProcess::read_rest() {
  std::array<pollfd, 2> files{pollfd{out_, POLLIN, 0}, pollfd{errors_, POLLIN, 0}};
  const std::array<std::string*, 2> into{&text_, &said_};
  while (files[0].fd >= 0 || files[1].fd >= 0) {
    if (poll(files.data(), files.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i].fd < 0 || files[i].revents == 0) continue;
      std::array<char, 65536> buffer;
      const ssize_t got = read(files[i].fd, buffer.data(), buffer.size());
      if (got > 0) {
        into[i]->append(buffer.data(), std::size_t(got));
      } else if (got == 0 || errno != EINTR) {
        files[i].fd = -1;
      }
    }
  }
}

std::string PlayerProcess::finish(const Plan& plan, Round& round) {
  read_rest();
  while (waitpid(process_, &status_, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return parse(plan, round);
}

std::string PlayerProcess::parse(const Plan& plan, Round& round) const {
  if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0) {
    const std::string how = WIFSIGNALED(status_)
                                ? fmt::format("killed by signal {}", WTERMSIG(status_))
                                : fmt::format("exit code {}", WEXITSTATUS(status_));
    const std::string said = last_line(said_);
    return said.empty() ? how : how + ": " + said;
  }
  if (said_.find("cannot be preloaded") != std::string::npos) return last_line(said_);
  std::istringstream lines(text_);
  std::string name;
  std::uint64_t own = 0;
  while (lines >> name) {
    if (name == "stopped") continue;
    if (name == "allocator") {
      std::string path;
      lines >> path;
      std::error_code ignored;
      if (!allocator_.library.empty() &&
          !std::filesystem::equivalent(path, allocator_.library, ignored)) {
        return "malloc is served by " + path + " instead";
      }
      continue;
    }
    std::uint64_t value = 0;
    if (name == "sample") {
      std::uint64_t epoch = 0;
      lines >> epoch >> value;
      if (epoch >= plan.asked.size()) return "it played more epochs than there are";
      round.curve.push_back({plan.asked[epoch].seconds, value > own ? value - own : 0});
      continue;
    }
    lines >> value;
    if (name == "wall") round.wall = double(value) / 1e9;
    if (name == "processor") round.processor = double(value) / 1e9;
    if (name == "waited") round.waited = double(value) / 1e9;
    if (name == "rested") round.rested = double(value) / 1e9;
    if (name == "faults") round.faults = value;
    if (name == "failed") round.failed = value;
    if (name == "own") own = value;
    if (name == "peak") round.peak = value > own ? value - own : 0;
    if (name == "end") round.end = value > own ? value - own : 0;
  }
  round.mean = mean_over_time(round.curve);
  return "";
}

}  // namespace strata::replay
