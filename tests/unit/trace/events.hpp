// Random events and short-hands for the tests of traces.
#pragma once

#include <rapidcheck.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "trace/event.hpp"

namespace strata::trace {

inline Event make(Kind kind, std::uint64_t time, std::uint64_t address, std::uint64_t size = 0,
                  std::uint8_t alignment_log2 = 0) {
  return {kind, alignment_log2, time, address, size};
}

// Any event that a recorder may write, with the fields that its kind has.
inline rc::Gen<Event> any_event() {
  return rc::gen::exec([] {
    Event event;
    event.kind = Kind(*rc::gen::inRange(1, int(kind_count)));
    const bool has_size = event.kind == Kind::malloc || event.kind == Kind::calloc ||
                          event.kind == Kind::aligned || event.kind == Kind::realloc_to ||
                          event.kind == Kind::failed;
    if (has_size) {
      event.size = *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 5000),
                                   rc::gen::arbitrary<std::uint64_t>());
    }
    if (event.kind != Kind::failed && event.kind != Kind::thread_end) {
      event.address = *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 1 << 20),
                                      rc::gen::arbitrary<std::uint64_t>());
    }
    if (event.kind == Kind::aligned) event.alignment_log2 = std::uint8_t(*rc::gen::inRange(0, 64));
    event.time = *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 1000),
                                 rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 60));
    return event;
  });
}

// Events of one thread: their times do not fall.
inline std::vector<Event> in_order(std::vector<Event> events) {
  std::uint64_t time = 0;
  for (Event& event : events) event.time = time = std::max(time, event.time);
  return events;
}

// A file of this test alone, gone when the test is.
class ScratchFile {
 public:
  ScratchFile() {
    const int file = mkstemp(path_.data());
    if (file >= 0) close(file);
  }
  ~ScratchFile() { std::remove(path_.c_str()); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& content) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }

 private:
  std::string path_ =
      std::string(std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp") +
      "/strata-test.XXXXXX";
};

}  // namespace strata::trace
