// Playing in rounds.
#include "replay/run.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "replay/player_process.hpp"
#include "replay/report.hpp"

namespace strata::replay {
namespace {

// Bytes that the system could give out now; a lot when it does not say.
std::uint64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::uint64_t kib = 0;
  while (file >> name >> kib) {
    if (name == "MemAvailable:") return kib * 1024;
    std::getline(file, name);
  }
  return ~std::uint64_t{0};
}

// One process that plays the plan, from its start to its end.
std::string play(const Plan& plan, const Allocator& allocator, const std::string& touch,
                 double pace, Round& round) {
  return PlayerProcess(plan, allocator, touch, pace).finish(plan, round);
}

}  // namespace

void check_room(const TraceFigures& trace, const std::string& touch) {
  if (touch == "none" || touch == "first") return;
  const std::uint64_t available = available_memory();
  if (trace.peak_live_bytes < available / 4 * 3) return;
  throw std::runtime_error(fmt::format(
      "the program asked for {} at its peak, and {} are free: touching every page of it could use "
      "up the machine; --touch first writes one byte a block",
      megabytes(double(trace.peak_live_bytes)), megabytes(double(available))));
}

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
    const std::string problem = play(plan, nothing, "dry", 0, dry);
    if (!problem.empty()) throw std::runtime_error("the player failed: " + problem);
    result.playing_seconds = std::min(result.playing_seconds, dry.processor - dry.waited);
    // Each round begins with another one: who comes first has no advantage.
    for (std::size_t i = 0; i < result.rows.size(); ++i) {
      Row& row = result.rows[(i + number) % result.rows.size()];
      progress(row.allocator.name, turn++ / turns);
      if (!row.problem.empty()) continue;
      Round round;
      row.problem = play(plan, row.allocator, settings.touch, settings.pace, round);
      if (row.problem.empty()) row.rounds.push_back(std::move(round));
    }
  }
  for (Row& row : result.rows) {
    if (row.problem.empty()) row.figures = figures_of(row.rounds, result.playing_seconds);
  }
  return result;
}

}  // namespace strata::replay
