// Drawing `strata top`. See top_screen.hpp.
#include "observe/top_screen.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "observe/documents.hpp"
#include "observe/words.hpp"

namespace strata::tool {
namespace {

constexpr size_t most_looks = 512;

// By Part; and its letter, where there are no colours.
struct PartLook {
  int colour;
  char letter;
};
constexpr PartLook part_looks[part_count] = {
    {33, 'L'},  {214, 'f'}, {178, 'c'}, {196, 'w'}, {201, 't'}, {81, 'r'},  {225, 'u'},
    {120, 'm'}, {244, 'P'}, {240, 'S'}, {130, 'O'}, {246, 'A'}, {242, 'F'}, {250, 'H'},
};

double per_second(std::uint64_t now, std::uint64_t before, double seconds) {
  return seconds > 0 && now > before ? double(now - before) / seconds : 0;
}

Rates rates_between(const Account& before, const Account& now) {
  const observe::Totals& a = before.view.totals;
  const observe::Totals& b = now.view.totals;
  const double seconds = double(b.time - std::min(a.time, b.time)) / 1000;
  Rates rates;
  rates.of_class.resize(class_count);
  for (unsigned c = 1; c < class_count; ++c) {
    rates.of_class[c] =
        seconds > 0 ? std::max(0.0, estimated(b, c) - estimated(a, c)) / seconds : 0;
    rates.blocks += rates.of_class[c];
    rates.bytes += rates.of_class[c] * double(size_of_class(c));
  }
  rates.samples = samples(b) - std::min(samples(a), samples(b));
  for (unsigned i = 0; i < large_count_steps; ++i) {
    rates.large += per_second(b.allocations.large[i], a.allocations.large[i], seconds);
  }
  rates.purged =
      per_second(b.purged_bytes + b.thinned_bytes, a.purged_bytes + a.thinned_bytes, seconds);
  rates.purges = per_second(b.purges, a.purges, seconds);
  rates.refused = per_second(b.refusals, a.refusals, seconds);
  return rates;
}

std::string size_of(double bytes) { return size_words(bytes); }

template <class Row>
struct Column {
  const char* title;
  std::function<double(const Row&)> value;
  std::function<std::string(const Row&)> text;
};

// Draws rows, the largest in column `by` first; texts of 10 letters, ranged right.
template <class Row>
void draw_table(Terminal& terminal, int row, int end, const std::string& first_title,
                std::vector<Row> rows, const std::vector<Column<Row>>& columns, unsigned by,
                const std::function<std::string(const Row&)>& first) {
  const Column<Row>& order = columns[by % columns.size()];
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& a, const Row& b) { return order.value(a) > order.value(b); });
  terminal.put(row, 0, std::string(size_t(terminal.columns()), ' '), Style::reverse);
  terminal.put(row, 0, first_title, Style::reverse);
  const int start = int(tool::columns(first(rows.empty() ? Row{} : rows[0])));
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string title =
        i == by % columns.size() ? fmt::format("{}▼", columns[i].title) : columns[i].title;
    const int at = start + int(i) * 11;
    terminal.put(row, at + 11 - int(tool::columns(title)), title, Style::reverse);
  }
  for (size_t n = 0; n < rows.size(); ++n) {
    const int at = row + 1 + int(n);
    if (at >= end) break;
    if (at + 1 == end && n + 1 < rows.size()) {
      terminal.put(at, 0, fmt::format("{} more", rows.size() - n), Style::faint);
      break;
    }
    terminal.put(at, 0, first(rows[n]));
    for (size_t i = 0; i < columns.size(); ++i) {
      terminal.put(at, start + int(i) * 11, fmt::format("{:>11}", columns[i].text(rows[n])));
    }
  }
}

}  // namespace

void TopScreen::add(Account account) {
  rates_ = account_ ? rates_between(*account_, account) : Rates{};
  resident_.push_back(double(account.resident_by_kernel));
  if (resident_.size() > most_looks) resident_.erase(resident_.begin());
  account_ = std::move(account);
}

void TopScreen::draw(Terminal& terminal, double interval) const {
  terminal.clear();
  if (terminal.rows() < 12 || terminal.columns() < 50) {
    terminal.put(0, 0, "strata top needs 50 columns and 12 lines", Style::warning);
  } else if (helps_) {
    draw_help(terminal);
  } else if (account_) {
    int row = draw_head(terminal, interval);
    row = draw_parts(terminal, row);
    row = draw_rates(terminal, row);
    const int end = terminal.rows() - 1;
    if (table_ == Table::classes) {
      draw_classes(terminal, row, end);
    } else {
      draw_threads(terminal, row, end);
    }
  }
  terminal.put(terminal.rows() - 1, 0,
               helps_ ? "any key: back   q quit"
                      : "q quit  p pause  s sort  c classes  t threads  +/- interval  h help",
               Style::bold);
  terminal.show();
}

int TopScreen::draw_head(Terminal& terminal, double interval) const {
  const Account& account = *account_;
  const std::string right = paused_ ? " paused " : fmt::format(" every {:.2g} s ", interval);
  const int room = terminal.columns() - int(right.size()) - 1;
  terminal.put(0, 0, fitted(fmt::format("{} {}", account.process, account.command), unsigned(room)),
               Style::bold);
  terminal.put(0, room + 1, right, paused_ ? Style::warning : Style::faint);
  terminal.put(
      1, 0,
      fmt::format("resident {}, kernel {}; live {}; peak {}; {} threads",
                  size_of(double(account.total())), size_of(double(account.resident_by_kernel)),
                  size_of(double(account.live_bytes())), size_of(double(account.peak_resident)),
                  account.kernel_threads));
  return 2;
}

int TopScreen::draw_parts(Terminal& terminal, int row) const {
  const Account& account = *account_;
  const double total = std::max(1.0, double(account.total()));
  // The bar: each part from where the ones before it end, so that the whole is the RSS.
  const int width = terminal.columns();
  double before = 0;
  for (unsigned i = 0; i < part_count; ++i) {
    const double after = before + double(account.parts.bytes[i]);
    const int from = int(std::lround(before / total * width));
    const int to = int(std::lround(after / total * width));
    std::string cells;
    for (int n = from; n < to; ++n) {
      cells += terminal.has_colours() ? "█" : std::string(1, part_looks[i].letter);
    }
    if (!cells.empty()) terminal.put(row, from, cells, Style::part, part_looks[i].colour);
    before = after;
  }
  ++row;
  constexpr int cell = 38;
  const int in_row = std::max(1, width / cell);
  int n = 0;
  for (unsigned i = 0; i < part_count; ++i) {
    if (account.parts.bytes[i] == 0) continue;
    const int at = n % in_row * cell;
    const auto bytes = double(account.parts.bytes[i]);
    terminal.put(row + n / in_row, at,
                 terminal.has_colours() ? "█" : std::string(1, part_looks[i].letter), Style::part,
                 part_looks[i].colour);
    terminal.put(row + n / in_row, at + 2,
                 fmt::format("{:<17} {:>10} {:>5}", name_of(Part(i)).title, size_of(bytes),
                             share_words(bytes, total)));
    ++n;
  }
  return row + (n + in_row - 1) / in_row;
}

int TopScreen::draw_rates(Terminal& terminal, int row) const {
  terminal.put(
      row, 0,
      fmt::format("a second: ~{} small blocks, ~{}; {} large; purged {} in {} calls",
                  short_count(rates_.blocks), size_of(rates_.bytes), short_count(rates_.large),
                  size_of(rates_.purged), short_count(rates_.purges)));
  const observe::Totals& totals = account_->view.totals;
  std::string errors;
  if (totals.refusals != 0) {
    errors = fmt::format("{} requests refused", count_words(totals.refusals));
    terminal.put(++row, 0, errors, Style::warning);
  }
  const double most = *std::max_element(resident_.begin(), resident_.end());
  const auto width = std::min(resident_.size(), size_t(terminal.columns() - 24));
  const std::vector<double> last(resident_.end() - long(width), resident_.end());
  terminal.put(row + 1, 0, "resident ");
  terminal.put(row + 1, 9, spark_line(last, unsigned(width), most), Style::part, 33);
  terminal.put(row + 1, 10 + int(width), fmt::format("≤ {}", size_of(most)), Style::faint);
  return row + 2;
}

void TopScreen::draw_classes(Terminal& terminal, int row, int end) const {
  struct Row {
    ClassShare share;
    double rate = 0;
  };
  std::vector<Row> rows;
  for (unsigned c = 1; c < account_->classes.size(); ++c) {
    const double rate = c < rates_.of_class.size() ? rates_.of_class[c] : 0;
    if (account_->classes[c].slabs != 0) rows.push_back({account_->classes[c], rate});
  }
  const auto free = [](const Row& r) { return double(r.share.resident - r.share.live_resident); };
  const std::vector<Column<Row>> columns = {
      {"resident", [](const Row& r) { return double(r.share.resident); },
       [](const Row& r) { return size_of(double(r.share.resident)); }},
      {"free", free, [free](const Row& r) { return size_of(free(r)); }},
      {"live", [](const Row& r) { return double(r.share.live * r.share.size); },
       [](const Row& r) { return size_of(double(r.share.live * r.share.size)); }},
      {"blocks", [](const Row& r) { return double(r.share.live); },
       [](const Row& r) { return short_count(double(r.share.live)); }},
      {"slabs", [](const Row& r) { return double(r.share.slabs); },
       [](const Row& r) { return short_count(double(r.share.slabs)); }},
      {"~taken/s", [](const Row& r) { return r.rate; },
       [](const Row& r) { return short_count(r.rate); }},
  };
  draw_table<Row>(terminal, row, end, "class", rows, columns, sorted_by_[0],
                  [](const Row& r) { return fmt::format("{:>6} B", r.share.size); });
}

void TopScreen::draw_threads(Terminal& terminal, int row, int end) const {
  using Row = ThreadShare;
  const std::vector<Column<Row>> columns = {
      {"cached", [](const Row& r) { return double(r.cached_bytes); },
       [](const Row& r) { return size_of(double(r.cached_bytes)); }},
      {"live", [](const Row& r) { return double(r.live_bytes); },
       [](const Row& r) { return size_of(double(r.live_bytes)); }},
      {"slabs", [](const Row& r) { return double(r.slabs); },
       [](const Row& r) { return short_count(double(r.slabs)); }},
      {"stack", [](const Row& r) { return double(r.stack_bytes); },
       [](const Row& r) { return size_of(double(r.stack_bytes)); }},
      {"large", [](const Row& r) { return double(r.large_blocks); },
       [](const Row& r) { return short_count(double(r.large_blocks)); }},
  };
  draw_table<Row>(
      terminal, row, end, "  thread name", account_->threads, columns, sorted_by_[1],
      [](const Row& r) { return fmt::format("{:>8} {}", r.number, fitted(r.name, 15)); });
}

void TopScreen::draw_help(Terminal& terminal) const {
  const char* const lines[] = {
      "The bar is the process's RSS: every resident page is in exactly one part.",
      "Blue: live blocks. Yellow, orange: free room in slabs. Red: waits for purge.",
      "Greys: outside Strata. Figures with ~ are estimates, from samples.",
      "",
      "q, Esc   quit",
      "p, space pause and go on",
      "s        sort by the next column (the one with the mark)",
      "c        table of size classes",
      "t        table of threads",
      "+ -      look more or less often",
      "",
      "docs/reference/statistics.md explains every figure.",
  };
  int row = 1;
  for (const char* line : lines) terminal.put(row++, 1, line);
}

}  // namespace strata::tool
