// What a comparison of allocators found out: by replaying a trace, or by running the program
// itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "replay/allocators.hpp"

namespace strata::replay {

// A moment of the run, and the bytes resident (or alive) at it.
struct Point {
  double seconds;
  std::uint64_t bytes;
};

// One process that played the plan, or one run of the program.
struct Round {
  double wall = 0;       // seconds from the first call to the last
  double processor = 0;  // seconds of all threads, and of those that the allocator started
  double waited = 0;     // of that, on waiting for blocks of other threads
  double rested = 0;     // seconds that the player slept to keep the program's pace
  std::uint64_t faults = 0;
  std::uint64_t failed = 0;  // requests that found no memory
  // Bytes resident; of a replay without the player's own tables.
  std::uint64_t peak = 0;
  std::uint64_t end = 0;
  double mean = 0;  // over the program's own time
  std::vector<Point> curve;
};

// An allocator's figures: the least of the rounds' times, the middle of their memory.
struct Figures {
  double seconds = 0;  // of processor: in a replay of the calls alone
  double noise = 0;    // how far the middle round is from the least, as a share of it
  double wall = 0;
  std::uint64_t peak = 0;
  std::uint64_t end = 0;
  std::uint64_t faults = 0;
  std::uint64_t failed = 0;
  double mean = 0;
  std::vector<Point> curve;
};

struct Row {
  Allocator allocator;
  Figures figures;
  std::vector<Round> rounds;
  std::string problem;  // why there are no figures
};

// What a trace alone says of the program.
struct TraceFigures {
  std::uint64_t events = 0;  // allocations, frees and reallocs
  std::uint64_t allocations = 0;
  std::uint32_t threads = 0;
  double seconds = 0;    // from the first event to the last, while it was recorded
  double processor = 0;  // seconds that the program used meanwhile; 0: not known
  std::uint64_t peak_live_bytes = 0;
  std::uint64_t peak_live_blocks = 0;
  std::uint64_t end_live_bytes = 0;
  double mean_live_bytes = 0;
  std::uint64_t unknown_frees = 0;  // left out: see trace/history.hpp
  std::uint64_t unseen_frees = 0;
  std::uint64_t refused = 0;
  std::string cut_off;  // why the trace ends early
};

struct Settings {
  std::string touch = "page";  // none, first, page, all
  unsigned rounds = 5;
  double pace = 0;  // 0: as fast as it goes; else a factor on the program's pace
};

enum class Way : std::uint8_t { replay, live };

struct Comparison {
  Way way = Way::replay;
  std::string source;   // the trace's path, or "live"
  std::string program;  // name
  std::string command;  // line
  Settings settings;
  TraceFigures trace;          // of a replay
  std::vector<Point> asked;    // of a replay: bytes that the program had asked for
  double playing_seconds = 0;  // of a replay: what playing costs; already taken off
  std::vector<Row> rows;
};

// The figures of a row from its rounds; `playing` is taken off each time.
Figures figures_of(const std::vector<Round>& rounds, double playing);

// The mean of a curve over time, each point lasting since the one before.
double mean_over_time(const std::vector<Point>& curve);

}  // namespace strata::replay
