// Summaries of runs. See run_report.hpp.
#include "observe/run_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "observe/words.hpp"

namespace strata::tool {
namespace {

constexpr unsigned plot_width = 48;

struct Peak {
  std::uint64_t resident = 0;
  std::uint64_t at = 0;    // milliseconds
  std::uint64_t live = 0;  // at that time
  bool known = true;       // false: less than `resident`
};

// The kernel knows the largest process's peak exactly, but for one that never outgrew the command
// which it was forked from.
Peak peak_of(const RunFacts& facts, const Monitor& monitor) {
  const Sample& seen = monitor.peak();
  Peak peak{seen.resident, seen.time, seen.live, true};
  for (const Member& member : monitor.members()) {
    peak.resident = std::max(peak.resident, member.peak_resident);
  }
  const std::uint64_t kernel = std::uint64_t(facts.outcome.usage.ru_maxrss) * 1024;
  if (kernel > facts.own_peak + facts.own_peak / 16) {
    peak.resident = std::max(peak.resident, kernel);
  } else if (peak.resident == 0) {
    peak.known = false;
    peak.resident = kernel;
  }
  return peak;
}

double seconds(const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; }

// Samples at equal distances, each the highest of its interval; the last value where there is none.
std::vector<double> evenly(const std::vector<Sample>& samples, std::uint64_t end,
                           std::uint64_t Sample::*what) {
  std::vector<double> values(plot_width, -1);
  for (const Sample& sample : samples) {
    const auto at = std::min<std::uint64_t>(
        plot_width - 1, end == 0 ? 0 : sample.time * plot_width / std::max<std::uint64_t>(end, 1));
    values[at] = std::max(values[at], double(sample.*what));
  }
  double last = 0;
  for (double& value : values) {
    if (value < 0) value = last;
    last = value;
  }
  return values;
}

struct SizeGroup {
  const char* title;
  std::uint64_t up_to;
};
constexpr SizeGroup size_groups[] = {
    {"64 B", 64},       {"1 KiB", 1 * KiB},          {"32 KiB", 32 * KiB},
    {"1 MiB", 1 * MiB}, {"more", ~std::uint64_t{0}},
};

std::uint64_t large_limit(unsigned step) {
  return step + 1 < large_count_steps ? largest_small << (step + 1) : ~std::uint64_t{0};
}

// Small blocks that were handed out, by class.
Json small_sizes(const observe::Totals& sum) {
  Json list = Json::array();
  for (unsigned c = 1; c < class_count; ++c) {
    if (sum.estimates.samples[c] == 0) continue;
    list.push_back({{"size", size_of_class(c)},
                    {"allocated_estimate", std::llround(estimated(sum, c))},
                    {"samples", sum.estimates.samples[c]}});
  }
  return list;
}

std::string errors_of(const Monitor& monitor, const observe::Totals& sum) {
  std::string text;
  for (const Member& member : monitor.members()) {
    if (member.last_words.empty()) continue;
    if (!text.empty()) text += "; ";
    text += fmt::format("process {}: {}", member.process, member.last_words);
  }
  if (sum.refusals != 0) {
    text += fmt::format("{}{} requests were refused (out of memory)", text.empty() ? "" : "; ",
                        count_words(sum.refusals));
  }
  return text.empty() ? "none" : text;
}

std::uint64_t live_bytes(const observe::Totals& sum) {
  return sum.small_live_bytes + sum.large_bytes + sum.huge_bytes + sum.lent_bytes;
}

std::uint64_t live_blocks(const observe::Totals& sum) {
  std::uint64_t count = sum.large_blocks + sum.huge_blocks;
  for (const std::uint64_t live : sum.live) count += live;
  return count;
}

std::string signal_name(const Outcome& outcome) {
  return outcome.signal != 0 ? words_of(outcome).substr(sizeof "signal " - 1) : "";
}

// Words of a command line in one line.
std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  for (char& letter : text) {
    if (static_cast<unsigned char>(letter) < ' ') letter = ' ';
  }
  return text;
}

}  // namespace

std::vector<std::string> run_summary(const RunFacts& facts, const Monitor& monitor) {
  std::vector<std::string> lines;
  const auto line = [&](const char* label, const std::string& text) {
    lines.push_back(fmt::format("strata: {:<10} {}\n", label, text));
  };
  const Outcome& outcome = facts.outcome;
  const observe::Totals sum = monitor.sum();
  const Peak peak = peak_of(facts, monitor);
  const size_t processes = monitor.members().size();

  std::string command = joined(facts.command);
  if (columns(command) > 50) command = fitted(command, 47) + "...";
  line("ended", fmt::format("{}, with {}", command, words_of(outcome)));
  line("time", fmt::format("{}; processor {:.2f} s for the program, {:.2f} s for the system",
                           time_words(outcome.milliseconds), seconds(outcome.usage.ru_utime),
                           seconds(outcome.usage.ru_stime)));
  line("peak", fmt::format("{}{} resident{}{}", peak.known ? "" : "less than ",
                           size_words(double(peak.resident)),
                           peak.at != 0 ? fmt::format(", seen at {}", time_words(peak.at)) : "",
                           processes > 1 ? fmt::format("; {} processes in all", processes) : ""));
  if (processes == 0) {
    line("strata", facts.obstacle.empty() ? "the program never ran under Strata"
                                          : "not used: " + facts.obstacle);
    return lines;
  }
  const auto most = double(std::max(peak.resident, std::uint64_t{1}));
  line("resident", spark_line(evenly(monitor.samples(), outcome.milliseconds, &Sample::resident),
                              plot_width, most));
  line("live", spark_line(evenly(monitor.samples(), outcome.milliseconds, &Sample::live),
                          plot_width, most) +
                   fmt::format("  up to {}", size_words(most)));
  line("at peak",
       fmt::format("{} live in blocks, {} of the {} resident then", size_words(double(peak.live)),
                   share_words(double(peak.live), double(monitor.peak().resident)),
                   size_words(double(monitor.peak().resident))));
  line("left", fmt::format("{} live in {} blocks at the end", size_words(double(live_bytes(sum))),
                           count_words(live_blocks(sum))));
  std::string sizes;
  for (const SizeGroup& group : size_groups) {
    double count = 0;
    bool is_estimate = false;
    const std::uint64_t from = &group == size_groups ? 0 : (&group)[-1].up_to;
    for (unsigned i = 0; i < large_count_steps; ++i) {
      const std::uint64_t limit = large_limit(i);
      if (limit > from && limit <= group.up_to) count += double(sum.allocations.large[i]);
    }
    for (unsigned c = 1; c < class_count; ++c) {
      if (size_of_class(c) > from && size_of_class(c) <= group.up_to) count += estimated(sum, c);
      is_estimate |= size_of_class(c) > from && size_of_class(c) <= group.up_to;
    }
    if (is_estimate && samples(sum) == 0) continue;
    sizes +=
        fmt::format("{}{} {}{}", sizes.empty() ? "" : ", ",
                    group.up_to == ~std::uint64_t{0} ? "more" : fmt::format("≤{}", group.title),
                    is_estimate && count > 0 ? "~" : "", short_count(count));
  }
  line("allocated", samples(sum) == 0 ? sizes + " (no estimate of small blocks: none was sampled)"
                                      : fmt::format("{} (~ by {} samples)", sizes,
                                                    short_count(double(samples(sum)))));
  line("purged", fmt::format("{} of free slots in {} calls, {} of pages inside slabs",
                             size_words(double(sum.purged_bytes)), count_words(sum.purges),
                             size_words(double(sum.thinned_bytes))));
  line("errors", errors_of(monitor, sum));
  return lines;
}

Json run_document(const RunFacts& facts, const Monitor& monitor) {
  const Outcome& outcome = facts.outcome;
  const observe::Totals sum = monitor.sum();
  const Peak peak = peak_of(facts, monitor);
  Json document;
  document["program"] = facts.command;
  document["ended"] = {
      {"code", outcome.signal == 0 ? Json(outcome.code) : Json(nullptr)},
      {"signal", outcome.signal != 0 ? Json(signal_name(outcome)) : Json(nullptr)}};
  document["under_strata"] = !monitor.members().empty();
  if (!facts.obstacle.empty()) document["obstacle"] = facts.obstacle;
  document["time"] = {{"elapsed", outcome.milliseconds},
                      {"program", std::uint64_t(seconds(outcome.usage.ru_utime) * 1000)},
                      {"system", std::uint64_t(seconds(outcome.usage.ru_stime) * 1000)}};
  document["faults"] = {{"minor", outcome.usage.ru_minflt}, {"major", outcome.usage.ru_majflt}};
  document["peak"] = {{"resident", peak.resident}, {"at", peak.at}, {"live", peak.live}};
  Json samples;
  for (const char* name : {"time", "resident", "live", "waiting", "purged", "processes"}) {
    samples[name] = Json::array();
  }
  for (const Sample& sample : monitor.samples()) {
    samples["time"].push_back(sample.time);
    samples["resident"].push_back(sample.resident);
    samples["live"].push_back(sample.live);
    samples["waiting"].push_back(sample.waiting);
    samples["purged"].push_back(sample.purged);
    samples["processes"].push_back(sample.processes);
  }
  document["samples"] = samples;
  document["purge"] = {{"bytes", sum.purged_bytes + sum.thinned_bytes},
                       {"free_slots_bytes", sum.purged_bytes},
                       {"in_slabs_bytes", sum.thinned_bytes},
                       {"calls", sum.purges}};
  document["end"] = {{"live_bytes", live_bytes(sum)}, {"live_blocks", live_blocks(sum)}};
  document["allocations"] = allocations_document(sum);
  document["small_sizes"] = small_sizes(sum);
  document["large_sizes"] = large_sizes_document(sum.allocations);
  Json errors = Json::array();
  Json processes = Json::array();
  for (const Member& member : monitor.members()) {
    if (!member.last_words.empty()) {
      errors.push_back({{"process", member.process}, {"text", member.last_words}});
    }
    processes.push_back({{"number", member.process},
                         {"parent", member.parent},
                         {"name", member.name},
                         {"peak_resident", member.peak_resident},
                         {"told_its_end", member.told_its_end},
                         {"live_bytes", live_bytes(member.totals)}});
  }
  document["refused"] = sum.refusals;
  document["errors"] = errors;
  document["processes"] = processes;
  if (monitor.account_at_peak()) {
    document["at_peak"] = statistics_document(*monitor.account_at_peak());
  }
  return document;
}

std::string interval_line(const Monitor& monitor) {
  const Sample& now = monitor.samples().back();
  return fmt::format(
      "strata: {:>10}  resident {:>10}  live {:>10}  waiting {:>10}  purged {:>10}{}\n",
      time_words(now.time), size_words(double(now.resident)), size_words(double(now.live)),
      size_words(double(now.waiting)), size_words(double(now.purged)),
      now.processes > 1 ? fmt::format("  processes {}", now.processes) : "");
}

}  // namespace strata::tool
