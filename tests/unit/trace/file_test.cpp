// Trace files: written and read, cut off, damaged.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "trace/reader.hpp"
#include "trace/writer.hpp"
#include "unit/trace/events.hpp"

namespace strata::trace {
namespace {

using Streams = std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<Event>>;

Streams read_all(const TraceFile& file) {
  Streams streams;
  for (const ProcessInTrace& process : file.processes()) {
    for (const std::uint32_t number : process.threads) {
      TraceFile::Thread thread(file, process.number, number);
      std::vector<Event>& all = streams[{process.number, number}];
      for (std::vector<Event> chunk = thread.next_chunk(); !chunk.empty();
           chunk = thread.next_chunk()) {
        all.insert(all.end(), chunk.begin(), chunk.end());
      }
    }
  }
  return streams;
}

// Two processes, three threads, several chunks of each.
Streams write_sample(const std::string& path, bool finished = true) {
  Streams streams;
  Writer writer(path, false);
  writer.process({0, 100, 1, 5, "/usr/bin/first", {"first", "-x"}});
  writer.process({1, 101, 100, 70, "/usr/bin/second", {"second"}});
  for (std::uint64_t i = 0; i < 300; ++i) {
    for (const auto& [process, thread] : {std::pair{0U, 0U}, {0U, 3U}, {1U, 0U}}) {
      const Event event = i % 2 == 0 ? make(Kind::malloc, i * 10, 0x1000 + i * 16, i)
                                     : make(Kind::free, i * 10, 0x1000 + (i - 1) * 16);
      writer.events(process, thread, {&event, 1});
      streams[{process, thread}].push_back(event);
    }
    if (i % 50 == 49) writer.flush();
  }
  writer.end_thread(0, 3);
  writer.end_process(1, 0, 0);
  writer.end_process(0, 7, 123456789);
  if (finished) writer.finish();
  return streams;
}

RC_GTEST_PROP(TraceFiles, threads_come_back_as_they_were, ()) {
  const ScratchFile scratch;
  Streams streams;
  {
    Writer writer(scratch.path(), true);
    for (int part = *rc::gen::inRange(0, 6); part > 0; --part) {
      const auto process = *rc::gen::inRange<std::uint32_t>(0, 3);
      const auto thread = *rc::gen::inRange<std::uint32_t>(0, 3);
      std::vector<Event>& all = streams[{process, thread}];
      for (Event event : *rc::gen::container<std::vector<Event>>(any_event())) {
        if (!all.empty()) event.time = std::max(event.time, all.back().time);
        all.push_back(event);
        writer.events(process, thread, {&event, 1});
      }
      if (*rc::gen::arbitrary<bool>()) writer.flush();
    }
    writer.finish();
  }
  std::erase_if(streams, [](const auto& stream) { return stream.second.empty(); });
  const TraceFile file(scratch.path());
  RC_ASSERT(file.cut_off().empty());
  RC_ASSERT(file.has_sites());
  RC_ASSERT(read_all(file) == streams);
}

TEST(TraceFiles, more_events_than_a_chunk_holds_come_back) {
  const ScratchFile scratch;
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 50000; ++i)
    events.push_back(make(Kind::malloc, i, i * 32, i % 999));
  {
    Writer writer(scratch.path(), false);
    writer.events(4, 2, events);
    writer.finish();
  }
  const TraceFile file(scratch.path());
  EXPECT_EQ(file.events(), events.size());
  EXPECT_EQ(file.last_time(file.processes().at(0)), 49999U);
  EXPECT_TRUE((read_all(file)[{4, 2}]) == events);
}

TEST(TraceFiles, processes_are_described) {
  const ScratchFile scratch;
  write_sample(scratch.path());
  const TraceFile file(scratch.path());
  ASSERT_EQ(file.processes().size(), 2U);
  const ProcessInTrace& first = file.processes()[0];
  EXPECT_EQ(first.name(), "first");
  EXPECT_EQ(first.command_line(), "first -x");
  EXPECT_EQ(first.pid, 100U);
  EXPECT_EQ(first.lost, 7U);
  EXPECT_EQ(first.processor_time, 123456789U);
  EXPECT_TRUE(first.ended);
  EXPECT_EQ(first.threads.size(), 2U);
  EXPECT_EQ(file.largest(), &first);
  EXPECT_EQ(file.find("second").parent_pid, 100U);
  EXPECT_EQ(&file.find("#0"), &first);
  EXPECT_EQ(&file.find("100"), &first);
  EXPECT_THROW(static_cast<void>(file.find("third")), TraceError);
}

TEST(TraceFiles, a_file_cut_off_anywhere_is_read_up_to_its_last_whole_chunk) {
  const ScratchFile scratch;
  const Streams whole = write_sample(scratch.path());
  const std::string content = scratch.content();
  std::uint64_t before = 0;
  for (std::size_t length = 0; length < content.size(); ++length) {
    const ScratchFile cut;
    cut.write(content.substr(0, length));
    if (length < sizeof(FileHeader)) {
      EXPECT_THROW(TraceFile file(cut.path()), TraceError);
      continue;
    }
    const TraceFile file(cut.path());
    EXPECT_FALSE(file.cut_off().empty()) << length;
    EXPECT_GE(file.events(), before);
    before = file.events();
    // What is there is the beginning of what was.
    for (const auto& [key, events] : read_all(file)) {
      const std::vector<Event>& all = whole.at(key);
      ASSERT_LE(events.size(), all.size());
      EXPECT_TRUE(std::equal(events.begin(), events.end(), all.begin()));
    }
  }
  EXPECT_EQ(before, 900U);
}

TEST(TraceFiles, a_recording_that_was_not_ended_says_so) {
  const ScratchFile scratch;
  write_sample(scratch.path(), false);
  const TraceFile file(scratch.path());
  EXPECT_NE(file.cut_off().find("was not ended"), std::string::npos);
  EXPECT_EQ(file.events(), 900U);
}

// Whatever byte of a chunk is changed: it is refused, or taken for a file that was cut off; never
// are other events read than were written.
TEST(TraceFiles, a_changed_byte_is_never_read_as_events) {
  const ScratchFile scratch;
  const Streams whole = write_sample(scratch.path());
  const std::string content = scratch.content();
  unsigned refused = 0;
  for (std::size_t at = sizeof(FileHeader); at < content.size(); ++at) {
    std::string changed = content;
    changed[at] = char(changed[at] ^ 0x41);
    const ScratchFile damaged;
    damaged.write(changed);
    try {
      const TraceFile file(damaged.path());
      for (const auto& [key, events] : read_all(file)) {
        ASSERT_TRUE(whole.contains(key)) << at;
        const std::vector<Event>& all = whole.at(key);
        ASSERT_TRUE(events.size() <= all.size() &&
                    std::equal(events.begin(), events.end(), all.begin()))
            << at;
      }
      EXPECT_FALSE(file.cut_off().empty()) << at;
    } catch (const TraceError& error) {
      ++refused;
      EXPECT_NE(std::string(error.what()).find("damaged at byte"), std::string::npos)
          << error.what();
    }
  }
  EXPECT_GT(refused, (content.size() - sizeof(FileHeader)) * 9 / 10);
}

TEST(TraceFiles, other_files_are_refused_by_name) {
  const ScratchFile scratch;
  const auto refusal = [&](const std::string& content) -> std::string {
    scratch.write(content);
    try {
      const TraceFile file(scratch.path());
    } catch (const TraceError& error) {
      return error.what();
    }
    return "read";
  };
  EXPECT_NE(refusal("").find("too short"), std::string::npos);
  EXPECT_NE(refusal(std::string(1000, 'x')).find("no trace of strata"), std::string::npos);
  write_sample(scratch.path());
  std::string later = scratch.content();
  later[8] = 2;
  EXPECT_NE(refusal(later).find("version 2"), std::string::npos);
  EXPECT_THROW(TraceFile file("/nowhere/at/all"), TraceError);
  EXPECT_THROW(TraceFile file("/dev/null"), TraceError);
}

TEST(TraceFiles, a_file_that_cannot_be_made_is_an_error) {
  EXPECT_THROW(Writer writer("/nowhere/at/all", false), TraceError);
  EXPECT_THROW(Writer writer("/dev/full", false), TraceError);
}

}  // namespace
}  // namespace strata::trace
