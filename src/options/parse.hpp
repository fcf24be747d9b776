// Parsing of option values: numbers with units. No locale, no allocation, no overflow.
#pragma once

#include "base/units.hpp"

namespace strata::options {

struct Unit {
  const char* name;
  std::uint64_t factor;
};

constexpr bool same_text(const char* a, const char* b) noexcept {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

// A decimal number followed by one of `units` (ended by a null name; an entry "" allows a bare
// number). False when the text is something else or the result exceeds 64 bits.
constexpr bool parse_number(const char* text, const Unit* units, std::uint64_t& result) noexcept {
  if (*text < '0' || *text > '9') return false;
  std::uint64_t number = 0;
  while (*text >= '0' && *text <= '9') {
    if (__builtin_mul_overflow(number, 10U, &number)) return false;
    if (__builtin_add_overflow(number, std::uint64_t(*text - '0'), &number)) return false;
    ++text;
  }
  for (; units->name != nullptr; ++units) {
    if (same_text(text, units->name))
      return !__builtin_mul_overflow(number, units->factor, &result);
  }
  return false;
}

inline constexpr Unit byte_units[] = {
    {"", 1},      {"B", 1},        {"K", KiB},         {"KiB", KiB}, {"M", MiB},
    {"MiB", MiB}, {"G", GiB},      {"GiB", GiB},       {"T", TiB},   {"TiB", TiB},
    {"KB", 1000}, {"MB", 1000000}, {"GB", 1000000000}, {nullptr, 0}};
inline constexpr Unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"min", 60000}, {"", 1}, {nullptr, 0}};

constexpr bool parse_toggle(const char* text, bool& result) noexcept {
  constexpr const char* words[] = {"off", "on", "0", "1", "no", "yes", "false", "true"};
  for (unsigned i = 0; i < 8; ++i) {
    if (same_text(text, words[i])) {
      result = i % 2 != 0;
      return true;
    }
  }
  return false;
}

// Edit distance of two short names, at most 31 letters each: how many letters differ.
constexpr unsigned distance(const char* a, const char* b) noexcept {
  unsigned row[33] = {};
  unsigned length = 0;
  while (b[length] != 0 && length < 31) ++length;
  for (unsigned j = 0; j <= length; ++j) row[j] = j;
  for (unsigned i = 0; a[i] != 0 && i < 31; ++i) {
    unsigned diagonal = row[0];
    row[0] = i + 1;
    for (unsigned j = 0; j < length; ++j) {
      const unsigned keep = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      unsigned best = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
      row[j + 1] = keep < best ? keep : best;
    }
  }
  return row[length];
}

}  // namespace strata::options
