// strata trace: what is in a trace.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "command.hpp"
#include "observe/words.hpp"
#include "trace/history.hpp"

namespace strata::tool {
namespace {

using trace::ProcessInTrace;
using trace::Step;
using trace::StepKind;
using trace::TraceFile;

// What one process did, in sums.
struct Summary {
  std::array<std::uint64_t, 4> steps{};     // by StepKind
  std::array<std::uint64_t, 49> by_size{};  // allocations, by bits of the size
  std::uint64_t crossing = 0;               // frees by another thread than the one that obtained
  std::uint64_t short_lived = 0;            // freed within a hundred events of the whole
  std::uint64_t live_bytes = 0, peak_bytes = 0, peak_blocks = 0, live_blocks = 0;
  std::uint64_t bytes = 0;  // asked for in all
  std::unordered_map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> sites;  // count, bytes
  trace::Oddities oddities;
};

Summary summarise(const TraceFile& file, const ProcessInTrace& process) {
  struct Birth {
    std::uint64_t step;
    std::uint32_t thread;
  };
  Summary sum;
  std::vector<Birth> births;
  trace::History history(file, process);
  for (std::uint64_t number = 0; const std::optional<Step> step = history.next(); ++number) {
    ++sum.steps[std::size_t(step->kind)];
    if (step->block >= births.size()) births.resize(step->block + 1);
    Birth& birth = births[step->block];
    if (step->kind == StepKind::allocate) {
      birth = {number, step->thread};
      ++sum.by_size[std::size_t(std::bit_width(step->size))];
      if (step->site != 0) {
        auto& [count, bytes] = sum.sites[step->site];
        ++count;
        bytes += step->size;
      }
      ++sum.live_blocks;
    } else if (step->kind == StepKind::free) {
      if (birth.thread != step->thread) ++sum.crossing;
      if (number - birth.step <= 100) ++sum.short_lived;
      --sum.live_blocks;
    }
    if (step->kind != StepKind::thread_end) {
      sum.live_bytes += step->size - step->old_size;
      sum.bytes += step->kind == StepKind::allocate ? step->size : 0;
    }
    sum.peak_bytes = std::max(sum.peak_bytes, sum.live_bytes);
    sum.peak_blocks = std::max(sum.peak_blocks, sum.live_blocks);
  }
  sum.oddities = history.oddities();
  return sum;
}

std::string size_text(std::uint64_t bytes) {
  if (bytes >= (1 << 20)) return fmt::format("{:.0f} MiB", double(bytes) / (1 << 20));
  if (bytes >= 1024) return fmt::format("{:.0f} KiB", double(bytes) / 1024);
  return fmt::format("{} B", bytes);
}

// A size's column in a picture of all: one line of '#'.
void print_sizes(const Summary& sum) {
  const std::uint64_t most = *std::max_element(sum.by_size.begin(), sum.by_size.end());
  fmt::print("\nsizes of allocations\n");
  for (std::size_t bits = 0; bits < sum.by_size.size(); ++bits) {
    const std::uint64_t count = sum.by_size[bits];
    if (count == 0) continue;
    const auto length = std::size_t(std::max(1.0, double(count) / double(most) * 40));
    const std::uint64_t low = bits < 2 ? bits : std::uint64_t{1} << (bits - 1);
    fmt::print("  from {:>8} {:>12} {}\n", size_text(low), count, std::string(length, '#'));
  }
}

void print_sites(const ProcessInTrace& process, const Summary& sum, unsigned most) {
  std::vector<std::pair<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>>> sites(
      sum.sites.begin(), sum.sites.end());
  std::sort(sites.begin(), sites.end(),
            [](const auto& a, const auto& b) { return a.second.second > b.second.second; });
  fmt::print("\ncalls that asked for most\n");
  for (std::size_t i = 0; i < sites.size() && i < most; ++i) {
    fmt::print("  {:>10} in {:>9} calls from {}\n", size_text(sites[i].second.second),
               sites[i].second.first, process.place(sites[i].first));
  }
}

void print_processes(const TraceFile& file) {
  fmt::print("{:>5} {:>8} {:>12} {:>8}  {}\n", "", "id", "events", "threads", "command");
  std::size_t left_out = 0;
  std::vector<const ProcessInTrace*> processes;
  for (const ProcessInTrace& process : file.processes()) processes.push_back(&process);
  std::stable_sort(processes.begin(), processes.end(),
                   [](const auto* a, const auto* b) { return a->events > b->events; });
  for (const ProcessInTrace* process : processes) {
    if (processes.size() - left_out > 20 && process->events < file.events() / 1000) {
      ++left_out;
      continue;
    }
    fmt::print("{:>5} {:>8} {:>12} {:>8}  {}\n", fmt::format("#{}", process->number), process->pid,
               process->events, process->threads.size(), process->command_line());
  }
  if (left_out != 0) fmt::print("      and {} with fewer events each\n", left_out);
}

void print_process(const ProcessInTrace& process, const Summary& sum) {
  const auto step = [&](StepKind kind) { return sum.steps[std::size_t(kind)]; };
  const std::uint64_t frees = std::max<std::uint64_t>(1, step(StepKind::free));
  fmt::print("\n#{} {}: {} allocations, {} reallocs, {} frees\n", process.number, process.name(),
             step(StepKind::allocate), step(StepKind::reallocate), step(StepKind::free));
  fmt::print("  alive at most   {} in {} blocks\n", size_text(sum.peak_bytes), sum.peak_blocks);
  fmt::print("  alive at end    {} in {} blocks\n", size_text(sum.live_bytes), sum.live_blocks);
  fmt::print("  asked for       {} in all\n", size_text(sum.bytes));
  fmt::print("  short lives     {:.0f}% are freed within 100 events\n",
             100 * double(sum.short_lived) / double(frees));
  fmt::print("  handed over     {:.0f}% are freed by another thread\n",
             100 * double(sum.crossing) / double(frees));
  if (sum.oddities.refused != 0) fmt::print("  refused         {}\n", sum.oddities.refused);
  if (sum.oddities.unknown_frees != 0) {
    fmt::print("  unknown         {} frees of blocks from before the recording, or of a parent's\n",
               sum.oddities.unknown_frees);
  }
  if (sum.oddities.unseen_frees != 0) {
    fmt::print("  unseen          {} frees were not recorded\n", sum.oddities.unseen_frees);
  }
}

// The lab's lines: `strata lab --trace` and other programs read them.
void print_text(const TraceFile& file, const ProcessInTrace& process) {
  trace::History history(file, process);
  fmt::print("# {}\n", process.command_line());
  while (const std::optional<Step> step = history.next()) {
    switch (step->kind) {
      case StepKind::allocate:
        if (step->origin == trace::Kind::aligned) {
          fmt::print("m {} {} {}\n", step->block, step->size,
                     std::uint64_t{1} << step->alignment_log2);
        } else {
          fmt::print("a {} {}\n", step->block, step->size);
        }
        break;
      case StepKind::reallocate:
        fmt::print("r {} {}\n", step->block, step->size);
        break;
      case StepKind::free:
        fmt::print("f {}\n", step->block);
        break;
      case StepKind::thread_end:
        break;
    }
  }
}

nlohmann::ordered_json json_of(const TraceFile& file, const ProcessInTrace& process) {
  const Summary sum = summarise(file, process);
  nlohmann::ordered_json sizes = nlohmann::ordered_json::object();
  for (std::size_t bits = 0; bits < sum.by_size.size(); ++bits) {
    if (sum.by_size[bits] == 0) continue;
    sizes[std::to_string(bits < 2 ? bits : std::uint64_t{1} << (bits - 1))] = sum.by_size[bits];
  }
  return {{"number", process.number},
          {"pid", process.pid},
          {"executable", process.executable},
          {"command", process.command},
          {"events", process.events},
          {"threads", process.threads.size()},
          {"lost", process.lost},
          {"processor_seconds", double(process.processor_time) / 1e9},
          {"allocations", sum.steps[std::size_t(StepKind::allocate)]},
          {"reallocations", sum.steps[std::size_t(StepKind::reallocate)]},
          {"frees", sum.steps[std::size_t(StepKind::free)]},
          {"frees_by_another_thread", sum.crossing},
          {"frees_within_100_events", sum.short_lived},
          {"peak_live_bytes", sum.peak_bytes},
          {"peak_live_blocks", sum.peak_blocks},
          {"end_live_bytes", sum.live_bytes},
          {"end_live_blocks", sum.live_blocks},
          {"unknown_frees", sum.oddities.unknown_frees},
          {"unseen_frees", sum.oddities.unseen_frees},
          {"refused", sum.oddities.refused},
          {"waited", sum.oddities.events_waited},
          {"allocations_from_size", sizes}};
}

struct Options {
  std::string path;
  std::string process;
  bool text = false;
  bool json = false;
  unsigned sites = 0;
};

void run_trace(const Options& o) {
  const TraceFile file(o.path);
  const ProcessInTrace* process = file.largest();
  if (!o.process.empty()) process = &file.find(o.process);
  if (process == nullptr) throw trace::TraceError(o.path + ": no events in it");
  if (o.text) {
    print_text(file, *process);
    return;
  }
  if (o.json) {
    nlohmann::ordered_json json{{"trace", o.path},
                                {"bytes", file.bytes()},
                                {"events", file.events()},
                                {"cut_off", file.cut_off()}};
    auto& list = json["processes"] = nlohmann::ordered_json::array();
    for (const ProcessInTrace& one : file.processes()) {
      if (o.process.empty() || &one == process) list.push_back(json_of(file, one));
    }
    fmt::print("{}\n", json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: {} events, {}, {:.2f} bytes an event\n", o.path, file.events(),
             size_words(double(file.bytes())),
             double(file.bytes()) / double(std::max<std::uint64_t>(1, file.events())));
  if (!file.cut_off().empty()) fmt::print("It is cut off: {}.\n", file.cut_off());
  fmt::print("\n");
  print_processes(file);
  const Summary sum = summarise(file, *process);
  print_process(*process, sum);
  print_sizes(sum);
  if (file.has_sites()) print_sites(*process, sum, o.sites);
}

}  // namespace

void register_trace(CLI::App& app, Context&) {
  auto o = std::make_shared<Options>();
  o->sites = 10;
  CLI::App* const trace = app.add_subcommand("trace", "Tell what is in a trace");
  trace->footer(
      R"(Lists the processes of a trace that `strata record` wrote, and sums up one of them.

  strata trace strata.trace
  strata trace gcc.trace --process cc1plus
  strata trace strata.trace --text | head     one event a line, as strata lab reads it)");
  trace->add_option("TRACE", o->path, "Made by strata record")
      ->required()
      ->check(CLI::ExistingFile);
  trace->add_option("--process", o->process,
                    "Its name, its id, or #number. Without: the one with most events");
  trace->add_flag("--text", o->text, "Print the process's events as lines");
  trace->add_flag("--json", o->json, "Print all processes' sums as JSON");
  trace->add_option("--sites", o->sites, "How many calling places to list, if the trace has them")
      ->capture_default_str();
  trace->callback([o] { run_trace(*o); });
}

}  // namespace strata::tool
