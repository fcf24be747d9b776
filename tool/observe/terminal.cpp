// The screen by ncurses. See terminal.hpp.
#include "observe/terminal.hpp"

#define NCURSES_NOMACROS
#include <ncurses.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>

#include "observe/trouble.hpp"
#include "observe/words.hpp"

namespace strata::tool {
namespace {

// Colour pairs: 1 to 256 for the colours, these for the rest.
constexpr int warning_pair = 300;

}  // namespace

Terminal::Terminal() {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    throw Trouble("this needs a terminal; `strata stat --watch` writes text");
  }
  std::setlocale(LC_ALL, "");
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
  screen_ = ::newterm(nullptr, stdout, stdin);
  if (screen_ == nullptr) {
    const char* const name = std::getenv("TERM");
    throw Trouble("the terminal \"{}\" (TERM) cannot be drawn on", name != nullptr ? name : "");
  }
  ::cbreak();
  ::noecho();
  ::nonl();
  ::keypad(stdscr, true);
  ::curs_set(0);
  ::set_escdelay(50);
  if (::has_colors()) {
    ::start_color();
    ::use_default_colors();
    colours_ = COLORS;
    for (int i = 0; i < 256 && i < colours_ && i + 1 < COLOR_PAIRS; ++i)
      ::init_pair(short(i + 1), short(i), -1);
    if (warning_pair < COLOR_PAIRS) ::init_pair(warning_pair, COLOR_RED, -1);
  }
}

Terminal::~Terminal() {
  ::endwin();
  ::delscreen(static_cast<SCREEN*>(screen_));
}

int Terminal::rows() const { return ::getmaxy(stdscr); }
int Terminal::columns() const { return ::getmaxx(stdscr); }

void Terminal::put(int row, int column, const std::string& text, Style style, int colour) {
  if (row < 0 || row >= rows() || column >= columns()) return;
  const auto room = unsigned(columns() - column);
  const std::string shown = tool::columns(text) > room ? fitted(text, room) : text;
  attr_t attributes = 0;
  short pair = 0;
  switch (style) {
    case Style::faint:
      attributes = WA_DIM;
      break;
    case Style::bold:
      attributes = WA_BOLD;
      break;
    case Style::reverse:
      attributes = WA_REVERSE;
      break;
    case Style::warning:
      attributes = WA_BOLD;
      if (warning_pair < COLOR_PAIRS) pair = warning_pair;
      break;
    case Style::part:
      if (has_colours()) pair = short((colour < colours_ ? colour : colour % 8) + 1);
      break;
    default:
      break;
  }
  ::attr_set(attributes, pair, nullptr);
  ::mvaddstr(row, column, shown.c_str());
  ::attr_set(WA_NORMAL, 0, nullptr);
}

void Terminal::clear() { ::erase(); }
void Terminal::show() { ::refresh(); }

int Terminal::key(int milliseconds) {
  ::timeout(milliseconds);
  const int got = ::getch();
  if (got == KEY_RESIZE) return resized;
  return got == ERR ? 0 : got;
}

}  // namespace strata::tool
