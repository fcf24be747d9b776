// A comparison as JSON, and back.
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "replay/report.hpp"

namespace strata::replay {
namespace {

using Json = nlohmann::ordered_json;

Json curve_of(const std::vector<Point>& curve) {
  Json out = Json::array();
  for (const Point& point : curve) out.push_back({point.seconds, point.bytes});
  return out;
}
std::vector<Point> curve_from(const Json& json) {
  std::vector<Point> curve;
  for (const Json& point : json) curve.push_back({point.at(0), point.at(1)});
  return curve;
}

Json round_of(const Round& round) {
  return {{"wall_seconds", round.wall},     {"processor_seconds", round.processor},
          {"waited_seconds", round.waited}, {"rested_seconds", round.rested},
          {"faults", round.faults},         {"failed", round.failed},
          {"peak_bytes", round.peak},       {"mean_bytes", round.mean},
          {"end_bytes", round.end}};
}
Round round_from(const Json& json) {
  Round round;
  round.wall = json.at("wall_seconds");
  round.processor = json.at("processor_seconds");
  round.waited = json.at("waited_seconds");
  round.rested = json.value("rested_seconds", 0.0);
  round.faults = json.at("faults");
  round.failed = json.at("failed");
  round.peak = json.at("peak_bytes");
  round.mean = json.at("mean_bytes");
  round.end = json.at("end_bytes");
  return round;
}

Json row_of(const Row& row) {
  Json json{{"allocator", row.allocator.name}, {"library", row.allocator.library}};
  Json& environment = json["environment"] = Json::object();
  for (const auto& [name, value] : row.allocator.environment) environment[name] = value;
  if (!row.problem.empty()) {
    json["problem"] = row.problem;
    return json;
  }
  const Figures& f = row.figures;
  json["seconds"] = f.seconds;
  json["noise"] = f.noise;
  json["wall_seconds"] = f.wall;
  json["peak_bytes"] = f.peak;
  json["mean_bytes"] = f.mean;
  json["end_bytes"] = f.end;
  json["faults"] = f.faults;
  json["failed"] = f.failed;
  Json& rounds = json["rounds"] = Json::array();
  for (const Round& round : row.rounds) rounds.push_back(round_of(round));
  json["curve"] = curve_of(f.curve);
  return json;
}
Row row_from(const Json& json) {
  Row row;
  row.allocator.name = json.at("allocator");
  row.allocator.library = json.at("library");
  for (const auto& [name, value] : json.at("environment").items()) {
    row.allocator.environment.emplace_back(name, value);
  }
  if (json.contains("problem")) {
    row.problem = json.at("problem");
    return row;
  }
  for (const Json& round : json.at("rounds")) row.rounds.push_back(round_from(round));
  Figures& f = row.figures;
  f.seconds = json.at("seconds");
  f.noise = json.at("noise");
  f.wall = json.at("wall_seconds");
  f.peak = json.at("peak_bytes");
  f.mean = json.at("mean_bytes");
  f.end = json.at("end_bytes");
  f.faults = json.at("faults");
  f.failed = json.at("failed");
  f.curve = curve_from(json.at("curve"));
  return row;
}

Json trace_of(const TraceFigures& trace) {
  return {{"events", trace.events},
          {"allocations", trace.allocations},
          {"threads", trace.threads},
          {"seconds", trace.seconds},
          {"processor_seconds", trace.processor},
          {"peak_live_bytes", trace.peak_live_bytes},
          {"peak_live_blocks", trace.peak_live_blocks},
          {"mean_live_bytes", trace.mean_live_bytes},
          {"end_live_bytes", trace.end_live_bytes},
          {"unknown_frees", trace.unknown_frees},
          {"unseen_frees", trace.unseen_frees},
          {"refused", trace.refused},
          {"cut_off", trace.cut_off}};
}
TraceFigures trace_from(const Json& json) {
  TraceFigures trace;
  trace.events = json.at("events");
  trace.allocations = json.at("allocations");
  trace.threads = json.at("threads");
  trace.seconds = json.at("seconds");
  trace.processor = json.at("processor_seconds");
  trace.peak_live_bytes = json.at("peak_live_bytes");
  trace.peak_live_blocks = json.at("peak_live_blocks");
  trace.mean_live_bytes = json.at("mean_live_bytes");
  trace.end_live_bytes = json.at("end_live_bytes");
  trace.unknown_frees = json.at("unknown_frees");
  trace.unseen_frees = json.at("unseen_frees");
  trace.refused = json.at("refused");
  trace.cut_off = json.at("cut_off");
  return trace;
}

Json comparison_of(const Comparison& comparison) {
  const bool is_replay = comparison.way == Way::replay;
  Json json{{"way", is_replay ? "replay" : "live"},
            {"source", comparison.source},
            {"program", comparison.program},
            {"command", comparison.command},
            {"settings",
             {{"touch", comparison.settings.touch},
              {"rounds", comparison.settings.rounds},
              {"pace", comparison.settings.pace}}}};
  if (is_replay) {
    json["trace"] = trace_of(comparison.trace);
    json["playing_seconds"] = comparison.playing_seconds;
    json["asked"] = curve_of(comparison.asked);
  }
  Json& rows = json["rows"] = Json::array();
  for (const Row& row : comparison.rows) rows.push_back(row_of(row));
  Json& said = json["words"] = Json::array();
  for (const std::string& sentence : words(comparison)) said.push_back(sentence);
  return json;
}
Comparison comparison_from(const Json& json) {
  Comparison comparison;
  comparison.way = json.at("way") == "replay" ? Way::replay : Way::live;
  comparison.source = json.at("source");
  comparison.program = json.at("program");
  comparison.command = json.at("command");
  comparison.settings.touch = json.at("settings").at("touch");
  comparison.settings.rounds = json.at("settings").at("rounds");
  comparison.settings.pace = json.at("settings").at("pace");
  if (comparison.way == Way::replay) {
    comparison.trace = trace_from(json.at("trace"));
    comparison.playing_seconds = json.at("playing_seconds");
    comparison.asked = curve_from(json.at("asked"));
  }
  for (const Json& row : json.at("rows")) comparison.rows.push_back(row_from(row));
  return comparison;
}

}  // namespace

std::string to_json(const std::vector<Comparison>& comparisons) {
  Json json{{"strata_comparison", 1}};
  Json& list = json["comparisons"] = Json::array();
  for (const Comparison& comparison : comparisons) list.push_back(comparison_of(comparison));
  Json& all = json["over_all"] = Json::array();
  if (comparisons.size() > 1) {
    for (const OverAll& one : over_all(comparisons)) {
      all.push_back({{"allocator", one.allocator},
                     {"time", one.time},
                     {"peak", one.peak},
                     {"mean", one.mean}});
    }
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace);
}

std::vector<Comparison> from_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<Comparison> comparisons;
  try {
    const Json json = Json::parse(file);
    if (json.at("strata_comparison") != 1) {
      throw std::runtime_error(path + ": a comparison of another version");
    }
    for (const Json& one : json.at("comparisons")) comparisons.push_back(comparison_from(one));
  } catch (const Json::exception& error) {
    throw std::runtime_error(path + ": no comparison of strata: " + error.what());
  }
  return comparisons;
}

}  // namespace strata::replay
