// Whole blocks under every interleaving: BlockMagazine (src/frames/block_magazine.hpp) gives each
// block to one taker, and WholeMark (src/frames/whole_mark.hpp) finds what is freed twice, as a
// whole and in parts.
#include <gtest/gtest.h>

#include <algorithm>

#include "explorer.hpp"
#include "frames/block_magazine.hpp"
#include "frames/out_word.hpp"
#include "frames/whole_mark.hpp"

namespace {

using namespace strata;
using explore::Explorer;

// Does something to shared words while no thread runs, on behalf of `explorer`.
void alone(Explorer& explorer, Explorer::Body body) {
  Explorer once;
  once.run([&] { return std::vector<Explorer::Body>{body}; }, [] {}, 0);
  Explorer::current() = &explorer;
}

struct Block {};
using Magazine = BlockMagazineOf<Block, explore::Word>;

TEST(block_magazine, each_block_is_taken_once_while_others_take_away) {
  Block blocks[3];
  std::unique_ptr<Magazine> magazine;
  std::vector<Block*> taken;
  size_t taken_away = 0;
  const auto keep = [&](Block* block) {
    if (block != nullptr) taken.push_back(block);
    return block != nullptr;
  };
  Explorer explorer;
  const size_t schedules = explorer.run(
      [&] {
        magazine = std::make_unique<Magazine>();
        taken.clear();
        const auto own = [&] {
          magazine->put(&blocks[0]);
          magazine->put(&blocks[1]);
          keep(magazine->take());
          magazine->put(&blocks[2]);
          Block* rest[Magazine::size];
          const unsigned count = magazine->empty(rest, 1);
          taken.insert(taken.end(), rest, rest + count);
          keep(magazine->take());
        };
        const auto other = [&] {
          for (const unsigned slot : {0u, 1u}) taken_away += keep(magazine->take_away(slot));
        };
        return std::vector<Explorer::Body>{own, other};
      },
      [&] {
        alone(explorer, [&] { EXPECT_EQ(magazine->blocks(), 0u); });
        std::sort(taken.begin(), taken.end());
        EXPECT_EQ(taken, (std::vector<Block*>{blocks, blocks + 1, blocks + 2}));
      },
      5);
  EXPECT_GT(schedules, 100u);
  EXPECT_GT(taken_away, 0u) << "the case this test is about never came";
}

// A mark whose waiters go on when it changes.
template <class T>
struct Mark : explore::Word<T> {
  void store(T value, Order order) {
    explore::Word<T>::store(value, order);
    Explorer::current()->wake_all();
  }
  void wait() { Explorer::current()->block(); }
};

// A block of 64 frames, as FrameBlock puts the two parts together.
struct Model {
  WholeMarkOf<Mark> whole;
  OutWordOf<explore::Word<std::uint64_t>> word;
  unsigned splits = 0;

  bool free_whole() { return whole.clear(); }
  bool free_part(std::uint64_t set) {
    if (word.turn_all(set, false)) return true;
    whole.split([&] {
      ++splits;
      word.turn_whole(true);
    });
    return word.turn_all(set, false);
  }
};

// Runs `threads` on a block that is out as one, then check(what each returned, bits that are out).
template <class Check>
void explore_block(std::vector<std::function<bool(Model&)>> threads, Check check) {
  std::unique_ptr<Model> model;
  bool results[3];
  Explorer explorer;
  const size_t schedules = explorer.run(
      [&] {
        model = std::make_unique<Model>();
        alone(explorer, [&] { model->whole.mark(); });
        std::vector<Explorer::Body> bodies;
        for (size_t i = 0; i < threads.size(); ++i) {
          bodies.push_back([&, i] { results[i] = threads[i](*model); });
        }
        return bodies;
      },
      [&] {
        std::uint64_t out = 0;
        bool is_whole = false;
        alone(explorer, [&] {
          is_whole = model->whole.whole();
          out = model->word.bits();
        });
        EXPECT_FALSE(is_whole);
        EXPECT_LE(model->splits, 1u);
        check(results, out);
      },
      3);
  EXPECT_GT(schedules, 10u);
}

constexpr std::uint64_t a = 1, b = 2, all = ~std::uint64_t{0};
const auto whole = [](Model& model) { return model.free_whole(); };
const auto part_a = [](Model& model) { return model.free_part(a); };
const auto part_b = [](Model& model) { return model.free_part(b); };

TEST(whole_mark, of_two_cpus_that_free_one_block_at_once_one_is_found) {
  explore_block({whole, whole}, [](const bool* freed, std::uint64_t out) {
    EXPECT_NE(freed[0], freed[1]);
    EXPECT_EQ(out, 0u);
  });
}

TEST(whole_mark, parts_that_come_back_at_once_all_do) {
  explore_block({part_a, part_b}, [](const bool* freed, std::uint64_t out) {
    EXPECT_TRUE(freed[0] && freed[1]);
    EXPECT_EQ(out, all & ~(a | b));
  });
}

TEST(whole_mark, of_the_whole_and_a_part_freed_at_once_one_is_found) {
  explore_block({whole, part_a}, [](const bool* freed, std::uint64_t out) {
    EXPECT_NE(freed[0], freed[1]);
    EXPECT_EQ(out, freed[0] ? 0 : all & ~a);
  });
}

TEST(whole_mark, a_part_freed_twice_is_found_while_its_neighbour_comes_back) {
  explore_block({part_a, part_a, part_b}, [](const bool* freed, std::uint64_t out) {
    EXPECT_NE(freed[0], freed[1]);
    EXPECT_TRUE(freed[2]);
    EXPECT_EQ(out, all & ~(a | b));
  });
}

}  // namespace
