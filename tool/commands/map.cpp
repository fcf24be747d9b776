// strata map: the heap of a running process as a picture.
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "command.hpp"
#include "observe/heap_map.hpp"
#include "observe/trouble.hpp"
#include "observe/words.hpp"
#ifdef STRATA_HAS_PROFILE
#include "profile/attached.hpp"
#include "report/page.hpp"
#endif

namespace strata::tool {
namespace {

struct Options {
  int process = 0;
  bool json = false;
  bool letters = false;
  std::string page;
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

#ifdef STRATA_HAS_PROFILE
// With the ages of sampled blocks, where the process is being profiled.
void write_map_page(const std::string& path, Process& process, Conversation& conversation,
                    const Account& account) {
  Json document = {{"title", fmt::format("{} (process {})", process.name(), process.number())}};
  document["facts"] = {process.command()};
  document["statistics"] = statistics_document(account);
  document["map"] =
      map_document(account, read_blocks(conversation, account, most_slots_with_blocks));
  AttachedProfile profile(process);
  if (profile.is_on()) {
    document["sampled"] = sampled_document(profile.take(), std::uint32_t(process.number()));
  }
  write_report(path, document);
}
#else
void write_map_page(const std::string&, Process&, Conversation&, const Account&) {
  throw Trouble("this strata was built without pages: libdw, protozero or zlib was missing");
}
#endif

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
  map->add_option("--html", o->page, "A page to zoom into, down to single blocks");
  map->callback([o, &context] {
    Process process(o->process);
    Conversation conversation(process);
    const Account account = take_account(conversation);
    context.exit_code = 0;
    if (!o->page.empty()) return write_map_page(o->page, process, conversation, account);
    const HeapMap picture_of = make_map(account, process);
    if (o->json) {
      fmt::print(
          "{}\n",
          map_document(picture_of, account).dump(-1, ' ', false, Json::error_handler_t::replace));
    } else {
      print_map(picture_of, account, o->letters);
    }
  });
}

}  // namespace strata::tool
