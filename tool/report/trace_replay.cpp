// Playing and looking. See trace_replay.hpp.
#include "report/trace_replay.hpp"

#include <algorithm>
#include <stdexcept>

#include "replay/player_process.hpp"

namespace strata::tool {
namespace {

using replay::PlayerProcess;
using replay::Point;
using replay::Round;

void check(const std::string& problem) {
  if (!problem.empty()) throw std::runtime_error("the trace cannot be replayed: " + problem);
}

std::uint32_t epoch_of_peak(const std::vector<Point>& curve) {
  const auto most = std::max_element(
      curve.begin(), curve.end(), [](const Point& a, const Point& b) { return a.bytes < b.bytes; });
  return std::uint32_t(most - curve.begin());
}

void leave_out_the_player(Account& account) {
  for (auto part = unsigned(first_outside); part < part_count; ++part)
    account.parts.bytes[part] = 0;
  account.resident_by_kernel = account.total();
  account.peak_resident = account.total();
  account.swapped = 0;
  account.outside.clear();
  for (ThreadShare& thread : account.threads) thread.name = "replayed";
}

}  // namespace

ReplayedHeap replay_and_look(const replay::Plan& plan, const replay::Allocator& strata,
                             const replay::Settings& settings) {
  replay::Allocator observed = strata;
  observed.environment.emplace_back("STRATA_OBSERVE", "on");
  Round first;
  check(PlayerProcess(plan, observed, settings.touch, settings.pace).finish(plan, first));
  const std::uint32_t peak = epoch_of_peak(first.curve);

  ReplayedHeap heap;
  Round second;
  PlayerProcess player(plan, observed, settings.touch, settings.pace, peak);
  if (player.wait_for_stop()) {
    Process process(player.number());
    Conversation conversation(process);
    heap.account = take_account(conversation);
    heap.blocks = read_blocks(conversation, heap.account, most_slots_with_blocks);
    player.go_on();
  }
  check(player.finish(plan, second));
  leave_out_the_player(heap.account);
  heap.asked = plan.asked[peak];
  heap.resident = std::move(second.curve);
  // What the process held beside its heap: it is the player's.
  const std::uint64_t then = heap.resident[peak].bytes;
  const std::uint64_t beside = then - std::min(then, heap.account.total());
  for (Point& point : heap.resident) point.bytes -= std::min(point.bytes, beside);
  return heap;
}

}  // namespace strata::tool
