// The table of a comparison.
#include <fmt/core.h>

#include <algorithm>

#include "replay/report.hpp"

namespace strata::replay {

std::string megabytes(double bytes) {
  if (bytes >= 99.95e6) return fmt::format("{:.0f} MB", bytes / 1e6);
  return fmt::format("{:.1f} MB", bytes / 1e6);
}

std::string duration(double seconds) {
  if (seconds >= 10) return fmt::format("{:.1f} s", seconds);
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  if (seconds >= 0.01) return fmt::format("{:.1f} ms", seconds * 1e3);
  return fmt::format("{:.2f} ms", seconds * 1e3);
}

std::string heading(const Comparison& comparison) {
  std::string out = fmt::format("{}\n", comparison.command);
  if (comparison.way == Way::live) return out;
  const TraceFigures& trace = comparison.trace;
  out +=
      fmt::format("{} events of {} thread{} in {}, replayed from {}\n", trace.events, trace.threads,
                  trace.threads == 1 ? "" : "s", duration(trace.seconds), comparison.source);
  if (!trace.cut_off.empty()) out += fmt::format("The trace is cut off: {}.\n", trace.cut_off);
  if (trace.unknown_frees != 0) {
    out += fmt::format(
        "{} blocks were freed that the trace does not begin (a parent's, or older than "
        "the recording): left out.\n",
        trace.unknown_frees);
  }
  if (trace.unseen_frees != 0) {
    out += fmt::format("{} blocks were used again without their free having been recorded.\n",
                       trace.unseen_frees);
  }
  return out;
}

std::string wrapped(const std::string& sentence) {
  constexpr std::size_t width = 90;
  std::string out = "- ";
  std::size_t column = 2;
  std::size_t begin = 0;
  while (begin < sentence.size()) {
    const std::size_t end = std::min(sentence.find(' ', begin), sentence.size());
    if (column + (end - begin) > width && column > 2) {
      out += "\n  ";
      column = 2;
    } else if (column > 2) {
      out += ' ';
      ++column;
    }
    out += sentence.substr(begin, end - begin);
    column += end - begin;
    begin = end + 1;
  }
  return out + "\n";
}

std::string table(const Comparison& comparison) {
  std::size_t width = 15;
  for (const Row& row : comparison.rows) width = std::max(width, row.allocator.name.size());
  const bool is_replay = comparison.way == Way::replay;
  std::string out =
      fmt::format("{:{}}  {:>9} {:>5} {:>9}  {:>8} {:>8} {:>8}  {:>9}\n", "allocator", width,
                  is_replay ? "calls" : "time", "+-", "wall", "peak", "mean", "end", "faults");
  bool any_failed = false;
  for (const Row& row : comparison.rows) {
    const Figures& f = row.figures;
    if (!row.problem.empty()) {
      out += fmt::format("{:{}}  failed: {}\n", row.allocator.name, width, row.problem);
      continue;
    }
    out += fmt::format("{:{}}  {:>9} {:>4.0f}% {:>9}  {:>8} {:>8} {:>8}  {:>9}{}\n",
                       row.allocator.name, width, duration(f.seconds), f.noise * 100,
                       duration(f.wall), megabytes(double(f.peak)), megabytes(f.mean),
                       megabytes(double(f.end)), f.faults, f.failed != 0 ? " *" : "");
    any_failed = any_failed || f.failed != 0;
  }
  if (is_replay) {
    const TraceFigures& trace = comparison.trace;
    out += fmt::format("{:{}}  {:>9} {:>5} {:>9}  {:>8} {:>8} {:>8}\n", "asked for", width, "", "",
                       "", megabytes(double(trace.peak_live_bytes)),
                       megabytes(trace.mean_live_bytes), megabytes(double(trace.end_live_bytes)));
    out += fmt::format(
        "\ncalls: processor time of malloc, free and their kin and of touching new memory (touch: "
        "{}),\nleast of {} rounds; playing itself, {}, is taken off. +-: how far the middle round "
        "is from it.\npeak, mean, end: resident memory, a process with its C library included.\n",
        comparison.settings.touch, comparison.settings.rounds,
        duration(comparison.playing_seconds));
  } else {
    out += fmt::format(
        "\ntime: processor time of the program and what it started, least of {} rounds. +-: how "
        "far "
        "the\nmiddle round is from it. peak, mean, end: resident memory of all its processes.\n",
        comparison.settings.rounds);
  }
  if (any_failed) out += "*: some requests found no memory.\n";
  return out;
}

std::string over_all_table(const std::vector<OverAll>& all) {
  std::size_t width = 10;
  for (const OverAll& one : all) width = std::max(width, one.allocator.size());
  std::string out =
      fmt::format("{:{}}  {:>6} {:>6} {:>6}\n", "over all", width, "time", "peak", "mean");
  for (const OverAll& one : all) {
    out += fmt::format("{:{}}  {:6.2f} {:6.2f} {:6.2f}\n", one.allocator, width, one.time, one.peak,
                       one.mean);
  }
  return out +
         "Geometric means of the ratio to the best of each program; 1 is the best everywhere.\n";
}

}  // namespace strata::replay
