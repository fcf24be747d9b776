// A trace as the page's document. See from_trace.hpp.
#include "report/from_trace.hpp"

#include <fmt/core.h>

#include "observe/findings.hpp"
#include "observe/words.hpp"
#include "profile/trace_profile.hpp"
#include "replay/run.hpp"
#include "report/page.hpp"
#include "report/trace_replay.hpp"
#include "trace/reader.hpp"

namespace strata::tool {
namespace {

std::string words_of_touch(const std::string& touch) {
  if (touch == "none") return "nothing of a block was written";
  if (touch == "first") return "a block's first byte was written";
  if (touch == "page") return "a byte of every page of a block was written";
  return "all of a block was written";
}

std::string words_of_pace(double pace) {
  if (pace <= 0) return "as fast as it goes";
  return pace == 1 ? "at the program's pace"
                   : fmt::format("at {:g} times the program's pace", pace);
}

// Live is what the program had asked for: the trace knows it exactly.
Json samples_of(const replay::Plan& plan, const ReplayedHeap& heap) {
  Json samples = {{"time", Json::array()},
                  {"resident", Json::array()},
                  {"live", Json::array()},
                  {"changes", true}};
  for (size_t i = 0; i < heap.resident.size(); ++i) {
    samples["time"].push_back(heap.resident[i].seconds * 1000);
    samples["resident"].push_back(heap.resident[i].bytes);
    samples["live"].push_back(plan.asked[i].bytes);
  }
  return samples;
}

Json facts_of(const trace::ProcessInTrace& process, const replay::Plan& plan,
              const ReplayedHeap& heap, const TraceReport& how) {
  const replay::TraceFigures& figures = plan.figures;
  Json facts = {process.command_line()};
  facts.push_back(fmt::format(
      "A recording of {}: {} events of {} thread{}. Replayed under {} {}, {}; {}.",
      time_words(std::uint64_t(figures.seconds * 1000)), count_words(figures.events),
      figures.threads, figures.threads == 1 ? "" : "s", how.strata.name, heap.account.release,
      words_of_pace(how.settings.pace), words_of_touch(how.settings.touch)));
  const std::uint64_t live = heap.account.live_bytes();
  facts.push_back(fmt::format(
      "What stands below is of the moment when most was resident, {} after the start. The program "
      "had asked for {} then; its blocks take {}, with what their sizes are rounded up by.",
      time_words(std::uint64_t(heap.asked.seconds * 1000)), size_words(double(heap.asked.bytes)),
      size_words(double(live))));
  if (!figures.cut_off.empty()) {
    facts.push_back(fmt::format("The recording is cut off: {}.", figures.cut_off));
  }
  if (figures.unknown_frees != 0) {
    facts.push_back(
        fmt::format("{} frees of blocks from before the recording, or of a parent's, "
                    "are left out.",
                    count_words(figures.unknown_frees)));
  }
  return facts;
}

Json unknown_to(const TraceReport& how) {
  Json unknown = {
      "What the program had beside malloc: its code, stacks, mapped files, other allocators. So "
      "the resident memory here is the heap's alone.",
      fmt::format("Which bytes of its blocks the program wrote: in the replay {}.",
                  words_of_touch(how.settings.touch)),
      "The program's limits, its control group and its options: the findings look at the heap "
      "alone.",
      "How old single blocks are, and who asked for each."};
  if (how.settings.pace != 1) {
    unknown.push_back(
        "What goes back after a delay: the replay did not take the program's time. --pace recorded "
        "does.");
  }
  return unknown;
}

}  // namespace

Json document_of_trace(const std::string& path, const TraceReport& how) {
  const trace::TraceFile file(path);
  const trace::ProcessInTrace* process = file.largest();
  if (!how.process.empty()) process = &file.find(how.process);
  if (process == nullptr) throw trace::TraceError(path + ": no events in it");
  const replay::Plan plan = replay::build_plan(file, *process, [](double) {});
  replay::check_room(plan.figures, how.settings.touch);
  ReplayedHeap heap = replay_and_look(plan, how.strata, how.settings);
  heap.account.process = pid_t(process->pid);
  heap.account.command = process->command_line();

  Json document = {{"title", process->name()}};
  document["facts"] = facts_of(*process, plan, heap, how);
  document["unknown"] = unknown_to(how);
  document["samples"] = samples_of(plan, heap);
  document["statistics"] = statistics_document(heap.account);
  document["findings"] = findings_document(diagnose(heap.account, {}));
  document["map"] = map_document(heap.account, heap.blocks);
  if (file.has_sites()) {
    document["profile"] = profile_document(
        trace_profile(file, *process), View::peak,
        "Counted, not estimated: every allocation was written down, in the bytes that were asked "
        "for. Each call stands by itself, as a recording holds no callers.");
    document["profile"]["single_calls"] = true;
  }
  return document;
}

}  // namespace strata::tool
