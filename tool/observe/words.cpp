// Figures for people. See words.hpp.
#include "observe/words.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace strata::tool {
namespace {

constexpr const char* eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
constexpr const char* heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

}  // namespace

std::string size_words(double bytes) {
  if (bytes < 1024) return fmt::format("{:.0f} B", bytes);
  const char* const units[] = {"KiB", "MiB", "GiB", "TiB"};
  unsigned unit = 0;
  double value = bytes / 1024;
  // 1023.95 would be written as 1024.0.
  for (; value >= 1023.95 && unit < 3; ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string count_words(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string short_count(double count) {
  const char* const units[] = {"", "k", "M", "G", "T"};
  unsigned unit = 0;
  for (; count >= 999.5 && unit < 4; ++unit) count /= 1000;
  return fmt::format("{:.{}f}{}", count, unit != 0 && count < 9.95 ? 1 : 0, units[unit]);
}

std::string time_words(std::uint64_t milliseconds) {
  if (milliseconds < 1000) return fmt::format("{} ms", milliseconds);
  const std::uint64_t seconds = (milliseconds + 500) / 1000;
  if (seconds < 100) return fmt::format("{:.1f} s", double(milliseconds) / 1000);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

std::string share_words(double part, double whole) {
  if (whole <= 0) return "0%";
  const double percent = 100 * part / whole;
  return percent != 0 && percent < 0.95 ? fmt::format("{:.1f}%", percent)
                                        : fmt::format("{:.0f}%", percent);
}

std::string bar(double part, double whole, unsigned width) {
  if (whole <= 0 || part <= 0) return "";
  const auto units = unsigned(std::lround(std::min(1.0, part / whole) * width * 8));
  std::string text;
  for (unsigned i = 0; i < units / 8; ++i) text += "█";
  return text + eighths[units % 8];
}

std::string spark_line(const std::vector<double>& values, unsigned width, double most) {
  std::string text;
  for (unsigned column = 0; column < width && !values.empty(); ++column) {
    // The highest of what falls on the column: peaks must not disappear.
    const size_t from = column * values.size() / width;
    const size_t to = std::max(from + 1, (column + 1) * values.size() / width);
    const double value = *std::max_element(values.begin() + long(from), values.begin() + long(to));
    const double share = most > 0 ? value / most : 0;
    text += heights[std::min(7, int(share * 8))];
  }
  return text;
}

unsigned columns(const std::string& text) {
  unsigned count = 0;
  for (const char letter : text) count += (static_cast<unsigned char>(letter) & 0xc0U) != 0x80U;
  return count;
}

std::string fitted(const std::string& text, unsigned width) {
  std::string out;
  unsigned count = 0;
  for (const char letter : text) {
    const bool begins = (static_cast<unsigned char>(letter) & 0xc0U) != 0x80U;
    if (begins && count == width) break;
    count += begins ? 1 : 0;
    out += letter;
  }
  return out + std::string(width - std::min(width, count), ' ');
}

}  // namespace strata::tool
