// The sharing protocol (src/heap/sharing.hpp) under every interleaving of small scenarios: no block
// is lost or handed to two, a slab is given back exactly once, when and only when every block is
// home, and none is stranded once its threads are gone.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/intrusive_list.hpp"
#include "explorer.hpp"
#include "heap/sharing.hpp"

namespace {

using namespace strata;
using explore::Explorer;
using sharing::Batch;
using sharing::RemoteList;

// A slab as the protocol sees it, its shared fields explored.
struct ModelSlot {
  explore::Word<std::uint32_t> remote;
  explore::Word<Address> owner;
  std::uint16_t blocks = 0;
  [[nodiscard]] std::uint16_t capacity() const { return blocks; }
  std::uint16_t count = 0;
  std::uint8_t twice_class = 2;
  bool in_pool = false;
  Block* freed = nullptr;
  ModelSlot* next = nullptr;
  ModelSlot* previous = nullptr;

  std::uint16_t live() const { return count; }
  void set_owner(Address thread) { owner.store(thread, Order::relaxed); }
  bool owned_by(Address thread) const { return owner.load(Order::relaxed) == thread; }
};

using ModelPool = sharing::Pool<ModelSlot, explore::Lock, List>;

// One slab of up to four blocks, its pool, and what the heap around the protocol does with them,
// in the steps of src/heap/{free,slab_life,threads,refill}.cpp.
struct Model {
  alignas(64) Block blocks[4] = {};
  ModelSlot slot;
  ModelPool pool;
  int released = 0;
  std::uint16_t wake = 1;

  explicit Model(std::uint16_t capacity, Address owner) {
    slot.blocks = slot.count = capacity;
    slot.owner.poke(owner);
  }
  [[nodiscard]] Address slab() const { return Address(&blocks[0]); }

  void release(ModelSlot* of) {
    EXPECT_EQ(of, &slot);
    EXPECT_FALSE(slot.in_pool);
    ++released;
    EXPECT_EQ(released, 1) << "the slab was given back twice";
    slot.set_owner(0);
  }
  void free_local(Block* block) {
    block->next = slot.freed;
    slot.freed = block;
    if (--slot.count == 0) release(&slot);
  }
  void take_home(RemoteList home) {
    slot.count = std::uint16_t(slot.count - home.count());
    Block* list = sharing::block_at(slab(), home.head());
    while (list != nullptr) {
      Block* next = list->next;
      list->next = slot.freed;
      slot.freed = list;
      list = next;
    }
  }
  // As thin_pooled: takes the slab out of its pool and lets it go again.
  void thin() {
    RemoteList home;
    if (!pool.take_idle(&slot, 1, 0, 0, home)) return;
    take_home(home);
    if (slot.count == 0) return release(&slot);
    sharing::let_go_partial(&slot, pool, [this](ModelSlot* s) { release(s); });
  }
  void send(const Batch& batch) {
    sharing::bring_home(
        &slot, slab(), 1, batch, wake, pool, [this](ModelSlot* s) { release(s); },
        [this](ModelSlot*, unsigned) { thin(); });
  }

  // free() of one block by a thread; `adopts`: it may take a full slab over.
  void free(Address thread, int block, bool adopts) {
    if (slot.owned_by(thread)) return free_local(&blocks[block]);
    if (adopts && RemoteList{slot.remote.load(Order::relaxed)}.state() == sharing::State::full) {
      RemoteList home;
      if (sharing::adopt_full(slot.remote, home)) {
        take_home(home);
        slot.set_owner(thread);
        return free_local(&blocks[block]);
      }
    }
    send({&blocks[block], &blocks[block], 1});
  }
  // The same by a thread in whose outbox another block of the slab waits.
  void free_with_one_waiting(Address thread, int waiting, int block) {
    RemoteList home;
    if (sharing::adopt_full(slot.remote, home)) {
      take_home(home);
      take_home(RemoteList::make(std::uint32_t(waiting) + 1, 1, sharing::State::owned));
      slot.set_owner(thread);
      return free_local(&blocks[block]);
    }
    blocks[block].next = &blocks[waiting];
    send({&blocks[block], &blocks[waiting], 2});
  }
  // The owner ends, or turns to another slab: whatever is in this one, it lets go.
  void let_go(Address thread) {
    for (;;) {
      if (slot.count == 0) return release(&slot);
      if (slot.freed != nullptr) {
        return sharing::let_go_partial(&slot, pool, [this](ModelSlot* s) { release(s); });
      }
      if (sharing::let_go_full(&slot, thread)) return;
      take_home(sharing::take(slot.remote));
    }
  }
  void let_go_if_owned(Address thread) {
    if (released == 0 && slot.owned_by(thread)) let_go(thread);
  }
  // A thread in need of blocks takes the slab from the pool, and ends at once.
  void take_and_let_go(Address thread) {
    RemoteList home;
    if (pool.take(home) == nullptr) return;
    take_home(home);
    slot.set_owner(thread);
    let_go(thread);
  }

  // With every block freed and every thread gone the slab must have been given back.
  void expect_given_back() const {
    EXPECT_EQ(released, 1) << "stranded: state " << unsigned(RemoteList{slot.remote.peek()}.state())
                           << ", home " << RemoteList{slot.remote.peek()}.count() << ", live "
                           << slot.count << ", in pool " << slot.in_pool;
  }
  // With `live` blocks not freed, all others are home and findable, and the slab is not given back.
  void expect_kept(unsigned live) const {
    EXPECT_EQ(released, 0);
    std::set<const Block*> home;
    const RemoteList remote{slot.remote.peek()};
    const Block* block = sharing::block_at(slab(), remote.head());
    for (unsigned i = 0; i < remote.count(); ++i, block = block->next) home.insert(block);
    for (block = slot.freed; block != nullptr; block = block->next) home.insert(block);
    EXPECT_EQ(home.size(), slot.blocks - live);
    EXPECT_EQ(slot.count - remote.count(), int(live));
  }
};

class SharingProtocol : public testing::Test {
 protected:
  using Body = Explorer::Body;
  using Blocks = std::vector<int>;

  std::unique_ptr<Model> model;
  std::uint16_t wake = 1;

  // What a thread does, in every schedule with a model of its own. Thread 1 owns the slab.
  Body lets_go() {
    return [this] { model->let_go_if_owned(1); };
  }
  Body frees(Address thread, const Blocks& blocks) {
    return [=, this] {
      for (const int block : blocks) model->free(thread, block, false);
    };
  }
  // The same by a thread that may take the slab over, and lets it go at its end.
  Body adopts_and_ends(Address thread, const Blocks& blocks) {
    return [=, this] {
      for (const int block : blocks) model->free(thread, block, true);
      model->let_go_if_owned(thread);
    };
  }
  Body takes_and_lets_go(Address thread) {
    return [=, this] { model->take_and_let_go(thread); };
  }

  // Threads on a slab of so many blocks; `check` looks at the model at each schedule's end.
  template <class Check>
  void explore(unsigned preemptions, std::uint16_t blocks, const std::vector<Body>& threads,
               Check check) {
    Explorer explorer;
    const std::size_t schedules = explorer.run(
        [&] {
          model = std::make_unique<Model>(blocks, 1);
          model->wake = wake;
          return threads;
        },
        [&] {
          check();
          if (HasFailure()) {
            std::fprintf(stderr, "the schedule above fails\n");
            std::exit(1);
          }
        },
        preemptions);
    RecordProperty("schedules", int(schedules));
    std::printf("    %zu schedules\n", schedules);
  }
  void given_back_in_every_schedule(unsigned preemptions, std::uint16_t blocks,
                                    const std::vector<Body>& threads) {
    explore(preemptions, blocks, threads, [this] { model->expect_given_back(); });
  }
};

TEST_F(SharingProtocol, full_slab_let_go_while_two_threads_free_is_given_back) {
  given_back_in_every_schedule(6, 2, {lets_go(), frees(2, {0}), frees(3, {1})});
}

TEST_F(SharingProtocol, freers_that_adopt_and_end_strand_nothing) {
  given_back_in_every_schedule(4, 3,
                               {lets_go(), adopts_and_ends(2, {0, 1}), adopts_and_ends(3, {2})});
}

TEST_F(SharingProtocol, a_thread_that_takes_from_the_pool_meets_the_last_free) {
  given_back_in_every_schedule(4, 3,
                               {lets_go(), frees(2, {0, 1}), frees(3, {2}), takes_and_lets_go(4)});
}

TEST_F(SharingProtocol, owner_that_frees_and_ends_meets_frees_of_others) {
  const Body frees_and_ends = [this] {
    model->free(1, 0, false);
    model->let_go_if_owned(1);
  };
  given_back_in_every_schedule(5, 3, {frees_and_ends, adopts_and_ends(2, {1}), frees(3, {2})});
}

TEST_F(SharingProtocol, a_batch_of_two_goes_home_while_others_adopt) {
  wake = 3;
  const Body sends_two = [this] {
    model->blocks[0].next = &model->blocks[1];
    model->send({&model->blocks[0], &model->blocks[1], 2});
  };
  given_back_in_every_schedule(4, 4, {lets_go(), sends_two, adopts_and_ends(3, {2, 3})});
}

TEST_F(SharingProtocol, what_waits_in_the_outbox_comes_home_with_the_slab_that_is_taken_over) {
  const Body adopts_and_ends_with_one_waiting = [this] {
    model->free_with_one_waiting(2, 0, 1);
    model->let_go_if_owned(2);
  };
  given_back_in_every_schedule(
      4, 4, {lets_go(), adopts_and_ends_with_one_waiting, adopts_and_ends(3, {2, 3})});
}

TEST_F(SharingProtocol, thinning_a_pooled_slab_meets_frees_and_a_taker) {
  given_back_in_every_schedule(4, 4, {lets_go(), frees(2, {0, 1, 2}), frees(3, {3})});
}

TEST_F(SharingProtocol, with_a_block_alive_nothing_is_lost_and_nothing_given_back) {
  explore(4, 3, {lets_go(), adopts_and_ends(2, {0}), frees(3, {1}), takes_and_lets_go(4)},
          [this] { model->expect_kept(1); });
}

}  // namespace
