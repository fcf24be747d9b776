// The long look: whether many bytes are zero, 32 at a time where the processor can. See bytes.hpp.
#include "harden/bytes.hpp"

namespace strata::harden {
namespace {

constinit bool has_wide_vectors;

bool is_zero_by_16(const void* block, size_t bytes) noexcept {
  const auto* at = static_cast<const Vector*>(block);
  const auto* const end = at + bytes / sizeof(Vector);
  Vector found = {};
  // Eight are joined before they are added to what was found, so that the processor need not wait
  // for one after the other.
  for (; end - at >= 8; at += 8) {
    found |= (at[0] | at[1]) | (at[2] | at[3]) | ((at[4] | at[5]) | (at[6] | at[7]));
  }
  for (; at != end; ++at) found |= *at;
  return (found[0] | found[1]) == 0;
}

#if defined(__x86_64__)
using WideVector [[gnu::vector_size(32), gnu::aligned(16), gnu::may_alias]] = std::uint64_t;

[[gnu::target("avx2")]] bool is_zero_by_32(const void* block, size_t bytes) noexcept {
  const auto* at = static_cast<const WideVector*>(block);
  const auto* const end = at + bytes / sizeof(WideVector);
  WideVector found = {};
  for (; end - at >= 8; at += 8) {
    found |= (at[0] | at[1]) | (at[2] | at[3]) | ((at[4] | at[5]) | (at[6] | at[7]));
  }
  for (; at != end; ++at) found |= *at;
  // Sixteen may be left over: the last ones are looked at in any case.
  const auto* const last =
      reinterpret_cast<const Vector*>(static_cast<const char*>(block) + bytes) - 1;
  return (found[0] | found[1] | found[2] | found[3] | (*last)[0] | (*last)[1]) == 0;
}

struct Features {
  unsigned a, b, c, d;
};
Features features(unsigned leaf) noexcept {
  Features found;
  asm("cpuid" : "=a"(found.a), "=b"(found.b), "=c"(found.c), "=d"(found.d) : "a"(leaf), "c"(0));
  return found;
}

// The processor has them, and the system keeps them for each thread.
bool find_wide_vectors() noexcept {
  constexpr unsigned extended = 7;
  constexpr unsigned has_avx2 = 1U << 5;
  constexpr unsigned has_xgetbv = 1U << 27;
  constexpr unsigned both_halves = 6;
  if (features(0).a < extended || (features(1).c & has_xgetbv) == 0) return false;
  unsigned kept = 0;
  asm("xgetbv" : "=a"(kept) : "c"(0) : "edx");
  return (kept & both_halves) == both_halves && (features(extended).b & has_avx2) != 0;
}
#else
constexpr auto is_zero_by_32 = is_zero_by_16;
bool find_wide_vectors() noexcept { return false; }
#endif

}  // namespace

void prepare_bytes() noexcept { has_wide_vectors = find_wide_vectors(); }

bool is_zero_long(const void* block, size_t bytes) noexcept {
  return has_wide_vectors ? is_zero_by_32(block, bytes) : is_zero_by_16(block, bytes);
}

}  // namespace strata::harden
