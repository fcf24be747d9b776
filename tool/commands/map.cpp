// strata map: the heap of a running process as a picture.
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "command.hpp"
#include "observe/heap_map.hpp"
#include "observe/words.hpp"

namespace strata::tool {
namespace {

struct Options {
  int process = 0;
  bool json = false;
  bool letters = false;
};

void print_map(const HeapMap& map, const Account& account, bool letters) {
  winsize size = {};
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  if (!terminal || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    size.ws_col = 80;
    size.ws_row = 48;
  }
  fmt::print("{} (process {}): {} of slots, {} live in {} resident of Strata's\n", account.command,
             account.process, size_words(double(map.cells.size() * slot_size)),
             size_words(double(account.parts[Part::live])),
             size_words(double(account.parts.heap())));
  const unsigned rows = std::max(4, int(size.ws_row) - 6);
  for (const std::string& line : picture(map, size.ws_col, rows, terminal && !letters)) {
    fmt::print("{}\n", line);
  }
  for (const RunShare& block : map.huge) {
    fmt::print("{:>12x}  huge block of {}, {} resident\n", block.run.address,
               size_words(double(block.run.bytes)), size_words(double(block.resident)));
  }
}

}  // namespace

void register_map(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* map = app.add_subcommand("map", "A process's heap as a picture");
  map->footer(
      R"(Every slot of 64 KiB in order of address, two above one another in a character, coloured by
what it holds and by how much of it is live. Where there are too many for the terminal
a cell stands for several. In a pipe, letters in place of colours.)");
  map->add_option("PID", o->process,
                  "The process: one that runs by `strata run`, or with STRATA_OBSERVE=on")
      ->required()
      ->check(CLI::PositiveNumber);
  map->add_flag("--json", o->json, "Every slot as JSON, with the units of 4 KiB that are resident");
  map->add_flag("--letters", o->letters, "Letters in place of colours");
  map->callback([o, &context] {
    Process process(o->process);
    Conversation conversation(process);
    const Account account = take_account(conversation);
    const HeapMap picture_of = make_map(account, process);
    if (o->json) {
      fmt::print(
          "{}\n",
          map_document(picture_of, account).dump(-1, ' ', false, Json::error_handler_t::replace));
    } else {
      print_map(picture_of, account, o->letters);
    }
    context.exit_code = 0;
  });
}

}  // namespace strata::tool
