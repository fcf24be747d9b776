// What `strata top` shows: one process's memory now, and what changed since the look before.
#pragma once

#include <optional>
#include <vector>

#include "observe/account.hpp"
#include "observe/terminal.hpp"

namespace strata::tool {

// Changes a second between two looks.
struct Rates {
  double blocks = 0;  // small ones, estimated
  double bytes = 0;   // of them
  std::uint64_t samples = 0;
  double large = 0;
  double purged = 0;  // bytes
  double purges = 0;
  double refused = 0;
  std::vector<double> of_class;
};

class TopScreen {
 public:
  // Takes the next look. The first has no rates.
  void add(Account account);
  void draw(Terminal& terminal, double interval) const;

  enum class Table { classes, threads };
  void show_table(Table table) { table_ = table; }
  void sort_by_next() { ++sorted_by_[unsigned(table_)]; }
  void toggle_pause() { paused_ = !paused_; }
  [[nodiscard]] bool is_paused() const { return paused_; }
  void toggle_help() { helps_ = !helps_; }
  void leave_help() { helps_ = false; }
  [[nodiscard]] bool helps() const { return helps_; }

 private:
  int draw_head(Terminal& terminal, double interval) const;
  int draw_parts(Terminal& terminal, int row) const;
  int draw_rates(Terminal& terminal, int row) const;
  void draw_classes(Terminal& terminal, int row, int end) const;
  void draw_threads(Terminal& terminal, int row, int end) const;
  void draw_help(Terminal& terminal) const;

  std::optional<Account> account_;
  Rates rates_;
  std::vector<double> resident_;  // of the looks so far
  Table table_ = Table::classes;
  unsigned sorted_by_[2] = {0, 0};
  bool paused_ = false;
  bool helps_ = false;
};

}  // namespace strata::tool
