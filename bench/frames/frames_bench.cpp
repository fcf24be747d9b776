// Frames against LLFree (when built in), and the span core against its alternatives.
//
//   frames_bench frames   single frames and 2 MiB blocks: hot pairs, bulk, bulk in random order, by
//                         1 and 2 threads; 2 MiB blocks left after churn
//   frames_bench span     the span core's time by live ranges and its utilisation at the first
//                         failure, against best fit in a std::set
//
// Times are of the threads' own CPU time (spinning counts, waiting for a CPU does not), each thread on
// a CPU of its own, and each is the fastest and the middle one of many runs that take turns, so that
// other load on the machine spares neither side; compare the two sides of a line, not lines of
// different days. The middle one tells what two threads cost each other: the fastest may be one in
// which they hardly met. That they really meet needs two idle CPUs.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <time.h>

#include "frames/frames.hpp"
#include "platform/sim/sim_machine.hpp"
#include "span/span_core.hpp"

extern "C" {
int llfree_peer_open(size_t frames, size_t cores);
unsigned long llfree_peer_get(size_t core, unsigned order);
int llfree_peer_put(size_t core, unsigned long frame, unsigned order);
size_t llfree_peer_free_blocks();
}

namespace {

using namespace strata;

constexpr size_t ram = 8 * GiB;
constexpr unsigned most_threads = 2;
constexpr unsigned runs = 31;

double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) * 1e9 + double(time.tv_nsec);
}

Frames<SimMachine>* ours;

struct Ours {
  [[gnu::always_inline]] static std::uint64_t get(size_t, unsigned order) {
    if (order == 0) return ours->get().number;
    return ours->allocate({.count = size_t{1} << order, .alignment = size_t{1} << order})
        .first.number;
  }
  [[gnu::always_inline]] static void put(size_t, std::uint64_t frame, unsigned order) {
    if (!(order == 0 ? ours->put({frame}) : ours->free({frame}, size_t{1} << order))) std::abort();
  }
  static size_t free_blocks() {
    ours->drain();
    return ours->statistics().free_blocks;
  }
};
#ifdef STRATA_LLFREE
struct Peer {
  static std::uint64_t get(size_t core, unsigned order) { return llfree_peer_get(core, order); }
  static void put(size_t core, std::uint64_t frame, unsigned order) {
    if (!llfree_peer_put(core, frame, order)) std::abort();
  }
  static size_t free_blocks() { return llfree_peer_free_blocks(); }
};
#else
using Peer = Ours;
#endif

void stay_on_cpu(unsigned number) {
  cpu_set_t allowed, one;
  sched_getaffinity(0, sizeof(allowed), &allowed);
  CPU_ZERO(&one);
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || number-- != 0) continue;
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof(one), &one);
    return;
  }
}

// Runs work(thread), which says how long it took, on so many threads; the time of the slowest, per
// operation pair. The threads stay the same ones, as CPUs do.
template <class Work>
double timed(unsigned threads, size_t operations, Work work) {
  static std::function<void(unsigned)> task;
  static std::atomic<unsigned> started[most_threads], done;
  static std::vector<std::thread> pool;
  while (pool.size() < most_threads) {
    pool.emplace_back([t = unsigned(pool.size())] {
      stay_on_cpu(t);
      ours->drain();  // gets its number
      ++done;
      done.notify_one();
      for (unsigned seen = 0;;) {
        started[t].wait(seen);
        seen = started[t];
        task(t);
        ++done;
        done.notify_one();
      }
    });
    pool.back().detach();
    done.wait(0);  // CPUs are numbered one after the other
    done = 0;
  }
  std::vector<double> took(threads);
  std::atomic<unsigned> ready = 0;
  task = [&](unsigned t) {
    ++ready;
    while (ready != threads) cpu_relax();
    took[t] = work(t);
    ours->drain();
  };
  done = 0;
  for (unsigned t = 0; t < threads; ++t) {
    ++started[t];
    started[t].notify_one();
  }
  for (unsigned d = done; d != threads; d = done) done.wait(d);
  return *std::max_element(took.begin(), took.end()) / double(operations);
}

enum class Pattern { pairs, bulk, random };

template <class Side, unsigned order>
double run(Pattern pattern, unsigned threads) {
  const bool bulk = pattern != Pattern::pairs;
  const size_t count = !bulk ? 200000 : order == 0 ? 100000 : 1000;
  const size_t rounds = !bulk        ? 1
                        : order == 0 ? 3
                                     : 30;  // several, so that threads get out of step
  return timed(threads, count * rounds, [&](unsigned t) {
    double start = now();
    if (!bulk) {
      for (size_t i = 0; i < count; ++i) Side::put(t, Side::get(t, order), order);
      return now() - start;
    }
    std::vector<std::uint64_t> all(count);
    std::mt19937 shuffling(t);
    double took = 0;
    for (size_t round = 0; round < rounds; ++round) {
      start = now();
      for (auto& frame : all) frame = Side::get(t, order);
      took += now() - start;
      if (pattern == Pattern::random) std::shuffle(all.begin(), all.end(), shuffling);
      start = now();
      for (const auto frame : all) Side::put(t, frame, order);
      took += now() - start;
    }
    return took;
  });
}

// Memory is filled to 90%, then seven tenths is freed in random order and taken again, ten times;
// what counts is how many whole blocks are free when half the memory is.
template <class Side>
size_t blocks_after_churn(unsigned seed) {
  std::mt19937 random(seed);
  struct Live {
    std::uint64_t frame;
    unsigned order;
  };
  std::vector<Live> live;
  size_t used = 0;
  const size_t all = ram / frame_size;
  const auto fill = [&](size_t to) {
    while (used < to) {
      const unsigned order = random() % 8 != 0 ? 0 : random() % 64 == 0 ? 9 : random() % 4;
      const std::uint64_t frame = Side::get(0, order);
      if (frame == ~std::uint64_t{0}) break;
      live.push_back({frame, order});
      used += size_t{1} << order;
    }
  };
  const auto drop = [&](size_t to) {
    std::shuffle(live.begin(), live.end(), random);
    while (used > to) {
      Side::put(0, live.back().frame, live.back().order);
      used -= size_t{1} << live.back().order;
      live.pop_back();
    }
  };
  for (int round = 0; round < 10; ++round) {
    fill(all / 10 * 9);
    drop(all / 10 * 2);
    fill(all / 2);
  }
  const size_t blocks = Side::free_blocks();
  drop(0);
  return blocks;
}

template <unsigned order>
void bench_order() {
  const char* names[] = {"hot pairs", "bulk", "bulk, freed at random"};
  for (const Pattern pattern : {Pattern::pairs, Pattern::bulk, Pattern::random}) {
    for (unsigned threads = 1; threads <= most_threads; ++threads) {
      std::vector<double> our_runs, peer_runs;
      for (unsigned round = 0; round < runs; ++round) {
        our_runs.push_back(run<Ours, order>(pattern, threads));
        peer_runs.push_back(run<Peer, order>(pattern, threads));
      }
      std::sort(our_runs.begin(), our_runs.end());
      std::sort(peer_runs.begin(), peer_runs.end());
      const double our_best = our_runs[0], our_middle = our_runs[runs / 2];
      const double peer_best = peer_runs[0], peer_middle = peer_runs[runs / 2];
      std::printf("  %-7s %-22s %u thread%s %8.1f %8.1f   %8.1f %8.1f   %5.1f %5.1f\n",
                  order == 0 ? "4 KiB" : "2 MiB", names[int(pattern)], threads,
                  threads == 1 ? " " : "s", our_best, our_middle, peer_best, peer_middle,
                  peer_best / our_best, peer_middle / our_middle);
    }
  }
}

void bench_frames() {
  SimMachine::open(ram, 2 * MiB);
  static MemoryMap<16> map;
  map.add(0, ram);
  map.finish();
  ours = Frames<SimMachine>::start(map, ~std::uint64_t{0});
#ifdef STRATA_LLFREE
  llfree_peer_open(ram / frame_size, most_threads);
  const char* peer = "LLFree";
#else
  const char* peer = "(ours again)";
#endif
  std::printf(
      "ns a get and its put, fastest and middle of %u runs   Strata             %s           "
      "times faster\n",
      runs, peer);
  bench_order<0>();
  bench_order<9>();
  for (unsigned seed = 1; seed <= 3; ++seed) {
    std::printf("  2 MiB blocks free after churn, seed %u         %8zu %8zu\n", seed,
                blocks_after_churn<Ours>(seed), blocks_after_churn<Peer>(seed));
  }
  SimMachine::close();
}

// ---- the span core ----

struct Tag {
  std::uint32_t length, next, previous;
  bool free;
};
struct ArrayTags {
  using Span = std::uint32_t;
  static constexpr Span none = ~Span{0};
  static constexpr bool by_address = true;  // as frames and ranges
  std::vector<Tag> tags;
  explicit ArrayTags(size_t units) : tags(units + 2) {}
  size_t length(Span s) noexcept { return tags[s].length; }
  size_t position(Span s) noexcept { return s - 1; }
  Span free_before(Span s) noexcept {
    return tags[s - 1].free ? Span(s - tags[s - 1].length) : none;
  }
  Span free_after(Span s, size_t n) noexcept { return tags[s + n].free ? Span(s + n) : none; }
  Span advance(Span s, size_t n) noexcept { return Span(s + n); }
  void mark_free(Span s, size_t n) noexcept {
    tags[s].free = tags[s + n - 1].free = true;
    tags[s].length = tags[s + n - 1].length = Span(n);
  }
  void mark_used(Span s, size_t n) noexcept { tags[s].free = tags[s + n - 1].free = false; }
  Span& next(Span s) noexcept { return tags[s].next; }
  Span& previous(Span s) noexcept { return tags[s].previous; }
};

class CoreArena {
 public:
  explicit CoreArena(size_t units) : tags_(units) { core_.give(tags_, 1, units); }
  std::uint32_t take(size_t n) { return core_.take(tags_, n); }
  void give(std::uint32_t at, size_t n) { core_.give(tags_, at, n); }

 protected:
  ArrayTags tags_;
  SpanCore<ArrayTags, 24> core_;
};

// As ranges does before it refuses: every free span is looked at.
class ThoroughArena : public CoreArena {
 public:
  using CoreArena::CoreArena;
  std::uint32_t take(size_t n) {
    std::uint32_t at = CoreArena::take(n);
    if (at != ArrayTags::none) return at;
    size_t best = ~size_t{0};
    core_.for_each_free(tags_, [&](std::uint32_t span, size_t length) {
      if (length >= n && length < best) {
        best = length;
        at = span;
      }
    });
    if (at != ArrayTags::none) core_.take_front(tags_, at, n);
    return at;
  }
};

class BestFit {
 public:
  explicit BestFit(size_t units) { add(0, units); }
  std::uint32_t take(size_t n) {
    const auto it = by_size_.lower_bound({std::uint32_t(n), 0});
    if (it == by_size_.end()) return ~0u;
    const auto [length, at] = *it;
    by_size_.erase(it);
    by_address_.erase({at, length});
    if (length > n) add(at + std::uint32_t(n), length - n);
    return at;
  }
  void give(std::uint32_t at, size_t n) {
    auto after = by_address_.lower_bound({at, 0});
    if (after != by_address_.begin()) {
      const auto before = std::prev(after);
      if (before->first + before->second == at) {
        at = before->first;
        n += before->second;
        by_size_.erase({before->second, before->first});
        by_address_.erase(before);
      }
    }
    if (after != by_address_.end() && at + n == after->first) {
      n += after->second;
      by_size_.erase({after->second, after->first});
      by_address_.erase(after);
    }
    add(at, n);
  }

 private:
  void add(std::uint32_t at, size_t n) {
    by_size_.insert({std::uint32_t(n), at});
    by_address_.insert({at, std::uint32_t(n)});
  }
  std::set<std::pair<std::uint32_t, std::uint32_t>> by_size_, by_address_;
};

size_t size_of(unsigned mix, std::mt19937_64& random) {
  switch (mix) {
    case 0: {  // log-uniform 1..511
      const unsigned log = unsigned(random() % 9);
      return (size_t{1} << log) + random() % (size_t{1} << log);
    }
    case 1:
      return 1 + random() % 64;
    default: {  // 70% 1..4, 25% 5..64, 5% 65..1024
      const unsigned part = unsigned(random() % 100);
      return part < 70 ? 1 + random() % 4 : part < 95 ? 5 + random() % 60 : 65 + random() % 960;
    }
  }
}

// Churns at a rising level until the first request fails; the share of units in use then.
template <class Arena>
double utilisation(unsigned mix, unsigned seed) {
  constexpr size_t units = size_t{1} << 18;
  Arena arena(units);
  std::mt19937_64 random(seed);
  std::vector<std::pair<std::uint32_t, size_t>> live;
  size_t used = 0;
  for (double level = 0.50;; level += 0.01) {
    for (int i = 0; i < 20000; ++i) {
      if (double(used) < level * double(units)) {
        const size_t n = size_of(mix, random);
        const std::uint32_t at = arena.take(n);
        if (at == ~0u) return double(used) / double(units);
        live.push_back({at, n});
        used += n;
      } else {
        const size_t k = random() % live.size();
        arena.give(live[k].first, live[k].second);
        used -= live[k].second;
        live[k] = live.back();
        live.pop_back();
      }
    }
  }
}

// Random lives of 1..64 units in an arena a third larger than what is live.
template <class Arena>
double operation_time(size_t count) {
  Arena arena(count * 44);
  std::mt19937_64 random(1);
  std::vector<std::pair<std::uint32_t, size_t>> live(count);
  for (auto& [at, n] : live) at = arena.take(n = 1 + random() % 64);
  std::vector<std::pair<std::uint32_t, size_t>> order(100000);
  double best = 1e18;
  for (int round = 0; round < 15; ++round) {
    for (auto& [k, n] : order) {
      k = std::uint32_t(random() % count);
      n = 1 + random() % 64;
    }
    const double start = now();
    for (const auto& [k, n] : order) {
      arena.give(live[k].first, live[k].second);
      live[k] = {arena.take(n), n};
      if (live[k].first == ~0u) std::abort();
    }
    best = std::min(best, (now() - start) / double(order.size()));
  }
  return best / 2;
}

void bench_span() {
  std::printf(
      "utilisation at the first failure, 2^18 units, mean of 5 seeds   span core   thorough   best "
      "fit\n");
  const char* mixes[] = {"log-uniform 1..511", "uniform 1..64", "70/25/5 mixed"};
  for (unsigned mix = 0; mix < 3; ++mix) {
    double core = 0, thorough = 0, best = 0;
    for (unsigned seed = 1; seed <= 5; ++seed) {
      core += utilisation<CoreArena>(mix, seed) / 5;
      thorough += utilisation<ThoroughArena>(mix, seed) / 5;
      best += utilisation<BestFit>(mix, seed) / 5;
    }
    std::printf("  %-22s %50.2f %10.2f %10.2f\n", mixes[mix], core, thorough, best);
  }
  std::printf("ns an operation by live ranges, minimum of 15 runs\n");
  for (const size_t live : {1000, 10000, 100000}) {
    std::printf("  %8zu live %58.0f %21.0f\n", live, operation_time<CoreArena>(live),
                operation_time<BestFit>(live));
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "all";
  if (what == "frames" || what == "all") bench_frames();
  if (what == "span" || what == "all") bench_span();
}
