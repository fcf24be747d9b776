// Events as bytes: what is read is what was written, and nothing that is read breaks the reader.
#include "trace/columns.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "trace/bytes.hpp"
#include "unit/trace/events.hpp"

namespace strata::trace {
namespace {

std::string written(const std::vector<Event>& events) {
  ColumnWriter writer;
  for (const Event& event : events) writer.add(event);
  return writer.take();
}

RC_GTEST_PROP(TraceColumns, any_events_come_back_as_they_were, ()) {
  const auto events = in_order(*rc::gen::container<std::vector<Event>>(any_event()));
  RC_ASSERT(read_columns(written(events)) == events);
}

RC_GTEST_PROP(TraceColumns, a_time_that_falls_counts_as_the_one_before, ()) {
  const auto events = *rc::gen::container<std::vector<Event>>(any_event());
  std::vector<Event> expected = events;
  for (std::size_t i = 1; i < expected.size(); ++i) {
    expected[i].time = std::max(expected[i].time, expected[i - 1].time);
  }
  RC_ASSERT(read_columns(written(events)) == expected);
}

RC_GTEST_PROP(TraceColumns, a_writer_that_was_emptied_begins_anew, ()) {
  const auto first = *rc::gen::container<std::vector<Event>>(any_event());
  const auto second = in_order(*rc::gen::container<std::vector<Event>>(any_event()));
  ColumnWriter writer;
  for (const Event& event : first) writer.add(event);
  writer.take();
  for (const Event& event : second) writer.add(event);
  RC_ASSERT(read_columns(writer.take()) == second);
}

RC_GTEST_PROP(TraceColumns, any_bytes_are_read_or_refused, (const std::string& bytes)) {
  try {
    read_columns(bytes);
  } catch (const TraceError&) {
  }
}

RC_GTEST_PROP(TraceColumns, bytes_with_a_fault_are_read_or_refused, ()) {
  std::string bytes = written(*rc::gen::container<std::vector<Event>>(any_event()));
  const std::size_t at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  bytes[at] = char(*rc::gen::arbitrary<std::uint8_t>());
  try {
    read_columns(bytes);
  } catch (const TraceError&) {
  }
}

TEST(TraceColumns, what_is_cut_off_is_refused) {
  const std::string bytes =
      written({make(Kind::malloc, 5, 0x7000, 40), make(Kind::free, 9, 0x7000)});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THROW(read_columns(bytes.substr(0, length)), TraceError) << length;
  }
}

TEST(TraceColumns, a_loop_of_one_size_takes_under_five_bytes_an_event) {
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    events.push_back(make(Kind::malloc, i * 100, 0x7f0000000000 + i % 7 * 48, 40));
    events.push_back(make(Kind::free, i * 100 + 50, 0x7f0000000000 + i % 7 * 48));
  }
  EXPECT_LT(written(events).size(), events.size() * 5);
}

}  // namespace
}  // namespace strata::trace
