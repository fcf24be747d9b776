// The lab's reports, made from results and nothing else.
#include "lab/report.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "lab/page.hpp"
#include "page/in_script.hpp"
#include "page/parts.hpp"

namespace strata::lab {
namespace {

nlohmann::ordered_json figures(const Result& r) {
  nlohmann::ordered_json j;
  j["fit"] = name_of(r.choice.fit);
  j["coalesce"] = name_of(r.choice.coalesce);
  j["free"] = name_of(r.choice.free);
  j["provision"] = name_of(r.choice.provision);
  j["operations"] = r.operations;
  j["nanoseconds_per_operation"] = r.nanoseconds;
  j["worst_nanoseconds"] = r.worst_nanoseconds;
  j["instructions_per_operation"] = nullptr;
  j["worst_instructions"] = nullptr;
  if (r.instructions) j["instructions_per_operation"] = *r.instructions;
  if (r.worst_instructions) j["worst_instructions"] = *r.worst_instructions;
  j["peak_live_bytes"] = r.peak_live_bytes;
  j["peak_used_bytes"] = r.peak_used_bytes;
  j["footprint_bytes"] = r.footprint_bytes;
  j["fragmentation_end"] = r.fragmentation_end;
  j["fragmentation_peak"] = r.fragmentation_peak;
  j["mean_search"] = r.mean_search;
  j["longest_search"] = r.longest_search;
  j["refused"] = r.refused;
  j["failed_checks"] = r.failed_checks;
  if (!r.failure.empty()) j["failure"] = r.failure;
  auto& over_time = j["over_time"] = nlohmann::ordered_json::array();
  for (const Snapshot& s : r.snapshots) {
    over_time.push_back({{"operation", s.operation},
                         {"live_bytes", s.live_bytes},
                         {"footprint_bytes", s.footprint_bytes},
                         {"free_blocks", s.free_blocks}});
  }
  return j;
}

}  // namespace

std::string table(const std::vector<Result>& results) {
  std::string out =
      fmt::format("{:6} {:9} {:10} {:9} {:>7} {:>7} {:>7} {:>11} {:>6} {:>6} {:>7} {:>7} {:>7}\n",
                  "fit", "coalesce", "free", "provision", "ns/op", "instr", "worst", "footprint",
                  "waste", "end", "search", "longest", "refused");
  for (const Result& r : results) {
    const std::string mean = r.instructions ? fmt::format("{:.0f}", *r.instructions) : "-";
    const std::string worst = r.worst_instructions ? fmt::format("{}", *r.worst_instructions) : "-";
    out += fmt::format(
        "{:6} {:9} {:10} {:9} {:7.1f} {:>7} {:>7} {:9.0f}KB {:5.1f}% {:5.1f}% {:7.2f} {:7} {:7}\n",
        name_of(r.choice.fit), name_of(r.choice.coalesce), name_of(r.choice.free),
        name_of(r.choice.provision), r.nanoseconds, mean, worst, double(r.footprint_bytes) / 1024,
        r.fragmentation_peak * 100, r.fragmentation_end * 100, r.mean_search, r.longest_search,
        r.refused);
    if (!r.failure.empty()) out += fmt::format("  {}\n", r.failure);
  }
  out +=
      "ns/op: least of the repeats. instr, worst: exact, of sampled operations (- where they "
      "cannot be\n"
      "counted). waste: share of the footprint beyond the most bytes alive; end: beyond those "
      "alive "
      "at the\n"
      "end. search: free blocks looked at per request.\n";
  return out;
}

std::string json(const Workload& workload, const std::vector<Result>& results) {
  nlohmann::ordered_json j;
  j["workload"] = workload.name;
  j["peak_live_bytes"] = workload.peak_live_bytes;
  j["peak_live_blocks"] = workload.peak_live_blocks;
  auto& list = j["results"] = nlohmann::ordered_json::array();
  for (const Result& r : results) list.push_back(figures(r));
  return j.dump(1);
}

std::string html(const Workload& workload, const std::vector<Result>& results) {
  nlohmann::ordered_json data;
  data["workload"] = workload.name;
  auto& list = data["results"] = nlohmann::ordered_json::array();
  for (const Result& r : results) {
    nlohmann::ordered_json j = figures(r);
    auto& cells = j["cells"] = nlohmann::ordered_json::array();
    for (const Snapshot& s : r.snapshots) {
      std::string row;  // two hex digits a cell
      for (const std::uint8_t cell : s.cells) row += fmt::format("{:02x}", cell);
      cells.push_back(row);
    }
    list.push_back(j);
  }
  const std::string text = tool::in_script(data.dump());
  std::string page = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>strata lab</title>
<style>)";
  page += page::uplot_style;
  page += page_style;
  page += "</style></head><body>\n";
  page += page_body;
  page += "<script>";
  page += page::uplot_script;
  page += "</script>\n<script>const data = ";
  page += text;
  page += ";\n";
  page += page_script;
  page += "</script></body></html>\n";
  return page;
}

}  // namespace strata::lab
