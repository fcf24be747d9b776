// Workloads: drawing them by a law, reading them from a trace.
#include "lab/workload.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

namespace strata::lab {
namespace {

std::uint64_t draw(const std::string& law, std::mt19937_64& random, double progress) {
  const auto below = [&](std::uint64_t n) { return random() % n; };
  if (law == "uniform") return 1 + below(512);
  if (law == "log") return std::uint64_t(std::exp2(4.0 + double(below(1 << 20)) / (1 << 20) * 8.0));
  if (law == "powers") return std::uint64_t{16} << below(7);
  if (law == "fixed") return 64;
  if (law == "phases") {
    // Small, then large, then small again: what first fit and next fit suffer from.
    const bool large = int(progress * 6) % 2 == 1;
    return large ? 1024 + below(4096) : 16 + below(112);
  }
  // mixed: 70% small, 25% medium, 5% large
  const std::uint64_t kind = below(100);
  return kind < 70 ? 16 + below(48) : kind < 95 ? 64 + below(448) : 512 + below(7600);
}

}  // namespace

const std::vector<Law>& laws() {
  static const std::vector<Law> all = {
      {"mixed", "70% of 16-63 bytes, 25% of 64-511, 5% of 512-8111"},
      {"uniform", "1 to 512 bytes, each as likely"},
      {"log", "16 to 4096 bytes, each power of two as likely"},
      {"powers", "powers of two from 16 to 1024"},
      {"fixed", "64 bytes"},
      {"phases", "turns of small (16-127) and large (1024-5119) blocks"},
  };
  return all;
}

void measure(Workload& workload) {
  std::vector<std::uint64_t> sizes(workload.slots, 0);
  std::uint64_t live = 0;
  std::uint64_t blocks = 0;
  for (const Event& event : workload.events) {
    if (event.kind == EventKind::free) {
      live -= sizes[event.slot];
      --blocks;
    } else {
      if (event.kind == EventKind::reallocate)
        live -= sizes[event.slot];
      else
        ++blocks;
      sizes[event.slot] = event.size;
      live += event.size;
    }
    workload.peak_live_bytes = std::max(workload.peak_live_bytes, live);
    workload.peak_live_blocks = std::max(workload.peak_live_blocks, blocks);
  }
}

Workload synthetic(const std::string& law, std::uint64_t operations, std::uint64_t seed,
                   std::uint32_t live) {
  Workload workload;
  workload.name = law;
  workload.slots = live * 2;
  workload.events.reserve(operations);
  std::mt19937_64 random(seed);
  std::vector<bool> used(workload.slots, false);
  for (std::uint64_t i = 0; i < operations; ++i) {
    const auto slot = std::uint32_t(random() % workload.slots);
    if (used[slot]) {
      workload.events.push_back({EventKind::free, slot, 0, 0});
    } else {
      const std::uint64_t size = draw(law, random, double(i) / double(operations));
      workload.events.push_back({EventKind::allocate, slot, size, 0});
    }
    used[slot] = !used[slot];
  }
  measure(workload);
  return workload;
}

Workload from_trace(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("cannot read trace {}", path));
  Workload workload;
  workload.name = path;
  std::unordered_map<std::uint64_t, std::uint32_t> slot_of;
  std::vector<std::uint32_t> spare;
  std::string line;
  for (std::uint64_t number = 1; std::getline(file, line); ++number) {
    line.resize(std::min(line.size(), line.find('#')));
    std::istringstream words(line);
    std::string kind;
    if (!(words >> kind)) continue;
    const auto bad = [&](const char* why) {
      return std::runtime_error(fmt::format("{}:{}: {}: {}", path, number, why, line));
    };
    std::uint64_t id = 0;
    Event event{EventKind::free, 0, 0, 0};
    if (!(words >> id)) throw bad("no block is named");
    if (kind == "a")
      event.kind = EventKind::allocate;
    else if (kind == "m")
      event.kind = EventKind::allocate_aligned;
    else if (kind == "r")
      event.kind = EventKind::reallocate;
    else if (kind != "f")
      throw bad("unknown event");
    if (kind != "f" && !(words >> event.size)) throw bad("no size");
    if (kind == "m" && !(words >> event.alignment)) throw bad("no alignment");
    if (kind == "m" && !std::has_single_bit(event.alignment)) {
      throw bad("the alignment is no power of two");
    }
    if (std::string rest; words >> rest) throw bad("more than an event");
    if (line.find('-') != std::string::npos) throw bad("a number below 0");
    const auto found = slot_of.find(id);
    if (kind == "a" || kind == "m") {
      if (found != slot_of.end()) throw bad("the block is alive already");
      if (spare.empty()) {
        event.slot = workload.slots++;
      } else {
        event.slot = spare.back();
        spare.pop_back();
      }
      slot_of[id] = event.slot;
    } else {
      if (found == slot_of.end()) throw bad("no such block is alive");
      event.slot = found->second;
      if (kind == "f") {
        spare.push_back(event.slot);
        slot_of.erase(found);
      }
    }
    if (event.kind != EventKind::free && event.size == 0) event.size = 1;
    workload.events.push_back(event);
  }
  if (workload.events.empty()) throw std::runtime_error(fmt::format("{}: no events", path));
  measure(workload);
  return workload;
}

}  // namespace strata::lab
