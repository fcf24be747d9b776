// Threads: their memory outlives them and goes home, whoever frees it; finished threads still work;
// no thread keeps more empty slabs than its budget.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "heap/heap.hpp"
#include "heap/state.hpp"
#include "heap/statistics.hpp"

namespace {

using namespace strata;

heap::Statistics collected() {
  heap::Statistics statistics{};
  heap::collect(statistics);
  return statistics;
}

void in_thread(const std::function<void()>& body) { std::thread(body).join(); }

std::vector<void*> allocate_many(size_t count, size_t size) {
  std::vector<void*> blocks;
  for (size_t i = 0; i < count; ++i) {
    blocks.push_back(heap::allocate(size));
    std::memset(blocks.back(), static_cast<int>(i), size);
  }
  return blocks;
}
void expect_kept(const std::vector<void*>& blocks, size_t size) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto* const bytes = static_cast<unsigned char*>(blocks[i]);
    ASSERT_EQ(bytes[0], static_cast<unsigned char>(i));
    ASSERT_EQ(bytes[size - 1], static_cast<unsigned char>(i));
  }
}

// A thread that does what it is told, and idles in between.
class Worker {
 public:
  Worker() : thread_([this] { serve(); }) {}
  ~Worker() {
    run(nullptr);
    thread_.join();
  }
  void run(std::function<void()> task) {
    std::unique_lock lock(mutex_);
    task_ = std::move(task);
    pending_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !pending_; });
  }

 private:
  void serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return pending_; });
      const bool last = task_ == nullptr;
      if (!last) task_();
      pending_ = false;
      changed_.notify_all();
      if (last) return;
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> task_;
  bool pending_ = false;
  std::thread thread_;
};

TEST(Threads, blocks_outlive_the_thread_that_allocated_them) {
  for (const size_t size : {16U, 200U, 5000U, 32768U, 100000U}) {
    std::vector<void*> blocks;
    in_thread([&] { blocks = allocate_many(300, size); });
    expect_kept(blocks, size);
    const size_t live = collected().live_bytes();
    for (void* block : blocks) heap::free(block);
    EXPECT_LE(collected().live_bytes(), live - 300 * size);
  }
}

TEST(Threads, slabs_of_an_ended_thread_serve_others) {
  constexpr size_t size = 7168;
  const unsigned c = class_of(size);
  heap::trim(0);  // no slab of this thread's own
  std::vector<void*> blocks;
  in_thread([&] { blocks = allocate_many(3, size); });  // one slab, mostly free
  EXPECT_EQ(heap::state.pools[c].count(), 1U);
  void* const mine = heap::allocate(size);
  EXPECT_EQ(heap::state.pools[c].count(), 0U);
  EXPECT_EQ(align_down(Address(mine), slot_size), align_down(Address(blocks[0]), slot_size));
  expect_kept(blocks, size);
  heap::free(mine);
  for (void* block : blocks) heap::free(block);
}

TEST(Threads, an_ended_thread_leaves_nothing_of_what_it_freed) {
  heap::trim(0);
  const heap::Statistics before = collected();
  const size_t used = slot_supply.usage().used;
  for (int i = 0; i < 20; ++i) {
    in_thread([] {
      for (unsigned c = 1; c < class_count; ++c) {
        for (void* block : allocate_many(50, size_of_class(c))) heap::free(block);
      }
    });
  }
  const heap::Statistics after = collected();
  EXPECT_EQ(after.live_bytes(), before.live_bytes());
  EXPECT_EQ(after.threads, before.threads);
  EXPECT_EQ(after.small_free_bytes, before.small_free_bytes);
  EXPECT_EQ(slot_supply.usage().used, used);
}

TEST(Threads, records_of_threads_are_reused) {
  in_thread([] { heap::free(heap::allocate(100)); });
  const size_t bytes = heap::state.heap_records.bytes();
  for (int i = 0; i < 200; ++i) in_thread([] { heap::free(heap::allocate(100)); });
  EXPECT_EQ(heap::state.heap_records.bytes(), bytes);
}

TEST(Threads, full_slabs_of_an_idle_thread_go_to_those_who_free_their_blocks) {
  constexpr size_t size = 1024;
  const unsigned c = class_of(size);
  const size_t capacity = size_classes.classes[c].capacity;
  Worker producer;
  std::vector<void*> blocks;
  producer.run([&] { blocks = allocate_many(50 * capacity, size); });
  const size_t slabs = collected().classes[c].slabs;
  ASSERT_GE(slabs, 50U);
  expect_kept(blocks, size);
  for (void* block : blocks) heap::free(block);
  // The producer sleeps, and still its slabs are gone: but for the one it is at.
  EXPECT_LE(collected().classes[c].slabs, 2U);
  EXPECT_EQ(collected().classes[c].live, 0U);
}

TEST(Threads, the_outbox_goes_home_when_it_is_full_and_when_the_thread_ends) {
  constexpr size_t size = 64;
  const unsigned c = class_of(size);
  std::vector<void*> blocks = allocate_many(200, size);  // of an owned slab of ours
  Slot* const slab = slot_supply.find(Address(blocks[0]));
  ASSERT_EQ(slab, slot_supply.find(Address(blocks[199])));
  const auto home = [&] { return sharing::RemoteList{slab->remote.load(Order::acquire)}.count(); };
  Worker other;
  const size_t live = collected().classes[c].live;
  other.run([&] {
    for (size_t i = 0; i < outbox_batch_blocks - 1; ++i) heap::free(blocks[i]);
  });
  EXPECT_EQ(home(), 0U);
  other.run([&] { heap::free(blocks[outbox_batch_blocks - 1]); });
  EXPECT_EQ(home(), outbox_batch_blocks);
  other.run([&] {
    for (size_t i = outbox_batch_blocks; i < 70; ++i) heap::free(blocks[i]);
    collected();  // sends first what waits
  });
  EXPECT_EQ(home(), 70U);
  other.run([&] {
    for (size_t i = 70; i < 75; ++i) heap::free(blocks[i]);
    heap::trim(0);
  });
  EXPECT_EQ(home(), 75U);
  in_thread([&] {
    for (size_t i = 75; i < 80; ++i) heap::free(blocks[i]);
  });
  EXPECT_EQ(home(), 80U);
  EXPECT_EQ(collected().classes[c].live, live - 80);
  // We get them again before anything new is carved.
  std::vector<void*> again = allocate_many(collected().classes[c].free, size);
  EXPECT_EQ(home(), 0U);
  for (void* block : again) heap::free(block);
  for (size_t i = 80; i < blocks.size(); ++i) heap::free(blocks[i]);
}

// One block waits in the outbox of the thread that then takes the full slab over: the slab is empty
// when that thread has freed all the others.
TEST(Threads, a_slab_taken_over_takes_what_waits_for_it) {
  for (const size_t size : {4000, 20000}) {  // slabs of one slot and of several
    const size_t capacity = size_class(class_of(size)).capacity * size_class(class_of(size)).slots;
    Worker other;
    std::vector<void*> blocks;
    other.run([&] { blocks = allocate_many(2, size); });
    Slot* const slab = slot_supply.find(Address(blocks[0]))->first();
    heap::free(blocks[0]);
    other.run([&] {
      for (size_t i = 2; i < capacity + 1; ++i) blocks.push_back(heap::allocate(size));
    });
    for (size_t i = 1; i < capacity; ++i) {
      ASSERT_EQ(slot_supply.find(Address(blocks[i]))->first(), slab);
      ASSERT_EQ(slab->kind(), SlotKind::slab);
      heap::free(blocks[i]);
    }
    EXPECT_NE(slab->kind(), SlotKind::slab);
    heap::free(blocks[capacity]);
  }
}

TEST(Threads, blocks_of_many_slabs_find_room_in_the_outbox) {
  // More slabs than entries, so that entries are displaced; nothing may be lost.
  constexpr size_t size = 8192;
  const unsigned c = class_of(size);
  std::vector<void*> blocks = allocate_many(64 * 8, size);
  in_thread([&] {
    for (size_t step = 0; step < 8; ++step) {
      for (size_t i = step; i < blocks.size(); i += 8) heap::free(blocks[i]);
    }
  });
  EXPECT_EQ(collected().classes[c].live, 0U);
  EXPECT_LE(collected().classes[c].slabs, 1U);
}

TEST(Threads, a_finished_thread_allocates_and_frees_without_caching) {
  std::vector<void*> kept;
  in_thread([&] {
    void* const early = heap::allocate(100);
    heap::finish_thread();
    EXPECT_EQ(thread_cache.heap, nullptr);
    for (const size_t size : {16U, 100U, 3000U, 32768U, 50000U}) {
      void* const block = heap::allocate(size);
      ASSERT_NE(block, nullptr);
      std::memset(block, 5, size);
      kept.push_back(block);
      auto* const zeroed = static_cast<char*>(heap::allocate_zeroed(size));
      for (size_t i = 0; i < size; ++i) ASSERT_EQ(zeroed[i], 0);
      std::memset(zeroed, 6, size);
      void* const moved = heap::reallocate(zeroed, size * 3);
      ASSERT_EQ(static_cast<char*>(moved)[size - 1], 6);
      heap::free(moved);
      void* const aligned = heap::allocate_aligned(4096, size);
      ASSERT_EQ(Address(aligned) % 4096, 0U);
      heap::free(aligned);
    }
    heap::free(early);
    EXPECT_EQ(thread_cache.heap, nullptr) << "a cache that nobody will take apart";
    heap::finish_thread();
  });
  for (void* block : kept) heap::free(block);
}

TEST(Threads, late_blocks_are_served_again) {
  const size_t slabs = collected().classes[class_of(208)].slabs;
  for (int i = 0; i < 50; ++i) {
    in_thread([] {
      heap::free(heap::allocate(208));
      heap::finish_thread();
      for (int k = 0; k < 2000; ++k) heap::free(heap::allocate(208));
    });
  }
  // 100000 blocks of 208 bytes passed through: one slab or two are enough.
  EXPECT_LE(collected().classes[class_of(208)].slabs, slabs + 2);
}

void* late_block;

TEST(Threads, destructors_of_thread_specific_data_may_allocate) {
  pthread_key_t key;
  ASSERT_EQ(pthread_key_create(&key,
                               [](void* old) {
                                 heap::free(old);
                                 late_block = heap::allocate(77);
                                 std::memset(late_block, 1, 77);
                               }),
            0);
  in_thread([&] { pthread_setspecific(key, heap::allocate(300)); });
  ASSERT_NE(late_block, nullptr);
  EXPECT_EQ(static_cast<char*>(late_block)[76], 1);
  heap::free(late_block);
  pthread_key_delete(key);
}

TEST(Threads, adopted_slabs_are_limited_in_number) {
  // We free two blocks of each of a hundred full slabs of an ended thread's: we take over some, the
  // others wake for everybody (at an eighth of their blocks).
  constexpr size_t size = 4096;
  const unsigned c = class_of(size);
  const size_t capacity = size_classes.classes[c].capacity;
  std::vector<void*> blocks;
  in_thread([&] { blocks = allocate_many(100 * capacity, size); });
  for (size_t i = 0; i < blocks.size(); i += capacity) {
    heap::free(blocks[i]);
    heap::free(blocks[i + 1]);
    blocks[i] = blocks[i + 1] = nullptr;
  }
  ASSERT_NE(thread_cache.heap, nullptr);
  EXPECT_LE(thread_cache.heap->available_count[c], 4U);
  EXPECT_GT(thread_cache.heap->available_count[c], 0U);
  collected();  // sends the outbox
  EXPECT_GE(thread_cache.heap->available_count[c] + heap::state.pools[c].count(), 99U);
  // What was freed is used before new slabs are.
  const size_t slabs = collected().classes[c].slabs;
  std::vector<void*> more = allocate_many(190, size);
  EXPECT_EQ(collected().classes[c].slabs, slabs);
  for (void* block : more) heap::free(block);
  for (void* block : blocks) heap::free(block);
  EXPECT_EQ(collected().classes[c].live, 0U);
}

TEST(Retained, one_thread_keeps_at_most_two_mebibytes_of_empty_slabs) {
  heap::trim(0);
  const size_t before = collected().small_free_bytes;
  for (unsigned c = 1; c < class_count; ++c) {
    std::vector<void*> blocks;
    const size_t capacity = size_classes.classes[c].capacity;
    for (size_t i = 0; i < capacity; ++i) blocks.push_back(heap::allocate(size_of_class(c)));
    for (void* block : blocks) heap::free(block);
  }
  // However large the slabs were that came before: of small ones there is room for many.
  for (unsigned c = 1; c <= 12; ++c) {
    for (int i = 0; i < 2; ++i) heap::free(heap::allocate(size_of_class(c)));
  }
  ASSERT_NE(thread_cache.heap, nullptr);
  EXPECT_GT(thread_cache.heap->retained_count, 8U);
  EXPECT_LE(thread_cache.heap->retained_count, class_count);
  size_t bytes = 0;
  for (unsigned i = 0; i < thread_cache.heap->retained_count; ++i) {
    bytes += slab::resident_bytes(thread_cache.heap->retained[i]);
  }
  EXPECT_LE(bytes, 2 * MiB);
  EXPECT_LE(collected().small_free_bytes, before + 2 * MiB);
}

TEST(Retained, with_many_threads_each_keeps_32_kib) {
  constexpr size_t threads = 64;
  heap::trim(0);
  const size_t before = collected().small_free_bytes;
  std::atomic<size_t> kept = 0;
  std::vector<std::unique_ptr<Worker>> workers;
  for (size_t i = 0; i < threads; ++i) {
    workers.push_back(std::make_unique<Worker>());
    workers.back()->run([] { heap::free(heap::allocate(16)); });
  }
  for (auto& worker : workers) {
    worker->run([&kept] {
      for (unsigned c = 1; c < class_count; c += 3) {
        for (void* block : allocate_many(4 * KiB / size_of_class(c) + 2, size_of_class(c))) {
          heap::free(block);
        }
      }
      size_t bytes = 0;
      for (unsigned i = 0; i < thread_cache.heap->retained_count; ++i) {
        bytes += slab::resident_bytes(thread_cache.heap->retained[i]);
      }
      // The newest stays, however large; together with others no more than the share.
      EXPECT_LE(thread_cache.heap->retained_count > 1 ? bytes : 0, 32 * KiB);
      kept += bytes;
    });
  }
  EXPECT_LE(collected().small_free_bytes, before + kept);
}

TEST(Retained, with_many_threads_what_one_frees_for_the_first_time_is_not_kept) {
  std::vector<std::unique_ptr<Worker>> workers;
  for (size_t i = 0; i < 64; ++i) {
    workers.push_back(std::make_unique<Worker>());
    workers.back()->run([] { heap::free(heap::allocate(16)); });
  }
  Worker worker;
  worker.run([] {
    for (unsigned c = 1; c < class_count; ++c) heap::free(heap::allocate(size_of_class(c)));
    EXPECT_EQ(thread_cache.heap->retained_count, 0U);
    for (unsigned c = 1; c < class_count; ++c) EXPECT_EQ(thread_cache.heap->active[c], nullptr);
  });
}

TEST(Retained, a_block_allocated_and_freed_again_and_again_keeps_its_slab) {
  for (int i = 0; i < 2; ++i) heap::free(heap::allocate(96));
  ASSERT_NE(thread_cache.heap, nullptr);
  const Slot* const slab = thread_cache.heap->active[class_of(96)];
  ASSERT_NE(slab, nullptr);
  for (int i = 0; i < 1000; ++i) {
    heap::free(heap::allocate(96));
    ASSERT_EQ(thread_cache.heap->active[class_of(96)], slab);
  }
  EXPECT_EQ(collected().classes[class_of(96)].live, 0U);
}

}  // namespace
