// What is done to a block's bytes: cleared, found zero, closed by a canary. Sixteen at a time, in
// the vectors every 64-bit processor has; long runs 32 at a time where the processor can. Clearing
// long runs is the C library's.
//
// The canary stands right behind the bytes that were asked for, up to eight of them; what slack is
// left behind it stays zero. No byte of it is zero, so that the commonest overflow, a string's
// closing zero, is seen. It is one secret of the process: it finds accidents, and attackers who
// cannot read.
#pragma once

#include "base/attributes.hpp"
#include "base/units.hpp"

namespace strata::harden {

using Vector [[gnu::vector_size(16), gnu::may_alias]] = std::uint64_t;

// Above this many bytes a call is worth it.
constexpr size_t longest_inline = 512;

// Before the first long look: finds out what the processor can.
void prepare_bytes() noexcept;
STRATA_NOINLINE bool is_zero_long(const void* block, size_t bytes) noexcept;

// `bytes` is a multiple of 16 and not 0; the block is aligned to 16.
STRATA_INLINE bool is_zero(const void* block, size_t bytes) noexcept {
  if (STRATA_UNLIKELY(bytes > longest_inline)) return is_zero_long(block, bytes);
  const auto* at = static_cast<const Vector*>(block);
  const auto* const end = at + bytes / 16;
  Vector found = *at | end[-1];
  if (bytes > 32) {
    found |= at[1] | end[-2];
    // The last four are looked at in any case: it may overlap.
    for (at += 2; end - at > 4; at += 4) found |= (at[0] | at[1]) | (at[2] | at[3]);
    if (bytes > 64) found |= end[-3] | end[-4];
  }
  return (found[0] | found[1]) == 0;
}

// Of any bytes, at any address.
STRATA_INLINE bool all_zero(const void* bytes, size_t count) noexcept {
  const auto* const at = static_cast<const char*>(bytes);
  return count == 0 || (*at == 0 && __builtin_memcmp(at, at + 1, count - 1) == 0);
}

STRATA_INLINE void clear(void* block, size_t bytes) noexcept {
  auto* at = static_cast<Vector*>(block);
  if (STRATA_UNLIKELY(bytes > longest_inline)) {
    __builtin_memset(at, 0, bytes);
    return;
  }
  auto* const end = at + bytes / 16;
  constexpr Vector zero = {};
  *at = end[-1] = zero;
  if (bytes > 32) {
    at[1] = end[-2] = zero;
    for (at += 2; end - at > 4; at += 4) at[0] = at[1] = at[2] = at[3] = zero;
    if (bytes > 64) end[-3] = end[-4] = zero;
  }
}

// A secret of eight bytes. With less slack than that as many of them as there is room for.
struct Canary {
  static constexpr size_t bytes = 8;

  std::uint64_t secret = 0;

  // The block is `size` bytes with its slack, which is not 0.
  STRATA_INLINE void put(void* block, size_t size, size_t slack) const noexcept {
    const Window window(block, size, slack);
    const std::uint64_t before = window.read();
    window.write((secret << window.shift) | (before & ~(~std::uint64_t{0} << window.shift)));
  }
  // The same where what stands before the slack is zero.
  STRATA_INLINE void put_in_zero(void* block, size_t size, size_t slack) const noexcept {
    const Window window(block, size, slack);
    window.write(secret << window.shift);
  }
  [[nodiscard, gnu::always_inline]] inline bool is_whole(void* block, size_t size,
                                                         size_t slack) const noexcept {
    const Window window(block, size, slack);
    return (window.read() ^ secret << window.shift) >> window.shift == 0;
  }
  // The same, and what slack is left behind the canary reads zero still.
  [[nodiscard]] bool tail_is_whole(void* block, size_t size, size_t slack) const noexcept {
    if (!is_whole(block, size, slack)) return false;
    return slack <= bytes ||
           all_zero(static_cast<char*>(block) + (size - slack) + bytes, slack - bytes);
  }

 private:
  // The eight bytes of the block whose last ones are the canary's; `shift` bits are not.
  struct Window {
    char* at;
    unsigned shift;

    STRATA_INLINE Window(void* block, size_t size, size_t slack) noexcept {
      const size_t counted = slack < bytes ? slack : bytes;
      at = static_cast<char*>(block) + (size - slack) - bytes + counted;
      shift = unsigned(bytes - counted) * 8;
    }
    [[nodiscard, gnu::always_inline]] inline std::uint64_t read() const noexcept {
      std::uint64_t found;
      __builtin_memcpy(&found, at, sizeof found);
      return found;
    }
    STRATA_INLINE void write(std::uint64_t value) const noexcept {
      __builtin_memcpy(at, &value, sizeof value);
    }
  };
};

}  // namespace strata::harden
