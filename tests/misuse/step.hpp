// A program that the player runs: steps of eight bytes, one behind the other.
//
// Steps up to `trim` are what a correct program does. Those behind it do one thing wrong each; the
// player says on the standard output what it did, and to which address, so that who knows the
// promises of a mode can tell whether it had to be found.
#ifndef STRATA_TESTS_MISUSE_STEP_HPP
#define STRATA_TESTS_MISUSE_STEP_HPP

#include <cstddef>
#include <cstdint>

enum class Act : std::uint8_t {
  allocate,
  allocate_zeroed,
  allocate_aligned,
  allocate_by_new,
  allocate_array_by_new,
  resize,
  release,
  trim,

  free_again,        // a block that is free
  free_inside,       // a pointer into a live block
  free_foreign,      // stack, global, mapped or wild memory
  resize_freed,      //
  size_of_freed,     //
  resize_inside,     //
  free_as_other,     // by another family than the one it came from
  free_as_size,      // with another size than the one that was asked for
  write_behind,      // one byte behind a live block
  write_freed,       // one byte of a free block
  read_large_freed,  // one of a block above 128 KiB
};
constexpr Act first_error = Act::free_again;
constexpr unsigned act_count = unsigned(Act::read_large_freed) + 1;
constexpr bool is_error(Act act) { return act >= first_error; }

constexpr const char* act_names[act_count] = {"malloc",
                                              "calloc",
                                              "aligned_alloc",
                                              "new",
                                              "new[]",
                                              "realloc",
                                              "free",
                                              "malloc_trim",
                                              "free again",
                                              "free inside",
                                              "free foreign",
                                              "realloc freed",
                                              "size of freed",
                                              "realloc inside",
                                              "free as other",
                                              "free as size",
                                              "write behind",
                                              "write freed",
                                              "read large freed"};

struct Step {
  Act act = Act::allocate;
  std::uint8_t by = 0;      // who does it: the main thread, or one of the others
  std::uint16_t which = 0;  // of the blocks; and what else there is to choose
  std::uint32_t size = 0;
};
static_assert(sizeof(Step) == 8);

constexpr unsigned thread_count = 3;
constexpr std::size_t largest_cleared = 128 * 1024;  // larger blocks fault when they are freed

// Mixes a state into a number that looks random.
inline std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
  x = (x ^ x >> 27) * 0x94d049bb133111ebU;
  return x ^ x >> 31;
}

// A size as programs ask for them: most are small, few are large; `random` decides.
inline std::uint32_t plausible_size(std::uint64_t random) {
  const auto rest = std::uint32_t(random >> 16);
  const unsigned kind = random % 512;
  if (kind == 0) return rest % 1500000;
  if (kind < 4) return rest % 140000;
  if (kind < 40) return rest % 20000;
  if (kind < 48) return 0;
  if (kind < 80) return (16U << rest % 12) + (rest >> 8) % 17 - 8;
  return rest % 600;
}

#endif
