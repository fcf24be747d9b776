// Explorer: runs a few small threads under every interleaving of their shared accesses.
//
// Each thread is a coroutine of its own stack; Word and Lock give control back before every access,
// and the explorer decides who goes on. It replays the scenario from its start for each schedule,
// depth first, until all schedules with at most `preemptions` unforced switches are done. (Nearly
// all concurrency bugs need two or three.) Sequential consistency is assumed: memory orders are the
// matter of the ThreadSanitizer test.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "base/atomic.hpp"

namespace explore {

class Explorer {
 public:
  using Body = std::function<void()>;

  static Explorer*& current() {
    static Explorer* explorer = nullptr;
    return explorer;
  }

  // `setup` makes a fresh scenario and returns its threads; `check` is called after each schedule.
  // Returns the number of schedules run.
  std::size_t run(const std::function<std::vector<Body>()>& setup,
                  const std::function<void()>& check, unsigned preemptions,
                  std::size_t most_schedules = 50'000'000) {
    current() = this;
    choices_.clear();
    std::size_t schedules = 0;
    do {
      replay(setup());
      check();
      ++schedules;
    } while (schedules < most_schedules && next_schedule(preemptions));
    current() = nullptr;
    return schedules;
  }

  // Called by a thread before a shared access.
  void yield() { switch_out(State::ready); }
  // Called by a thread that cannot go on until another has done something.
  void block() { switch_out(State::blocked); }
  // Wakes the blocked threads: they try again.
  void wake_all() {
    for (auto& fiber : fibers_) {
      if (fiber->state == State::blocked) fiber->state = State::ready;
    }
  }

 private:
  enum class State { ready, blocked, done };
  // Entered once by its context; afterwards by longjmp, which needs no system call.
  struct Fiber {
    ucontext_t context{};
    jmp_buf place{};
    bool entered = false;
    std::vector<char> stack = std::vector<char>(64 * 1024);
    Body body;
    State state = State::ready;
  };
  struct Choice {
    unsigned taken;      // index into the runnable threads, the running one first
    unsigned available;  // how many there were
    bool forced;         // the running thread could not go on: switching costs no preemption
  };

  static void enter() {
    Explorer* self = current();
    Fiber& fiber = *self->fibers_[self->running_];
    fiber.body();
    fiber.state = State::done;
    _longjmp(self->main_, 1);
  }

  void switch_in(Fiber& fiber) {
    if (_setjmp(main_) != 0) return;
    if (fiber.entered) _longjmp(fiber.place, 1);
    fiber.entered = true;
    setcontext(&fiber.context);
  }

  void switch_out(State state) {
    Fiber& fiber = *fibers_[running_];
    fiber.state = state;
    if (_setjmp(fiber.place) == 0) _longjmp(main_, 1);
  }

  void replay(std::vector<Body> bodies) {
    fibers_.resize(bodies.size());
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      if (!fibers_[i]) fibers_[i] = std::make_unique<Fiber>();
      Fiber& fiber = *fibers_[i];
      fiber.body = std::move(bodies[i]);
      fiber.state = State::ready;
      fiber.entered = false;
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack.data();
      fiber.context.uc_stack.ss_size = fiber.stack.size();
      fiber.context.uc_link = nullptr;
      makecontext(&fiber.context, enter, 0);
    }
    running_ = 0;
    for (std::size_t step = 0;; ++step) {
      std::vector<unsigned> runnable;
      if (fibers_[running_]->state == State::ready) runnable.push_back(running_);
      const bool forced = runnable.empty();
      for (unsigned i = 0; i < fibers_.size(); ++i) {
        if (i != running_ && fibers_[i]->state == State::ready) runnable.push_back(i);
      }
      if (runnable.empty()) {
        for (auto& fiber : fibers_) {
          if (fiber->state == State::blocked) {
            std::fprintf(stderr, "deadlock\n");
            std::abort();
          }
        }
        choices_.resize(step);
        return;
      }
      if (step == choices_.size()) choices_.push_back({0, 0, false});
      Choice& choice = choices_[step];
      choice.available = unsigned(runnable.size());
      choice.forced = forced;
      running_ = runnable[choice.taken];
      switch_in(*fibers_[running_]);
    }
  }

  // Advances the last choice that has an untried alternative within the bound.
  bool next_schedule(unsigned preemptions) {
    while (!choices_.empty()) {
      Choice& last = choices_.back();
      if (last.taken + 1 < last.available) {
        unsigned used = 0;
        for (std::size_t i = 0; i + 1 < choices_.size(); ++i) {
          used += !choices_[i].forced && choices_[i].taken != 0 ? 1 : 0;
        }
        if (last.forced || used < preemptions) {
          ++last.taken;
          return true;
        }
      }
      choices_.pop_back();
    }
    return false;
  }

  jmp_buf main_{};
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Choice> choices_;
  unsigned running_ = 0;
};

// Stands in for Atomic<uint64_t> and the like: every access is a point where others may go first.
template <class T>
class Word {
 public:
  T load(strata::Order) const {
    Explorer::current()->yield();
    return value_;
  }
  void store(T value, strata::Order) {
    Explorer::current()->yield();
    value_ = value;
  }
  T exchange(T value, strata::Order) {
    Explorer::current()->yield();
    return std::exchange(value_, value);
  }
  bool compare_exchange(T& expected, T desired, strata::Order) {
    Explorer::current()->yield();
    if (value_ == expected) {
      value_ = desired;
      return true;
    }
    expected = value_;
    return false;
  }
  // Without a switch: for setting scenarios up and for checking them.
  [[nodiscard]] T peek() const { return value_; }
  void poke(T value) { value_ = value; }

 private:
  T value_{};
};

class Lock {
 public:
  void lock() {
    Explorer::current()->yield();
    while (held_) Explorer::current()->block();
    held_ = true;
  }
  void unlock() {
    held_ = false;
    Explorer::current()->wake_all();
  }

 private:
  bool held_ = false;
};

}  // namespace explore
