// The columns, written and read.
#include "trace/columns.hpp"

#include <algorithm>

#include "trace/bytes.hpp"

namespace strata::trace {
namespace {

// In a kind's byte: the address is given in bytes, not in units of eight.
constexpr std::uint8_t unaligned = 0x80;

constexpr unsigned bit(Kind kind) { return 1U << unsigned(kind); }

bool has_address(Kind kind) {
  return (bit(kind) & (bit(Kind::failed) | bit(Kind::thread_end))) == 0;
}
bool has_size(Kind kind) {
  constexpr unsigned sized = bit(Kind::malloc) | bit(Kind::calloc) | bit(Kind::aligned) |
                             bit(Kind::realloc_to) | bit(Kind::failed);
  return (bit(kind) & sized) != 0;
}

// Room in the columns is made for so many events at a time.
constexpr std::uint32_t events_at_a_time = 64;
constexpr std::size_t most_bytes = 11;  // of an event in a column: a number, and a byte

}  // namespace

void ColumnWriter::add(const Event& event) {
  if (count_ % events_at_a_time == 0) {
    for (Column* column : {&kinds_, &sizes_, &addresses_, &times_}) {
      column->make_room(events_at_a_time * most_bytes);
    }
  }
  if (count_ == 0) first_time_ = last_time_ = event.time;
  std::uint8_t kind = std::uint8_t(event.kind);
  if (has_size(event.kind)) sizes_.put_number(event.size);
  if (event.kind == Kind::aligned) sizes_.put_byte(event.alignment_log2);
  if (has_address(event.kind)) {
    auto distance = std::int64_t(event.address - guess_.guess(event));
    if (distance % 8 == 0) {
      distance /= 8;
    } else {
      kind |= unaligned;
    }
    addresses_.put_number(fold_sign(distance));
    guess_.learn(event);
  }
  const std::uint64_t time = std::max(event.time, last_time_);
  times_.put_number(time - last_time_);
  last_time_ = time;
  kinds_.put_byte(kind);
  ++count_;
}

std::string ColumnWriter::take() {
  std::string out;
  put_number(out, count_);
  put_number(out, first_time_);
  for (Column* column : {&kinds_, &sizes_, &addresses_, &times_}) {
    put_text(out, column->bytes());
    column->clear();
  }
  count_ = 0;
  guess_ = AddressGuess();
  return out;
}

std::vector<Event> read_columns(std::string_view bytes) {
  ByteReader whole(bytes);
  const std::uint64_t count = whole.number();
  std::uint64_t time = whole.number();
  const std::string_view kinds = whole.text();
  ByteReader sizes(whole.text());
  ByteReader addresses(whole.text());
  ByteReader times(whole.text());
  if (kinds.size() != count) throw TraceError("events and their kinds differ in number");

  std::vector<Event> events;
  events.reserve(count);
  AddressGuess guess;
  for (const char byte : kinds) {
    const auto kind = std::uint8_t(byte);
    Event event;
    event.kind = Kind(kind & ~unaligned);
    if (event.kind == Kind::none || unsigned(event.kind) >= kind_count) {
      throw TraceError("an event is of no known kind");
    }
    if (has_size(event.kind)) event.size = sizes.number();
    if (event.kind == Kind::aligned) event.alignment_log2 = sizes.byte();
    if (event.alignment_log2 > 63) throw TraceError("an alignment is beyond all addresses");
    if (has_address(event.kind)) {
      const std::int64_t distance = unfold_sign(addresses.number());
      const bool in_bytes = (kind & unaligned) != 0;
      event.address = guess.guess(event) + std::uint64_t(distance) * (in_bytes ? 1 : 8);
      guess.learn(event);
    }
    time += times.number();
    event.time = time;
    events.push_back(event);
  }
  if (!whole.at_end() || !sizes.at_end() || !addresses.at_end() || !times.at_end()) {
    throw TraceError("a column is longer than its events");
  }
  return events;
}

}  // namespace strata::trace
