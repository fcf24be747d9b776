// The check sum of chunks: CRC-32 as in zip and PNG.
#include "trace/file.hpp"

#include <array>
#include <cstring>

namespace strata::trace {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320 : 0);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> table = make_table();

std::uint32_t add(std::uint32_t sum, std::string_view bytes) {
  for (const char byte : bytes) sum = (sum >> 8) ^ table[(sum ^ std::uint8_t(byte)) & 0xff];
  return sum;
}

}  // namespace

std::uint32_t check_of(ChunkHeader header, std::string_view stored) {
  header.check = 0;
  char bytes[sizeof header];
  std::memcpy(bytes, &header, sizeof header);
  return ~add(add(~std::uint32_t{0}, {bytes, sizeof bytes}), stored);
}

}  // namespace strata::trace
