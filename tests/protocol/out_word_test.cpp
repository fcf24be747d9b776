// OutWord (src/frames/out_word.hpp) under every interleaving: no turn is lost, also when the block
// changes hands, whoever frees a frame twice is found, and the one case that is found late is as its
// head says.
#include "frames/out_word.hpp"

#include <gtest/gtest.h>

#include "explorer.hpp"
#include "frames/cpu_tag.hpp"

namespace {

using namespace strata;
using explore::Explorer;
using explore::Word;
using Model = OutWordOf<Word<std::uint64_t>>;

constexpr std::uint64_t a = 1, b = 2;

// Looks at a word when no thread runs: each access would otherwise be a place to switch.
std::uint64_t settled(Model& word) {
  std::uint64_t bits = 0;
  Explorer look;
  look.run([&] { return std::vector<Explorer::Body>{[&] { bits = word.bits(); }}; }, [] {}, 0);
  return bits;
}

// Runs `threads` on a word whose frames `a` and `b` are out, then check(word).
template <class Check>
size_t explore_all(std::vector<std::function<void(Model&)>> threads, Check check) {
  std::unique_ptr<Model> word;
  Explorer explorer;
  return explorer.run(
      [&] {
        word = std::make_unique<Model>();
        Explorer setup;
        setup.run([&] { return std::vector<Explorer::Body>{[&] { word->turn_all(a | b, true); }}; },
                  [] {}, 0);
        Explorer::current() = &explorer;
        std::vector<Explorer::Body> bodies;
        for (auto& thread : threads) bodies.push_back([&] { thread(*word); });
        return bodies;
      },
      [&] {
        check(*word);
        Explorer::current() = &explorer;
      },
      6);
}

TEST(out_word, neighbours_do_not_lose_each_others_turns) {
  for (const bool own : {true, false}) {
    const auto turns = [](std::uint64_t bit, bool mine) {
      return [bit, mine](Model& word) {
        EXPECT_TRUE(word.turn(bit, false, mine));
        EXPECT_TRUE(word.turn(bit, true, mine));
        EXPECT_TRUE(word.turn(bit, false, mine));
      };
    };
    const size_t schedules = explore_all({turns(a, own), turns(b, false)},
                                         [](Model& word) { EXPECT_EQ(settled(word), 0u); });
    EXPECT_GT(schedules, 100u);
  }
}

TEST(out_word, of_two_cpus_that_free_one_frame_at_once_one_is_found) {
  bool first = false, second = false;
  explore_all({[&](Model& word) { first = word.turn(a, false, false); },
               [&](Model& word) { second = word.turn(a, false, false); }},
              [&](Model& word) {
                EXPECT_NE(first, second);
                EXPECT_EQ(settled(word), b);
              });
}

TEST(out_word, if_one_of_them_owns_the_block_it_is_found_then_or_when_the_frame_is_next_taken) {
  bool first = false, second = false;
  size_t late = 0;
  explore_all({[&](Model& word) { first = word.turn(a, false, true); },
               [&](Model& word) { second = word.turn(a, false, false); }},
              [&](Model& word) {
                EXPECT_TRUE(first || second);
                const bool both = first && second;
                late += both ? 1 : 0;
                // Still counted as handed out: turning it out again is refused to both.
                EXPECT_EQ(settled(word), both ? a | b : b);
              });
  EXPECT_GT(late, 0u) << "the case this test is about never came";
}

TEST(out_word, a_run_is_turned_as_a_whole_or_not_at_all) {
  bool run = false, single = false;
  explore_all({[&](Model& word) { run = word.turn_all(a | b, false); },
               [&](Model& word) { single = word.turn(b, false, false); }},
              [&](Model& word) {
                EXPECT_NE(run, single);
                EXPECT_EQ(settled(word), run ? 0 : a);
              });
}

// A block that changes hands (src/frames/cpu_tag.hpp): its owner lets go while it frees frames, the
// other CPU takes it as soon as it may, and both turn bits of the word.
TEST(out_word, a_block_that_changes_hands_loses_no_turn) {
  using Tag = CpuTagOf<2, Word>;
  constexpr std::uint64_t c = 4, d = 8;
  struct Block {
    Tag tags[2];
    Word<std::uint32_t> owner;
    Model word;
    bool turn(unsigned cpu, std::uint64_t bit, bool out) {
      return word.turn(bit, out, owner.load(Order::relaxed) == tags[cpu].now());
    }
  };
  std::unique_ptr<Block> block;
  size_t claimed = 0;
  Explorer explorer;
  const size_t schedules = explorer.run(
      [&] {
        block = std::make_unique<Block>();
        Explorer setup;
        setup.run(
            [&] {
              return std::vector<Explorer::Body>{[&] {
                block->tags[0].start(0);
                block->tags[1].start(1);
                block->owner.store(block->tags[0].now(), Order::relaxed);
                block->word.turn_all(a | b, true);
              }};
            },
            [] {}, 0);
        Explorer::current() = &explorer;
        const auto first = [&] {
          EXPECT_TRUE(block->turn(0, a, false));
          block->tags[0].answer();
          EXPECT_TRUE(block->turn(0, b, false));
        };
        const auto other = [&] {
          block->tags[0].ask();
          const std::uint32_t tag = block->owner.load(Order::relaxed);
          if (!block->tags[Tag::cpu_of(tag)].is(tag)) {
            block->owner.store(block->tags[1].now(), Order::relaxed);
            ++claimed;
          }
          EXPECT_TRUE(block->turn(1, c, true));
          EXPECT_TRUE(block->turn(1, d, true));
        };
        return std::vector<Explorer::Body>{first, other};
      },
      [&] {
        EXPECT_EQ(settled(block->word), c | d);
        Explorer::current() = &explorer;
      },
      4);
  EXPECT_GT(schedules, 100u);
  EXPECT_GT(claimed, 0u) << "the case this test is about never came";
}

}  // namespace
