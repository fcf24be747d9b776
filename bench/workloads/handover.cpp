// Blocks taken by one thread and freed by another: symmetric, one to many, many to one.
//
// Blocks travel in batches of 256 through a bounded mailbox with a lock, so that the exchange
// itself costs little: one lock and unlock for 256 blocks on either side. The batches stand in
// memory of the workload's own and go round for ever, so nothing but the blocks is allocated.
//
//    producer --full--> mailbox of a consumer --free each block--> batch back to the pool
#include "size_law.hpp"

namespace workloads {
namespace {

constexpr std::size_t batch_length = 256;

struct Batch {
  Batch* next;
  std::size_t length;
  void* blocks[batch_length];
};

// A bounded queue of batches for any number of threads; closed when all its writers are done.
class Mailbox {
 public:
  void put(Batch* batch) {
    pthread_mutex_lock(&lock_);
    batch->next = nullptr;
    (last_ != nullptr ? last_->next : first_) = batch;
    last_ = batch;
    pthread_cond_signal(&filled_);
    pthread_mutex_unlock(&lock_);
  }
  // Waits for a batch; null when the mailbox is closed and empty.
  Batch* get() {
    pthread_mutex_lock(&lock_);
    while (first_ == nullptr && !closed_) pthread_cond_wait(&filled_, &lock_);
    Batch* const batch = first_;
    if (batch != nullptr) {
      first_ = batch->next;
      if (first_ == nullptr) last_ = nullptr;
    }
    pthread_mutex_unlock(&lock_);
    return batch;
  }
  void close() {
    pthread_mutex_lock(&lock_);
    closed_ = true;
    pthread_cond_broadcast(&filled_);
    pthread_mutex_unlock(&lock_);
  }

 private:
  pthread_mutex_t lock_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t filled_ = PTHREAD_COND_INITIALIZER;
  Batch* first_ = nullptr;
  Batch* last_ = nullptr;
  bool closed_ = false;
};

void fill(Batch& batch, Random& random, const SizeLaw& law) {
  batch.length = batch_length;
  for (void*& block : batch.blocks) block = take(law.draw(random));
}
void drain(Batch& batch) {
  for (std::size_t i = 0; i < batch.length; ++i) free(batch.blocks[i]);
}

// `producers` threads fill batches, `consumers` free them; 16 batches a thread are on their way.
void hand_over(Run& run, unsigned producers, unsigned consumers, const SizeLaw& law,
               std::size_t operations) {
  MappedArray<Batch> batches(16 * (producers + consumers));
  Mailbox empty;
  Mailbox full;
  for (Batch& batch : batches) empty.put(&batch);
  std::atomic<unsigned> producing{producers};
  const std::size_t rounds = operations / batch_length / producers + 1;
  in_threads(producers + consumers, [&](unsigned index) {
    if (index < producers) {
      Random random(300 + index);
      for (std::size_t n = 0; n < rounds; ++n) {
        Batch* const batch = empty.get();
        fill(*batch, random, law);
        full.put(batch);
      }
      run.count(rounds * batch_length);
      // Acquire and release: the last one to leave closes the mailbox after everyone's last put.
      if (producing.fetch_sub(1, std::memory_order_acq_rel) == 1) full.close();
    } else {
      while (Batch* const batch = full.get()) {
        drain(*batch);
        empty.put(batch);
      }
    }
  });
}

void one_to_many(Run& run) {
  const unsigned others = run.threads > 1 ? run.threads - 1 : 1;
  hand_over(run, 1, others, SizeLaw::typical(), run.scaled(12'000'000));
}
void many_to_one(Run& run) {
  const unsigned others = run.threads > 1 ? run.threads - 1 : 1;
  hand_over(run, others, 1, SizeLaw::typical(), run.scaled(12'000'000));
}
void pipeline_one_size(Run& run) {
  const unsigned half = run.threads > 1 ? run.threads / 2 : 1;
  hand_over(run, half, half, SizeLaw::uniform(64, 64), run.scaled(50'000'000));
}
void pipeline_large(Run& run) {
  const unsigned half = run.threads > 1 ? run.threads / 2 : 1;
  hand_over(run, half, half, SizeLaw::logarithmic(2048, 65536), run.scaled(500'000));
}

// Symmetric: every thread both takes and frees, but frees only what its left neighbour took.
void ring(Run& run) {
  constexpr std::size_t in_flight = 8;
  const SizeLaw law = SizeLaw::typical();
  MappedArray<Batch> batches(in_flight * run.threads);
  MappedArray<Mailbox> full(run.threads);
  for (Mailbox& mailbox : full) new (&mailbox) Mailbox;
  const std::size_t rounds = run.scaled(25'000'000) / batch_length / run.threads + 1;
  in_threads(run.threads, [&](unsigned index) {
    Mailbox& right = full[(index + 1) % run.threads];
    Random random(400 + index);
    for (std::size_t i = 0; i < in_flight; ++i) {
      Batch& batch = batches[in_flight * index + i];
      fill(batch, random, law);
      right.put(&batch);
    }
    for (std::size_t n = 0; n < rounds; ++n) {
      Batch* const batch = full[index].get();
      drain(*batch);
      fill(*batch, random, law);
      right.put(batch);
    }
    run.count((rounds + in_flight) * batch_length);
  });
  for (Mailbox& mailbox : full) {
    mailbox.close();
    while (Batch* const batch = mailbox.get()) drain(*batch);
  }
}

// A table that all threads share: each puts a run of blocks of one size in, at a random place, and
// frees what was there, whoever took it; every fourth block it keeps to itself for a while.
void shared_table(Run& run) {
  constexpr std::size_t shared = 65536;
  constexpr std::size_t kept = 512;
  constexpr std::size_t longest_run = 64;
  const SizeLaw law = SizeLaw::uniform(8, 400);
  MappedArray<std::atomic<void*>> table(shared);
  const std::size_t rounds = run.scaled(200'000) / run.threads + 1;
  in_threads(run.threads, [&](unsigned index) {
    MappedArray<void*> own(kept);
    Random random(700 + index);
    std::size_t next = 0;
    std::uint64_t operations = 0;
    for (std::size_t n = 0; n < rounds; ++n) {
      const std::size_t size = law.draw(random);
      const std::size_t first = random.below(shared - longest_run);
      const std::size_t count = 16 + random.below(longest_run - 16);
      for (std::size_t i = 0; i < count; ++i) {
        void* const block = take(size);
        if (i % 4 == 0) {
          free(own[next]);
          own[next] = block;
          next = (next + 1) % kept;
        } else {
          // Acquire and release: who frees a block has seen all that was written to it.
          free(table[first + i].exchange(block, std::memory_order_acq_rel));
        }
      }
      operations += count;
    }
    for (void* block : own) free(block);
    run.count(operations);
  });
  for (std::atomic<void*>& block : table) free(block.load(std::memory_order_relaxed));
}

constexpr Workload table[] = {
    {"ring", "threads", ring, "symmetric: every thread frees what its neighbour took"},
    {"shared_table", "threads", shared_table, "blocks of all threads replaced at random by all"},
    {"one_to_many", "threads", one_to_many, "one thread takes, all others free"},
    {"many_to_one", "threads", many_to_one, "all but one thread take, one frees"},
    {"pipeline_one_size", "threads", pipeline_one_size, "half take 64-byte blocks, half free them"},
    {"pipeline_large", "threads", pipeline_large, "half take blocks of 2-64 KiB, half free them"},
};

}  // namespace

std::span<const Workload> handover_workloads() { return table; }

}  // namespace workloads
