// Figures from rounds.
#include "replay/result.hpp"

#include <algorithm>

namespace strata::replay {
namespace {

template <class Value>
Value middle(const std::vector<Round>& rounds, Value Round::*member) {
  std::vector<Value> values;
  values.reserve(rounds.size());
  for (const Round& round : rounds) values.push_back(round.*member);
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

double mean_over_time(const std::vector<Point>& curve) {
  double sum = 0;
  double time = 0;
  double before = 0;
  for (const Point& point : curve) {
    // Points at the same moment count a little, so that a curve without time has a mean too.
    const double length = std::max(point.seconds - before, 1e-9);
    sum += double(point.bytes) * length;
    time += length;
    before = point.seconds;
  }
  return time > 0 ? sum / time : 0;
}

Figures figures_of(const std::vector<Round>& rounds, double playing) {
  Figures figures;
  if (rounds.empty()) return figures;
  std::vector<double> times;
  std::vector<double> walls;
  for (const Round& round : rounds) {
    times.push_back(std::max(0.0, round.processor - round.waited - playing));
    walls.push_back(round.wall);
  }
  std::sort(times.begin(), times.end());
  figures.seconds = times.front();
  figures.noise = times.front() > 0 ? times[times.size() / 2] / times.front() - 1 : 0;
  figures.wall = *std::min_element(walls.begin(), walls.end());
  figures.peak = middle(rounds, &Round::peak);
  figures.end = middle(rounds, &Round::end);
  figures.mean = middle(rounds, &Round::mean);
  figures.faults = middle(rounds, &Round::faults);
  figures.failed = middle(rounds, &Round::failed);
  const auto typical = std::find_if(rounds.begin(), rounds.end(),
                                    [&](const Round& r) { return r.peak == figures.peak; });
  figures.curve = typical->curve;
  return figures;
}

}  // namespace strata::replay
