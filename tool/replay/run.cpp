// Playing in rounds.
#include "replay/run.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "libraries.hpp"

namespace strata::replay {
namespace {

constexpr int plan_number = 3;  // the player's file number of the plan

struct Output {
  std::string text;    // standard output
  std::string errors;  // the end of standard error
  int status = 0;
};

// All of both pipes, without one of them filling up while we read the other.
void read_both(int out, int errors, Output& output) {
  std::string* const into[] = {&output.text, &output.errors};
  int files[] = {out, errors};
  for (int open_files = 2; open_files != 0;) {
    fd_set ready;
    FD_ZERO(&ready);
    for (const int file : files) {
      if (file >= 0) FD_SET(file, &ready);
    }
    if (select(std::max(files[0], files[1]) + 1, &ready, nullptr, nullptr, nullptr) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    for (int i = 0; i < 2; ++i) {
      if (files[i] < 0 || !FD_ISSET(files[i], &ready)) continue;
      char buffer[65536];
      const ssize_t got = read(files[i], buffer, sizeof buffer);
      if (got > 0) {
        into[i]->append(buffer, std::size_t(got));
      } else if (got == 0 || errno != EINTR) {
        files[i] = -1;
        --open_files;
      }
    }
  }
}

Output play(const Plan& plan, const Allocator& allocator, const std::string& touch, double pace) {
  const std::string player = tool::own_file("strata-player");
  int out[2];
  int errors[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) {
    throw std::runtime_error(std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  const std::string pace_text = fmt::format("{}", pace);
  const pid_t child = fork();
  if (child == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(errors[1], STDERR_FILENO);
    if (plan.file == plan_number) {
      fcntl(plan_number, F_SETFD, 0);
    } else {
      dup2(plan.file, plan_number);
    }
    unsetenv("LD_PRELOAD");
    if (!allocator.library.empty()) setenv("LD_PRELOAD", allocator.library.c_str(), 1);
    for (const auto& [name, value] : allocator.environment) setenv(name.c_str(), value.c_str(), 1);
    execl(player.c_str(), player.c_str(), std::to_string(plan_number).c_str(), touch.c_str(),
          pace_text.c_str(), nullptr);
    _exit(127);
  }
  close(out[1]);
  close(errors[1]);
  Output output;
  if (child > 0) {
    read_both(out[0], errors[0], output);
    while (waitpid(child, &output.status, 0) < 0 && errno == EINTR) {
    }
  }
  close(out[0]);
  close(errors[0]);
  if (child < 0) throw std::runtime_error("cannot start the player");
  return output;
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
}

// What the player printed; a problem in words when it did not do its work.
std::string parse(const Output& output, const Allocator& allocator, const std::vector<Point>& asked,
                  Round& round) {
  if (!WIFEXITED(output.status) || WEXITSTATUS(output.status) != 0) {
    const std::string how = WIFSIGNALED(output.status)
                                ? fmt::format("killed by signal {}", WTERMSIG(output.status))
                                : fmt::format("exit code {}", WEXITSTATUS(output.status));
    const std::string said = last_line(output.errors);
    return said.empty() ? how : how + ": " + said;
  }
  if (output.errors.find("cannot be preloaded") != std::string::npos) {
    return last_line(output.errors);
  }
  std::istringstream lines(output.text);
  std::string name;
  std::uint64_t own = 0;
  while (lines >> name) {
    if (name == "allocator") {
      std::string path;
      lines >> path;
      std::error_code ignored;
      if (!allocator.library.empty() &&
          !std::filesystem::equivalent(path, allocator.library, ignored)) {
        return "malloc is served by " + path + " instead";
      }
      continue;
    }
    std::uint64_t value = 0;
    if (name == "sample") {
      std::uint64_t epoch = 0;
      lines >> epoch >> value;
      if (epoch >= asked.size()) return "it played more epochs than there are";
      round.curve.push_back({asked[epoch].seconds, value > own ? value - own : 0});
      continue;
    }
    lines >> value;
    if (name == "wall") round.wall = double(value) / 1e9;
    if (name == "processor") round.processor = double(value) / 1e9;
    if (name == "waited") round.waited = double(value) / 1e9;
    if (name == "faults") round.faults = value;
    if (name == "failed") round.failed = value;
    if (name == "own") own = value;
    if (name == "peak") round.peak = value > own ? value - own : 0;
    if (name == "end") round.end = value > own ? value - own : 0;
  }
  round.mean = mean_over_time(round.curve);
  return "";
}

}  // namespace

Comparison replay(const Plan& plan, const std::vector<Allocator>& allocators,
                  const Settings& settings,
                  const std::function<void(const std::string&, double)>& progress) {
  Comparison result;
  result.way = Way::replay;
  result.trace = plan.figures;
  result.asked = plan.asked;
  result.settings = settings;
  for (const Allocator& allocator : allocators) result.rows.push_back({allocator, {}, {}, {}});

  const double turns = double(settings.rounds) * double(allocators.size() + 1);
  double turn = 0;
  const Allocator nothing{"playing itself", "", {}};
  result.playing_seconds = std::numeric_limits<double>::max();
  for (unsigned number = 0; number < settings.rounds; ++number) {
    progress(nothing.name, turn++ / turns);
    Round dry;
    const std::string problem = parse(play(plan, nothing, "dry", 0), nothing, plan.asked, dry);
    if (!problem.empty()) throw std::runtime_error("the player failed: " + problem);
    result.playing_seconds = std::min(result.playing_seconds, dry.processor - dry.waited);
    // Each round begins with another one: who comes first has no advantage.
    for (std::size_t i = 0; i < result.rows.size(); ++i) {
      Row& row = result.rows[(i + number) % result.rows.size()];
      progress(row.allocator.name, turn++ / turns);
      if (!row.problem.empty()) continue;
      Round round;
      row.problem = parse(play(plan, row.allocator, settings.touch, settings.pace), row.allocator,
                          plan.asked, round);
      if (row.problem.empty()) row.rounds.push_back(std::move(round));
    }
  }
  for (Row& row : result.rows) {
    if (row.problem.empty()) row.figures = figures_of(row.rounds, result.playing_seconds);
  }
  return result;
}

}  // namespace strata::replay
