// Terminal: the whole screen of a terminal, by ncurses. One at a time; the screen is given back
// when it is destroyed, also by SIGINT and SIGTERM.
#pragma once

#include <string>

namespace strata::tool {

// What a text is, for its colour. Without colours all are told apart by letters.
enum class Style { plain, faint, bold, reverse, warning, part };

class Terminal {
 public:
  // Trouble when there is no terminal, or none that can be drawn on.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] int rows() const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] bool has_colours() const { return colours_ >= 8; }
  // `colour`: of Style::part, 0 to 255 (of the first 8 where there are no more).
  void put(int row, int column, const std::string& text, Style style = Style::plain,
           int colour = 0);
  void clear();
  void show();
  // The next key, after at most so many milliseconds; 0: none. A change of size is `resized`.
  int key(int milliseconds);
  static constexpr int resized = -1;

 private:
  void* screen_ = nullptr;
  int colours_ = 0;
};

}  // namespace strata::tool
