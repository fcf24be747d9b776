// The life of blocks, from the events of several threads.
#include "trace/history.hpp"

#include <gtest/gtest.h>

#include "trace/writer.hpp"
#include "unit/trace/events.hpp"

namespace strata::trace {
namespace {

struct Told {
  std::vector<Step> steps;
  Oddities oddities;
};

Told tell(const std::vector<std::vector<Event>>& threads) {
  const ScratchFile scratch;
  {
    Writer writer(scratch.path(), true);
    for (std::uint32_t i = 0; i < threads.size(); ++i) writer.events(0, i, threads[i]);
    writer.finish();
  }
  const TraceFile file(scratch.path());
  History history(file, file.processes().at(0));
  Told told;
  while (const std::optional<Step> step = history.next()) told.steps.push_back(*step);
  told.oddities = history.oddities();
  return told;
}

std::string in_letters(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    text += "arfe"[int(step.kind)] + std::to_string(step.thread) + ":" +
            std::to_string(step.block) + " ";
  }
  return text;
}

TEST(TraceHistory, blocks_are_named_and_names_are_used_again) {
  const Told told = tell({{make(Kind::malloc, 1, 0x100, 10), make(Kind::malloc, 2, 0x200, 20),
                           make(Kind::free, 3, 0x100), make(Kind::malloc, 4, 0x300, 30)}});
  EXPECT_EQ(in_letters(told.steps), "a0:0 a0:1 f0:0 a0:0 ");
  EXPECT_EQ(told.steps[2].old_size, 10U);
}

TEST(TraceHistory, threads_are_merged_by_time) {
  const Told told = tell({{make(Kind::malloc, 1, 0x100, 10), make(Kind::malloc, 30, 0x100, 11)},
                          {make(Kind::free, 20, 0x100), make(Kind::free, 40, 0x100)}});
  EXPECT_EQ(in_letters(told.steps), "a0:0 f1:0 a0:0 f1:0 ");
  EXPECT_EQ(told.oddities.events_waited, 0U);
}

TEST(TraceHistory, a_block_keeps_its_name_when_realloc_moves_it) {
  const Told told = tell({{make(Kind::malloc, 1, 0x100, 10), make(Kind::realloc_from, 2, 0x100),
                           make(Kind::realloc_to, 3, 0x500, 99), make(Kind::free, 4, 0x500)}});
  EXPECT_EQ(in_letters(told.steps), "a0:0 r0:0 f0:0 ");
  EXPECT_EQ(told.steps[1].size, 99U);
  EXPECT_EQ(told.steps[1].old_size, 10U);
}

TEST(TraceHistory, the_place_that_realloc_left_may_be_taken_before_it_returns) {
  const Told told = tell({{make(Kind::malloc, 1, 0x100, 10), make(Kind::realloc_from, 2, 0x100),
                           make(Kind::realloc_to, 9, 0x500, 99)},
                          {make(Kind::malloc, 5, 0x100, 7)}});
  EXPECT_EQ(in_letters(told.steps), "a0:0 a1:1 r0:0 ");
  EXPECT_EQ(told.oddities.unseen_frees, 0U);
}

TEST(TraceHistory, a_realloc_that_fails_leaves_the_block) {
  const Told told = tell({{make(Kind::malloc, 1, 0x100, 10), make(Kind::realloc_from, 2, 0x100),
                           make(Kind::failed, 3, 0, 1U << 30), make(Kind::free, 4, 0x100)}});
  EXPECT_EQ(in_letters(told.steps), "a0:0 f0:0 ");
  EXPECT_EQ(told.oddities.refused, 1U);
}

TEST(TraceHistory, a_realloc_to_nothing_frees) {
  const Told told = tell({{make(Kind::malloc, 1, 0x100, 10), make(Kind::realloc_from, 2, 0x100),
                           make(Kind::failed, 3, 0, 0), make(Kind::malloc, 4, 0x100, 5)}});
  EXPECT_EQ(in_letters(told.steps), "a0:0 f0:0 a0:0 ");
  EXPECT_EQ(told.oddities.refused, 0U);
}

TEST(TraceHistory, reallocs_of_signal_handlers_nest) {
  const Told told =
      tell({{make(Kind::malloc, 1, 0x100, 10), make(Kind::malloc, 1, 0x200, 20),
             make(Kind::realloc_from, 2, 0x100), make(Kind::realloc_from, 3, 0x200),
             make(Kind::realloc_to, 4, 0x600, 60), make(Kind::realloc_to, 5, 0x500, 50)}});
  EXPECT_EQ(in_letters(told.steps), "a0:0 a0:1 r0:1 r0:0 ");
  EXPECT_EQ(told.steps[2].size, 60U);
}

TEST(TraceHistory, frees_of_what_the_trace_does_not_begin_are_left_out) {
  const Told told = tell({{make(Kind::free, 1, 0x900), make(Kind::malloc, 2, 0x100, 1)}});
  EXPECT_EQ(in_letters(told.steps), "a0:0 ");
  EXPECT_EQ(told.oddities.unknown_frees, 1U);
}

TEST(TraceHistory, a_block_where_one_lives_ends_that_one) {
  const Told told = tell({{make(Kind::malloc, 1, 0x100, 10), make(Kind::calloc, 2, 0x100, 20)}});
  EXPECT_EQ(in_letters(told.steps), "a0:0 f0:0 a0:0 ");
  EXPECT_EQ(told.steps[1].old_size, 10U);
  EXPECT_EQ(told.steps[2].origin, Kind::calloc);
  EXPECT_EQ(told.oddities.unseen_frees, 1U);
}

TEST(TraceHistory, clocks_a_little_astray_are_put_right) {
  // Thread 1's clock is behind: it frees before thread 0 has obtained, and obtains before it freed.
  const Told told = tell({{make(Kind::malloc, 1000, 0x100, 10), make(Kind::free, 2000, 0x200)},
                          {make(Kind::free, 900, 0x100), make(Kind::malloc, 950, 0x200, 5)},
                          {make(Kind::malloc, 5, 0x200, 3)}});
  EXPECT_EQ(told.oddities.unknown_frees, 0U);
  EXPECT_EQ(told.oddities.unseen_frees, 0U);
  EXPECT_EQ(told.oddities.events_waited, 2U);
  EXPECT_EQ(told.steps.size(), 5U);
}

TEST(TraceHistory, calling_places_belong_to_the_next_event) {
  const Told told = tell({{make(Kind::site, 1, 0xabc), make(Kind::malloc, 2, 0x100, 10),
                           make(Kind::malloc, 3, 0x200, 10)}});
  ASSERT_EQ(told.steps.size(), 2U);
  EXPECT_EQ(told.steps[0].site, 0xabcU);
  EXPECT_EQ(told.steps[1].site, 0U);
}

}  // namespace
}  // namespace strata::trace
