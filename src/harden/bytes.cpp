// The long look: whether many bytes are zero, 32 at a time where the processor can. See bytes.hpp.
#include "harden/bytes.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

// The processor has them, and the system keeps them for each thread.
bool find_wide_vectors() noexcept {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return false;
  unsigned kept = 0;
  asm("xgetbv" : "=a"(kept) : "c"(0) : "edx");
  constexpr unsigned low_and_high_halves = 6;
  if ((kept & low_and_high_halves) != low_and_high_halves) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_AVX2) != 0;
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
