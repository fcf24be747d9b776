// Numbers as bytes: the variable-length form (seven bits a byte, the low ones first), signs folded
// in, and a reader that never goes past its end.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace strata::trace {

// What is wrong with a trace, in words for its user.
struct TraceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void put_number(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(char(value | 0x80));
    value >>= 7;
  }
  out.push_back(char(value));
}

// Small numbers of either sign become small numbers.
constexpr std::uint64_t fold_sign(std::int64_t value) {
  return (std::uint64_t(value) << 1) ^ std::uint64_t(value >> 63);
}
constexpr std::int64_t unfold_sign(std::uint64_t value) {
  return std::int64_t(value >> 1) ^ -std::int64_t(value & 1);
}

inline void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
  std::uint8_t byte() {
    if (at_end()) throw TraceError("a number is cut off");
    return std::uint8_t(bytes_[at_++]);
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint8_t part = byte();
      if (shift == 63 && part > 1) throw TraceError("a number is longer than 64 bits");
      value |= std::uint64_t(part & 0x7f) << shift;
      if (part < 0x80) return value;
    }
  }
  std::string_view piece(std::uint64_t length) {
    if (length > bytes_.size() - at_) throw TraceError("a piece is longer than what holds it");
    const std::string_view found = bytes_.substr(at_, length);
    at_ += length;
    return found;
  }
  std::string_view text() { return piece(number()); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace strata::trace
