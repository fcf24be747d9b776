// What a trace file is made of: a header, then chunks. docs/design/traces.md describes every byte.
//
// All numbers are little-endian and lie as in these structs. A chunk says how long it is and bears
// a sum over itself, so a file that was cut off is readable up to its last whole chunk, and damage
// is told from that.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace strata::trace {

static_assert(std::endian::native == std::endian::little, "trace files are little-endian");

struct FileHeader {
  static constexpr std::uint64_t right_magic = 0x4543415254415453;  // "STATRACE"
  static constexpr std::uint32_t right_version = 1;

  std::uint64_t magic = right_magic;
  std::uint32_t version = right_version;
  std::uint32_t size = 32;       // of this header: later versions may add to it
  std::uint64_t wall_clock = 0;  // nanoseconds since 1970 when the recording began
  std::uint32_t flags = 0;       // 1: calls' addresses are recorded
  std::uint32_t reserved = 0;
};
static_assert(sizeof(FileHeader) == 32);

enum class ChunkType : std::uint16_t {
  process = 1,      // a process begins: its number, ids, time, executable, arguments
  events = 2,       // of one thread, compressed
  process_end = 3,  // events that were lost, processor time
  end = 4,          // the recording ended as it should: how many events there are
  module = 5,       // a file that a process has mapped to run: where, and from where in it
};

struct ChunkHeader {
  static constexpr std::uint16_t right_magic = 0x4b43;  // "CK"

  std::uint16_t magic = right_magic;
  ChunkType type = ChunkType::end;
  std::uint32_t stored = 0;  // bytes that follow this header
  std::uint32_t raw = 0;     // bytes once decompressed; 0: they are not compressed
  std::uint32_t process = 0;
  std::uint32_t thread = 0;
  std::uint32_t events = 0;
  std::uint32_t check = 0;  // CRC-32 of this header with `check` zero and of what follows it
};
static_assert(sizeof(ChunkHeader) == 28);

// More than any chunk that is ever written: what says it is longer is damaged.
constexpr std::uint32_t longest_chunk = 64 << 20;

// The check of a chunk; `header.check` is left out.
std::uint32_t check_of(ChunkHeader header, std::string_view stored);

}  // namespace strata::trace
