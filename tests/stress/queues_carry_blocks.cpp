// Stress: producers allocate, consumers free, through bounded queues: every free is another
// thread's. Bursts fill and empty whole slabs; producers pause, so that an idle owner is common.
//
// Usage: queues_carry_blocks [seconds 5] [pairs 2] [largest-bytes 60000] [seed 1]
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "support/memory.h"

namespace {

struct Item {
  unsigned char* block;
  size_t size;
  size_t seed;
};

class Queue {
 public:
  void put(std::vector<Item>&& burst) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return bursts_.size() < 16; });
    bursts_.push_back(std::move(burst));
    filled_.notify_one();
  }
  // An empty burst is the end.
  std::vector<Item> take() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !bursts_.empty(); });
    std::vector<Item> burst = std::move(bursts_.front());
    bursts_.pop_front();
    room_.notify_one();
    return burst;
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_, filled_;
  std::deque<std::vector<Item>> bursts_;
};

bool stop = false;

void produce(Queue& queue, uint64_t seed, size_t largest) {
  uint64_t random = seed * 0x9e3779b97f4a7c15u | 1;
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    std::vector<Item> burst;
    const size_t count = 1 + next_random(&random) % 1500;
    const size_t fixed = next_random(&random) % 4 == 0 ? 0 : random_size(&random, 2000);
    for (size_t i = 0; i < count; ++i) {
      const size_t size = fixed != 0 ? fixed : random_size(&random, largest);
      auto* block = static_cast<unsigned char*>(malloc(size));
      CHECK(block != nullptr);
      fill_pattern(block, size, i);
      burst.push_back({block, size, i});
    }
    queue.put(std::move(burst));
    if (next_random(&random) % 32 == 0) sleep_ms(2);
  }
  queue.put({});
}

void consume(Queue& queue, size_t& freed) {
  uint64_t random = 99;
  for (;;) {
    std::vector<Item> burst = queue.take();
    if (burst.empty()) return;
    for (size_t i = 0; i < burst.size(); ++i) {
      std::swap(burst[i], burst[i + next_random(&random) % (burst.size() - i)]);
      const Item& item = burst[i];
      if (!has_pattern(item.block, item.size, item.seed)) {
        check_stop(check_exit_failed, "a block of %zu bytes is damaged", item.size);
      }
      free(item.block);
    }
    freed += burst.size();
  }
}

}  // namespace

int main(int count, char** arguments) {
  const int seconds = count > 1 ? atoi(arguments[1]) : 5;
  const size_t pairs = count > 2 ? strtoul(arguments[2], nullptr, 10) : 2;
  const size_t largest = count > 3 ? strtoul(arguments[3], nullptr, 10) : 60000;
  const uint64_t seed = count > 4 ? strtoul(arguments[4], nullptr, 10) : 1;
  std::vector<Queue> queues(pairs);
  std::vector<size_t> freed(pairs);
  std::vector<std::thread> threads;
  const long before = resident_kib();
  for (size_t i = 0; i < pairs; ++i) {
    threads.emplace_back(produce, std::ref(queues[i]), seed + i, largest);
    threads.emplace_back(consume, std::ref(queues[i]), std::ref(freed[i]));
  }
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
  for (std::thread& thread : threads) thread.join();
  size_t total = 0;
  for (const size_t n : freed) total += n;
  printf("%zu blocks went from one thread to another, all whole\n", total);
  CHECK(total > 0);
  CHECK_AT_MOST(before + 20480, wait_until_resident_at_most(before + 20480, 2000));
  return 0;
}
