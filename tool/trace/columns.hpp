// Events of one thread as bytes, and back: five bytes an event before zstd, one to three after it.
//
// Each kind of number has a column of its own, because like compresses like. An address is the
// distance from a guess: for a new block the last one of its size, else the address before. A chunk
// is read by itself: nothing is carried over from the one before. docs/design/traces.md has the
// bytes.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "trace/event.hpp"

namespace strata::trace {

// The guess of an address: the same on both sides.
class AddressGuess {
 public:
  [[nodiscard]] std::uint64_t guess(const Event& event) const {
    if (event.kind == Kind::site) return last_site_;
    const std::uint64_t same_size = gives_block(event) ? last_of_size_[place(event.size)] : 0;
    return same_size != 0 ? same_size : last_;
  }
  void learn(const Event& event) {
    if (event.kind == Kind::site) {
      last_site_ = event.address;
      return;
    }
    if (gives_block(event)) last_of_size_[place(event.size)] = event.address;
    last_ = event.address;
  }

 private:
  static bool gives_block(const Event& event) {
    return event.kind != Kind::free && event.kind != Kind::realloc_from;
  }
  static std::size_t place(std::uint64_t size) {
    return size < 16 * 511 ? std::size_t(size + 15) / 16 : 511;
  }

  std::array<std::uint64_t, 512> last_of_size_{};
  std::uint64_t last_ = 0;
  std::uint64_t last_site_ = 0;
};

// Bytes that are appended to without a look at the room for each.
class Column {
 public:
  // Before as much as `length` bytes are put.
  void make_room(std::size_t length) {
    if (bytes_.size() - used_ < length) bytes_.resize(bytes_.size() * 2 + length);
  }
  void put_byte(std::uint8_t byte) { bytes_[used_++] = char(byte); }
  void put_number(std::uint64_t value) {
    char* at = bytes_.data() + used_;
    while (value >= 0x80) {
      *at++ = char(value | 0x80);
      value >>= 7;
    }
    *at++ = char(value);
    used_ = std::size_t(at - bytes_.data());
  }
  [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), used_}; }
  void clear() { used_ = 0; }

 private:
  std::string bytes_;
  std::size_t used_ = 0;
};

class ColumnWriter {
 public:
  // A time before the one of the event before counts as that one.
  void add(const Event& event);
  [[nodiscard]] std::uint32_t count() const { return count_; }
  // The bytes of what was added; empty again afterwards.
  std::string take();

 private:
  Column kinds_, sizes_, addresses_, times_;
  std::uint64_t first_time_ = 0;
  std::uint64_t last_time_ = 0;
  std::uint32_t count_ = 0;
  AddressGuess guess_;
};

// Throws TraceError when the bytes are not what a ColumnWriter makes.
std::vector<Event> read_columns(std::string_view bytes);

}  // namespace strata::trace
