// strata top: a process's memory, live in the terminal.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "command.hpp"
#include "observe/terminal.hpp"
#include "observe/top_screen.hpp"
#include "observe/trouble.hpp"

namespace strata::tool {
namespace {

// One allocation in so many bytes is looked at while the command looks, and for some looks longer.
constexpr std::uint64_t estimates_mean = 64 * 1024;
constexpr double shortest_interval = 0.1;
constexpr double longest_interval = 60;

class Top {
 public:
  Top(pid_t process, double interval)
      : process_(process), conversation_(process_), interval_(interval) {}

  void run() {
    look();
    Terminal terminal;
    for (;;) {
      screen_.draw(terminal, interval_);
      const int key = terminal.key(screen_.is_paused() ? -1 : left());
      if (key == 'q' || key == 27) return;
      if (key > 0) take(key);
      if (!screen_.is_paused() && left() == 0) look();
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  void look() {
    conversation_.estimate(estimates_mean, std::uint64_t(interval_ * 3000) + 5000);
    screen_.add(take_account(conversation_));
    next_ = Clock::now() +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(interval_));
  }
  // Milliseconds until the next look.
  int left() const {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(next_ - Clock::now()).count();
    return int(std::max<long>(0, rest));
  }

  void take(int key) {
    if (screen_.helps()) return screen_.leave_help();
    switch (key) {
      case 'p':
      case ' ':
        return screen_.toggle_pause();
      case 's':
        return screen_.sort_by_next();
      case 'c':
        return screen_.show_table(TopScreen::Table::classes);
      case 't':
        return screen_.show_table(TopScreen::Table::threads);
      case '+':
        interval_ = std::max(shortest_interval, interval_ / 2);
        return;
      case '-':
        interval_ = std::min(longest_interval, interval_ * 2);
        return;
      case 'h':
      case '?':
        return screen_.toggle_help();
      default:
        return;
    }
  }

  Process process_;
  Conversation conversation_;
  TopScreen screen_;
  double interval_;
  Clock::time_point next_;
};

}  // namespace

void register_top(CLI::App& app, Context& context) {
  struct Options {
    int process = 0;
    double interval = 1;
  };
  auto o = std::make_shared<Options>();
  CLI::App* top = app.add_subcommand("top", "A process's memory, live in the terminal");
  top->footer(
      R"(Keys: q quit, p pause, s sort by the next column, c classes, t threads, + and - how often,
h help. Rates of small blocks are estimates: one allocation in 64 KiB is looked at while
top runs.)");
  top->add_option("PID", o->process,
                  "The process: one that runs by `strata run`, or with STRATA_OBSERVE=on")
      ->required()
      ->check(CLI::PositiveNumber);
  top->add_option("--interval", o->interval, "Seconds between two looks (1)")
      ->check(CLI::Range(shortest_interval, longest_interval));
  top->callback([o, &context] {
    Top(pid_t(o->process), o->interval).run();
    context.exit_code = 0;
  });
}

}  // namespace strata::tool
