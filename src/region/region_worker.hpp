// RegionWorker: a thread that gives back what others freed, for regions with background frees.
//
// Idea. free() puts the block at the end of a queue and is done. The first block in an empty queue
// rings the worker's bell; the worker waits a pause, so that some more gather, and works through
// the queue from its oldest end, a few blocks at a time, so that nobody waits long for the lock.
//
//   free ──> | oldest ... newest |  bound: the policy's count       worker ──> index, neighbours
//             first: ring            half full: ring again
//             full: whoever filled it does a quarter himself
//
// Nothing stagnates: a block waits at most a pause and the worker's way through the queue; if the
// worker is late, the queue fills and those who free relieve it; a search that finds nothing does
// all of it first; stop() leaves nothing behind. While nothing is freed the worker sleeps.
//
// What a thread and a bell are is the platform's business (platform/linux/linux_thread.hpp):
//
//   struct Policy : strata::DefaultPolicy {
//     using Freeing = strata::freeing::Background<1024, strata::FutexBell>;
//     using Lock = strata::SpinLock;
//   };
//   strata::RegionWorker<strata::Region<Policy>, strata::LinuxThread> worker(region);
//   if (!worker.start()) { /* no thread: those who fill the queue do the work */ }
#pragma once

#include <concepts>

#include "base/atomic.hpp"
#include "base/lock_guard.hpp"
#include "base/units.hpp"

namespace strata {

// wait(): sleeps until ring(), a ring since the last wait() included, or for `milliseconds`; 0: no
// limit. yield(): lets others run. ring() may be called by any thread, the others by the worker.
template <class T>
concept WorkerBell = requires(T& bell, std::uint32_t milliseconds) {
  { bell.ring() }
  noexcept;
  { bell.wait(milliseconds) }
  noexcept;
  { bell.yield() }
  noexcept;
};

// start(): runs body(argument) in a thread of its own; false when there is none to be had. join():
// returns when it has ended.
template <class T>
concept WorkerThread = requires(T& thread, void (*body)(void*) noexcept, void* argument) {
  { thread.start(body, argument) }
  noexcept->std::same_as<bool>;
  { thread.join() }
  noexcept;
};

template <class RegionType, WorkerThread Thread>
class RegionWorker {
  using Bell = typename RegionType::Freeing::Bell;
  static_assert(WorkerBell<Bell>, "the region's free policy needs a bell that can be waited for");
  static_assert(!std::same_as<typename RegionType::Lock, NoLock>,
                "a worker is a second thread: the region needs a lock");

 public:
  static constexpr size_t part = 32;  // blocks given back under the lock at once

  // The region outlives the worker. `pause`: milliseconds, not 0.
  explicit RegionWorker(RegionType& region, std::uint32_t pause = 1) noexcept
      : region_(region), pause_(pause) {}
  RegionWorker(const RegionWorker&) = delete;
  RegionWorker& operator=(const RegionWorker&) = delete;
  ~RegionWorker() { stop(); }

  // False: no thread. The region then works all the same; see above.
  bool start() noexcept {
    if (started_) return true;
    stopping_.store(0, Order::relaxed);
    started_ =
        thread_.start([](void* self) noexcept { static_cast<RegionWorker*>(self)->run(); }, this);
    return started_;
  }
  // Gives back all that is saved and ends the thread.
  void stop() noexcept {
    if (!started_) return;
    stopping_.store(1, Order::relaxed);  // the bell orders it before the worker's look at it
    bell().ring();
    thread_.join();
    started_ = false;
  }
  Thread& thread() noexcept { return thread_; }

 private:
  void run() noexcept {
    do {
      bell().wait(0);
      // The ring of a half full queue may have been heard together with the first block's.
      const bool half_full = region_.work(0) >= region_.freeing_policy().capacity() / 2;
      if (!half_full && !stopping()) bell().wait(pause_);
      while (region_.work(part) != 0) bell().yield();
    } while (!stopping());
  }
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(Order::relaxed) != 0; }
  Bell& bell() noexcept { return region_.freeing_policy().bell; }

  RegionType& region_;
  std::uint32_t pause_;
  Atomic<std::uint32_t> stopping_;  // written by start() and stop(), read by the worker
  bool started_ = false;
  Thread thread_;
};

}  // namespace strata
