// Plans: whatever order threads run in, as far as a plan lets them, each call meets the block that
// it met in the program.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>

#include "replay/plan_builder.hpp"
#include "trace/writer.hpp"
#include "unit/trace/events.hpp"

namespace strata::replay {
namespace {

using trace::Event;
using trace::Kind;
using trace::make;

// What a thread does, in terms of blocks: every size is another one, so a size names a block.
struct Call {
  Action action;
  std::uint64_t taken;  // the block it takes; 0: none
  std::uint64_t made;   // the block it makes; 0: none
};

struct Program {
  std::vector<std::vector<Event>> events;  // by thread
  std::vector<std::vector<Call>> calls;
};

// A random program whose threads hand blocks to each other. Thread i begins late and may end early.
Program random_program(unsigned seed, std::uint32_t threads, unsigned length) {
  std::mt19937 random(seed);
  Program program{std::vector<std::vector<Event>>(threads),
                  std::vector<std::vector<Call>>(threads)};
  std::map<std::uint64_t, std::uint64_t> alive;  // address: size
  std::uint64_t next_size = 1;
  std::uint64_t time = 0;
  for (unsigned i = 0; i < length; ++i) {
    const auto thread = std::uint32_t(random() % (1 + threads * i / length));
    time += random() % 100;
    const unsigned what = random() % 100;
    auto& events = program.events[thread];
    auto& calls = program.calls[thread];
    const std::uint64_t address = 0x1000 + random() % 3000 * 64;
    if (what < 50 && !alive.contains(address)) {
      alive[address] = next_size;
      const Kind kind = what < 40 ? Kind::malloc : what < 45 ? Kind::calloc : Kind::aligned;
      events.push_back(make(kind, time, address, next_size, what >= 45 ? 6 : 0));
      calls.push_back({what < 40   ? Action::malloc
                       : what < 45 ? Action::calloc
                                   : Action::aligned,
                       0, next_size++});
    } else if (!alive.empty()) {
      auto at = alive.lower_bound(address);
      if (at == alive.end()) at = alive.begin();
      const auto [from, size] = *at;
      if (what < 85) {
        events.push_back(make(Kind::free, time, from));
        calls.push_back({Action::free, size, 0});
        alive.erase(at);
      } else {
        const std::uint64_t to = alive.contains(address) ? from : address;
        alive.erase(at);
        alive[to] = next_size;
        events.push_back(make(Kind::realloc_from, time, from));
        events.push_back(make(Kind::realloc_to, time, to, next_size));
        calls.push_back({Action::realloc, size, next_size++});
      }
    }
  }
  return program;
}

// Plays a plan as the player may, one call at a time of a thread drawn by lot.
class Simulation {
 public:
  Simulation(const Plan& plan, unsigned seed) : file_(plan.file), random_(seed) {
    read(&header_, sizeof header_, 0);
    threads_.resize(header_.threads);
    table_.resize(header_.threads);
    epochs_.resize(header_.epochs);
    blocks_.resize(header_.blocks);
    read(table_.data(), table_.size() * sizeof table_[0], header_.threads_at);
    read(epochs_.data(), epochs_.size() * sizeof epochs_[0], header_.epochs_at);
    read(blocks_.data(), blocks_.size() * sizeof blocks_[0], header_.blocks_at);
    slots_.resize(header_.slots);
    remaining_ = epochs_.at(0).threads;
    for (std::uint32_t i = 0; i < header_.threads; ++i) load(i);
  }

  // False when no thread can go on.
  bool step() {
    std::vector<std::uint32_t> able;
    for (std::uint32_t i = 0; i < threads_.size(); ++i) {
      if (can_go(i)) able.push_back(i);
    }
    if (able.empty()) return false;
    go(able[random_() % able.size()]);
    return true;
  }

  [[nodiscard]] bool done() const { return epoch_ == header_.epochs; }
  [[nodiscard]] const std::vector<Call>& calls(std::uint32_t thread) const {
    return threads_[thread].calls;
  }
  [[nodiscard]] const PlanHeader& header() const { return header_; }

 private:
  struct Thread {
    std::vector<Operation> operations;
    std::size_t at = 0;
    std::uint32_t epoch = 0;  // that it waits for or is in
    std::uint64_t old_size = 0;
    std::vector<Call> calls;
    bool over = false;
  };

  void read(void* into, std::size_t size, std::uint64_t offset) const {
    ASSERT_EQ(pread(file_, into, size, off_t(offset)), ssize_t(size));
  }
  void load(std::uint32_t index) {
    Thread& thread = threads_[index];
    const PlanThread& entry = table_[index];
    thread.epoch = entry.first_epoch;
    for (std::uint32_t i = 0; i < entry.blocks; ++i) {
      std::vector<Operation> block(operations_per_block);
      read(block.data(), block.size() * sizeof block[0], blocks_[entry.first_block + i]);
      thread.operations.insert(thread.operations.end(), block.begin(), block.end());
    }
    thread.operations.resize(entry.operations);
  }
  [[nodiscard]] bool can_go(std::uint32_t index) const {
    const Thread& thread = threads_[index];
    if (thread.over || thread.epoch != epoch_) return false;
    if (thread.at == thread.operations.size()) return true;
    const Operation& next = thread.operations[thread.at];
    if (!next.waits()) return true;
    return slots_[next.action() == Action::realloc ? next.from : next.slot] != 0;
  }
  void finish_epoch() {
    if (--remaining_ != 0) return;
    ++epoch_;
    if (epoch_ != header_.epochs) remaining_ = epochs_[epoch_].threads;
  }
  std::uint64_t empty(std::uint32_t slot) {
    EXPECT_NE(slots_[slot], 0U) << "an empty slot is emptied";
    return std::exchange(slots_[slot], 0);
  }
  void fill(std::uint32_t slot, std::uint64_t block) {
    EXPECT_EQ(slots_[slot], 0U) << "a full slot is filled";
    slots_[slot] = block;
  }
  void go(std::uint32_t index) {
    Thread& thread = threads_[index];
    if (thread.at == thread.operations.size()) {
      thread.over = true;
      finish_epoch();
      return;
    }
    const Operation& next = thread.operations[thread.at++];
    switch (next.action()) {
      case Action::epoch:
        finish_epoch();
        thread.epoch = next.slot;
        break;
      case Action::free:
        thread.calls.push_back({Action::free, empty(next.slot), 0});
        break;
      case Action::old_size:
        thread.old_size = next.size();
        break;
      case Action::realloc: {
        const std::uint64_t taken = empty(next.from);
        EXPECT_EQ(taken, thread.old_size);
        fill(next.slot, next.size());
        thread.calls.push_back({Action::realloc, taken, next.size()});
        break;
      }
      case Action::nothing:
      case Action::thread_end:
        break;
      default:
        fill(next.slot, next.size());
        thread.calls.push_back({next.action(), 0, next.size()});
        if (next.action() == Action::aligned) {
          EXPECT_EQ(next.alignment_log2(), 6U);
        }
    }
  }

  int file_;
  std::mt19937 random_;
  PlanHeader header_{};
  std::vector<PlanThread> table_;
  std::vector<PlanEpoch> epochs_;
  std::vector<std::uint64_t> blocks_;
  std::vector<Thread> threads_;
  std::vector<std::uint64_t> slots_;  // block in it; 0: empty
  std::uint32_t epoch_ = 0;
  std::uint32_t remaining_ = 0;
};

Plan plan_of(const Program& program) {
  const trace::ScratchFile scratch;
  {
    trace::Writer writer(scratch.path(), false);
    for (std::uint32_t i = 0; i < program.events.size(); ++i) {
      writer.events(0, i, program.events[i]);
    }
    writer.finish();
  }
  const trace::TraceFile file(scratch.path());
  return build_plan(file, file.processes().at(0), [](double) {});
}

void expect_the_program(const Program& program, unsigned seed) {
  const Plan plan = plan_of(program);
  Simulation simulation(plan, seed);
  while (!simulation.done() && simulation.step()) {
  }
  ASSERT_TRUE(simulation.done()) << "threads wait for each other";
  std::uint32_t index = 0;
  for (const std::vector<Call>& expected : program.calls) {
    if (expected.empty()) continue;  // a thread without events is not in the trace
    const std::vector<Call>& played = simulation.calls(index++);
    ASSERT_EQ(played.size(), expected.size());
    for (std::size_t i = 0; i < played.size(); ++i) {
      ASSERT_EQ(int(played[i].action), int(expected[i].action));
      ASSERT_EQ(played[i].taken, expected[i].taken);
      ASSERT_EQ(played[i].made, expected[i].made);
    }
  }
}

TEST(ReplayPlan, one_thread_plays_the_program) {
  for (unsigned seed = 0; seed < 5; ++seed) expect_the_program(random_program(seed, 1, 9000), seed);
}

TEST(ReplayPlan, threads_in_any_order_meet_the_blocks_that_they_met_in_the_program) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    expect_the_program(random_program(seed, 2 + seed % 7, 9000), seed * 7 + 1);
  }
}

TEST(ReplayPlan, one_thread_needs_no_more_slots_than_blocks_live_at_once) {
  const Plan plan = plan_of(random_program(3, 1, 9000));
  EXPECT_EQ(Simulation(plan, 0).header().slots, plan.figures.peak_live_blocks);
}

TEST(ReplayPlan, figures_are_those_of_the_trace) {
  Program program;
  program.events = {{make(Kind::malloc, 1000000000, 0x100, 1000),
                     make(Kind::malloc, 2000000000, 0x900, 500),
                     make(Kind::free, 3000000000, 0x100), make(Kind::free, 3000000000, 0xdead00)}};
  const Plan plan = plan_of(program);
  EXPECT_EQ(plan.figures.events, 3U);
  EXPECT_EQ(plan.figures.allocations, 2U);
  EXPECT_EQ(plan.figures.peak_live_bytes, 1500U);
  EXPECT_EQ(plan.figures.end_live_bytes, 500U);
  EXPECT_EQ(plan.figures.unknown_frees, 1U);
  EXPECT_DOUBLE_EQ(plan.figures.seconds, 2);
  // An epoch a quiet second: 1000 bytes for no time, 1500 for one second, 500 for another.
  EXPECT_NEAR(plan.figures.mean_live_bytes, 1000, 1);
}

}  // namespace
}  // namespace strata::replay
