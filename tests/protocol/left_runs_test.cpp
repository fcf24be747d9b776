// LeftRuns (src/ranges/left_runs.hpp) under every interleaving of threads that leave runs and a
// worker that falls asleep: each run is collected once, and none lies about while the worker sleeps.
#include "ranges/left_runs.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "explorer.hpp"

namespace {

using namespace strata;
using explore::Explorer;

struct ModelRun {
  ModelRun* next = nullptr;
  std::uint32_t length = 0;
  int collected = 0;
};

constexpr unsigned run_count = 4;

struct Model {
  ModelRun runs[run_count];
  explore::Lock lock;
  explore::Word<std::uint32_t> awake;
  LeftRuns<ModelRun, 6, explore::Word> left;

  Model() { awake.poke(1); }

  void collect() {
    for (ModelRun* run = left.take(runs); run != nullptr;) {
      ModelRun* const next = run->next;
      ++run->collected;
      run = next;
    }
  }
  // As SlotSupply::leave.
  void leave(unsigned number) {
    const Left found = left.leave(runs, &runs[number], 2, awake);
    if (found == Left::yes) return;
    lock.lock();
    collect();
    if (found == Left::no) ++runs[number].collected;
    lock.unlock();
  }
  // As the worker, which has nothing to purge.
  void work() {
    for (bool sleeps = false; !sleeps;) {
      lock.lock();
      collect();
      sleeps = left.may_sleep(awake);
      lock.unlock();
    }
  }
};

class LeftRunsProtocol : public testing::Test {
 protected:
  std::unique_ptr<Model> model;

  Explorer::Body leaves(unsigned one, unsigned other) {
    return [this, one, other] {
      model->leave(one);
      model->leave(other);
    };
  }
  void each_is_collected_once(unsigned preemptions, const std::vector<Explorer::Body>& threads) {
    Explorer explorer;
    const std::size_t schedules = explorer.run(
        [&] {
          model = std::make_unique<Model>();
          return threads;
        },
        [&] {
          for (const ModelRun& run : model->runs) ASSERT_EQ(run.collected, 1);
        },
        preemptions);
    std::printf("    %zu schedules\n", schedules);
  }
};

TEST_F(LeftRunsProtocol, nothing_is_left_when_the_worker_sleeps) {
  each_is_collected_once(4, {[this] { model->work(); }, leaves(0, 1), leaves(2, 3)});
}

TEST_F(LeftRunsProtocol, a_thread_in_need_of_a_run_collects_beside_those_who_leave) {
  const auto takes = [this] {
    model->lock.lock();
    model->collect();
    model->lock.unlock();
  };
  each_is_collected_once(2, {[this] { model->work(); }, takes, leaves(0, 1), leaves(2, 3)});
}

}  // namespace
