// Several threads, each mostly with blocks of its own: scaling, thread birth and death, migration.
//
// Run with as many threads as cores these show contention, with four times as many what happens
// when a thread is stopped in the middle of something. The work is divided among the threads, so a
// run costs the same CPU time whatever their number.
#include "size_law.hpp"

namespace workloads {
namespace {

void churn_of_threads(Run& run) {
  const SizeLaw law = SizeLaw::typical();
  const std::size_t each = run.scaled(60'000'000) / run.threads;
  in_threads(run.threads, [&](unsigned index) {
    constexpr std::size_t live = 4000;
    MappedArray<void*> blocks(live);
    Random random(100 + index);
    for (std::size_t n = 0; n < each; ++n) {
      void*& block = blocks[random.below(live)];
      free(block);
      block = take(law.draw(random));
    }
    for (void* block : blocks) free(block);
    run.count(each);
  });
}

// Threads that do a little and end, as many at a time as there are; what each was given to start
// with must become the next one's.
void short_threads(Run& run) {
  const SizeLaw law = SizeLaw::typical();
  const std::size_t repeats = run.scaled(15'000) / run.threads;
  for (std::size_t n = 0; n < repeats; ++n) {
    in_threads(run.threads, [&](unsigned index) {
      void* blocks[300];
      Random random(n * 64 + index);
      for (void*& block : blocks) block = take(law.draw(random));
      for (void* block : blocks) free(block);
      run.count(300);
    });
  }
}

// A server whose connections outlive its threads: each thread replaces blocks in a table of its
// own, then ends and leaves the table to the thread that comes after it.
void inherited(Run& run) {
  constexpr std::size_t live = 5000;
  constexpr std::size_t generations = 50;
  const SizeLaw law = SizeLaw::uniform(10, 500);
  const std::size_t each = run.scaled(60'000'000) / generations / run.threads;
  MappedArray<void*> blocks(live * run.threads);
  for (std::size_t generation = 0; generation < generations; ++generation) {
    in_threads(run.threads, [&](unsigned index) {
      void** const own = &blocks[live * index];
      Random random(generation * 64 + index);
      for (std::size_t n = 0; n < each; ++n) {
        void*& block = own[random.below(live)];
        free(block);
        block = take(law.draw(random));
      }
      run.count(each);
    });
  }
  for (void* block : blocks) free(block);
}

// Each thread has blocks of mixed sizes and lifetimes; now and then one goes to a shared table, and
// the block found there is freed by whoever finds it.
void migration(Run& run) {
  constexpr std::size_t shared_slots = 1000;
  constexpr std::size_t live = 3000;
  const SizeLaw law = SizeLaw::power();
  MappedArray<std::atomic<void*>> shared(shared_slots);
  const std::size_t each = run.scaled(60'000'000) / run.threads;
  in_threads(run.threads, [&](unsigned index) {
    MappedArray<void*> blocks(live);
    Random random(200 + index);
    for (std::size_t n = 0; n < each; ++n) {
      void*& block = blocks[random.below(live)];
      if ((random.next() >> 60) == 0) {
        // Release so that the finder sees the block's content, acquire so that we see the found
        // one's.
        block = shared[random.below(shared_slots)].exchange(block, std::memory_order_acq_rel);
      }
      free(block);
      block = take(law.draw(random));
    }
    for (void* block : blocks) free(block);
    run.count(each);
  });
  for (std::atomic<void*>& block : shared) free(block.load(std::memory_order_relaxed));
}

void work_on(void* block, std::size_t size, unsigned repeats) {
  auto* const bytes = static_cast<volatile unsigned char*>(block);
  for (unsigned n = 0; n < repeats; ++n) {
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(bytes[i] + 1);
  }
}

// Blocks of two threads in one cache line slow both down. Active: the allocator puts them there.
void active_sharing(Run& run) {
  const std::size_t each = run.scaled(3'000'000) / run.threads;
  in_threads(run.threads, [&](unsigned) {
    for (std::size_t n = 0; n < each; ++n) {
      void* const block = take(8);
      work_on(block, 8, 50);
      free(block);
    }
    run.count(each);
  });
}

// Passive: the program did, by handing each thread a block of one line, which it frees.
void passive_sharing(Run& run) {
  const std::size_t each = run.scaled(3'000'000) / run.threads;
  MappedArray<void*> handed(run.threads);
  for (void*& block : handed) block = take(8);
  in_threads(run.threads, [&](unsigned index) {
    free(handed[index]);
    for (std::size_t n = 0; n < each; ++n) {
      void* const block = take(8);
      work_on(block, 8, 50);
      free(block);
    }
    run.count(each);
  });
}

constexpr Workload table[] = {
    {"churn_of_threads", "threads", churn_of_threads, "random replacement, each thread for itself"},
    {"short_threads", "threads", short_threads, "threads that take and free 300 blocks and end"},
    {"inherited", "threads", inherited,
     "fifty generations of threads replace the blocks they find"},
    {"migration", "threads", migration,
     "mixed sizes, one block in sixteen freed by another thread"},
    {"active_sharing", "threads", active_sharing, "8-byte blocks worked on: whose cache line?"},
    {"passive_sharing", "threads", passive_sharing,
     "the same after being handed blocks of one line"},
};

}  // namespace

std::span<const Workload> thread_workloads() { return table; }

}  // namespace workloads
