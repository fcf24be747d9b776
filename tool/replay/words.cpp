// A comparison in words. The rules are few, and stated in docs/guide/record.md: a difference counts
// when it is larger than the noise of both rounds, and than 2%.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "replay/report.hpp"

namespace strata::replay {
namespace {

constexpr double least_difference = 0.02;
constexpr double fast_enough = 0.05;  // of the fastest's time: who is within it may win by memory
constexpr double much_noise = 0.2;
constexpr double small_share = 0.02;  // of the program's time: below it calls hardly matter

using Rows = std::vector<const Row*>;

Rows working(const Comparison& comparison) {
  Rows rows;
  for (const Row& row : comparison.rows) {
    if (row.problem.empty() && !row.rounds.empty()) rows.push_back(&row);
  }
  return rows;
}

template <class Measure>
Rows sorted_by(Rows rows, Measure measure) {
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row* a, const Row* b) { return measure(*a) < measure(*b); });
  return rows;
}

double seconds_of(const Row& row) { return row.figures.seconds; }
double peak_of(const Row& row) { return double(row.figures.peak); }
double mean_of(const Row& row) { return row.figures.mean; }
double end_of(const Row& row) { return double(row.figures.end); }

// "12% more", "2.3 times as much".
std::string more(double value, double than) {
  const double ratio = than > 0 ? value / than : 1;
  if (ratio >= 2) return fmt::format("{:.1f} times as much", ratio);
  return fmt::format("{:.0f}% more", (ratio - 1) * 100);
}

bool same_time(const Row& a, const Row& b) {
  const double noise = std::max({a.figures.noise, b.figures.noise, least_difference});
  const double low = std::min(seconds_of(a), seconds_of(b));
  return std::abs(seconds_of(a) - seconds_of(b)) <= low * noise;
}

// "X, then Y with 12% more, Z with twice as much"; who is level with the first is named with it.
template <class Measure, class Same>
std::string ranking(const Rows& rows, Measure measure, Same same) {
  const Row& first = *rows.front();
  std::string level;
  std::string rest;
  for (const Row* row : rows) {
    if (row == &first) continue;
    if (same(first, *row)) {
      level += (level.empty() ? " (level with it: " : ", ") + row->allocator.name;
    } else {
      rest += fmt::format("{}{} {}", rest.empty() ? "; " : ", ", row->allocator.name,
                          more(measure(*row), measure(first)));
    }
  }
  return first.allocator.name + (level.empty() ? "" : level + ")") + rest;
}

// How to have it so.
std::string how_to(const Allocator& allocator) {
  if (allocator.library.empty() && allocator.environment.empty()) {
    return "nothing to do: it is what programs have";
  }
  std::string command;
  for (const auto& [name, value] : allocator.environment) {
    command += fmt::format("{}={} ", name, value);
  }
  if (!allocator.library.empty()) command += "LD_PRELOAD=" + allocator.library + " ";
  return command + "PROGRAM";
}

// Whom to take: of those who are fast enough, the one that holds least on average. Where calls are
// a small part of the program's time, everybody is fast enough.
// `slack`: seconds that hardly matter to the program.
const Row& choice(const Rows& rows, double slack) {
  const Row& fastest = *sorted_by(rows, seconds_of).front();
  Rows candidates;
  for (const Row* row : rows) {
    const bool near = seconds_of(*row) <= seconds_of(fastest) * (1 + fast_enough);
    const bool hardly = seconds_of(*row) - seconds_of(fastest) < slack;
    if (hardly || near || same_time(*row, fastest)) candidates.push_back(row);
  }
  return *sorted_by(candidates, mean_of).front();
}

}  // namespace

std::vector<std::string> words(const Comparison& comparison) {
  std::vector<std::string> out;
  for (const Row& row : comparison.rows) {
    if (!row.problem.empty()) {
      out.push_back(fmt::format("{} could not be measured: {}.", row.allocator.name, row.problem));
    }
  }
  const Rows rows = working(comparison);
  if (rows.empty()) return out;
  const Rows by_time = sorted_by(rows, seconds_of);
  const Rows by_peak = sorted_by(rows, peak_of);
  const Rows by_mean = sorted_by(rows, mean_of);
  const Rows by_end = sorted_by(rows, end_of);
  bool time_matters = true;
  double slack = 0;

  const bool is_replay = comparison.way == Way::replay;
  if (is_replay && comparison.trace.seconds > 0) {
    const TraceFigures& trace = comparison.trace;
    // Processor time does not grow when others use the machine; where it is not known, the clock's.
    const double whole = trace.processor > 0 ? trace.processor : trace.seconds;
    const double share = seconds_of(*by_time.front()) / whole;
    const double worst = seconds_of(*by_time.back()) / whole;
    time_matters = worst - share >= small_share;
    slack = small_share * whole;
    out.push_back(fmt::format(
        "{} used {}{} while it was recorded, and called malloc and its kin {} times: that takes {} "
        "({:.1f}%) under {}, {} ({:.1f}%) under {}.",
        comparison.program, duration(whole), trace.processor > 0 ? " of processor time" : "",
        trace.events, duration(seconds_of(*by_time.front())), share * 100,
        by_time.front()->allocator.name, duration(seconds_of(*by_time.back())), worst * 100,
        by_time.back()->allocator.name));
    if (!time_matters) {
      out.emplace_back("So its speed hardly depends on the choice: memory decides.");
    }
  }
  double noise = 0;
  for (const Row* row : rows) noise = std::max(noise, row->figures.noise);
  if (noise > much_noise) {
    out.push_back(
        fmt::format("The rounds of one lie {:.0f}% apart: times mean little until this is run "
                    "on a quiet machine, or with more --rounds.",
                    noise * 100));
  }
  if (rows.size() == 1) return out;
  out.push_back(fmt::format("Fastest: {}.", ranking(by_time, seconds_of, same_time)));
  const auto same_bytes = [](auto measure) {
    return [measure](const Row& a, const Row& b) {
      return std::abs(measure(a) - measure(b)) <= least_difference * measure(a);
    };
  };
  out.push_back(fmt::format("Least memory at the peak ({}): {}.", megabytes(peak_of(*by_peak[0])),
                            ranking(by_peak, peak_of, same_bytes(peak_of))));
  out.push_back(fmt::format("On average ({}): {}.", megabytes(mean_of(*by_mean[0])),
                            ranking(by_mean, mean_of, same_bytes(mean_of))));
  if (end_of(*by_end.back()) > end_of(*by_end.front()) * 1.1) {
    out.push_back(fmt::format("At the end ({}): {}.", megabytes(end_of(*by_end[0])),
                              ranking(by_end, end_of, same_bytes(end_of))));
  }
  const Row& best = choice(rows, slack);
  const bool near = seconds_of(best) <= seconds_of(*by_time.front()) * (1 + fast_enough);
  std::string why = &best == by_time.front() ? "fastest"
                    : near || slack == 0     ? "as fast as the fastest within 5%"
                                             : "slower than the fastest by less than 2% of the "
                                               "program's time";
  if (!time_matters) why = "its calls cost little under any of them";
  out.push_back(fmt::format(
      "For this program take {}: {}, and {} on average. ({})", best.allocator.name, why,
      &best == by_mean.front() ? "least memory" : "of those who are, it holds least memory",
      how_to(best.allocator)));
  return out;
}

std::vector<OverAll> over_all(const std::vector<Comparison>& comparisons) {
  std::map<std::string, std::pair<OverAll, std::size_t>> sums;
  for (const Comparison& comparison : comparisons) {
    const Rows rows = working(comparison);
    if (rows.empty()) return {};
    const auto add = [&](auto measure, double OverAll::*member) {
      const double best = std::max(1e-9, measure(*sorted_by(rows, measure).front()));
      for (const Row* row : rows) {
        sums[row->allocator.name].first.*member *= std::max(1e-9, measure(*row)) / best;
      }
    };
    add(seconds_of, &OverAll::time);
    add(peak_of, &OverAll::peak);
    add(mean_of, &OverAll::mean);
    for (const Row* row : rows) ++sums[row->allocator.name].second;
  }
  std::vector<OverAll> all;
  const double root = 1 / double(std::max<std::size_t>(1, comparisons.size()));
  for (auto& [name, sum] : sums) {
    if (sum.second != comparisons.size()) continue;
    OverAll& one = sum.first;
    all.push_back(
        {name, std::pow(one.time, root), std::pow(one.peak, root), std::pow(one.mean, root)});
  }
  std::sort(all.begin(), all.end(),
            [](const OverAll& a, const OverAll& b) { return a.time * a.mean < b.time * b.mean; });
  return all;
}

}  // namespace strata::replay
