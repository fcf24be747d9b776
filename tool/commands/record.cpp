// strata record: a program's allocations as a trace.
#include <fmt/core.h>

#include <filesystem>

#include "command.hpp"
#include "libraries.hpp"
#include "observe/words.hpp"
#include "record/session.hpp"
#include "replay/allocators.hpp"
#include "trace/reader.hpp"

namespace strata::tool {
namespace {

// A file that is no trace is not overwritten: it was meant for something else.
void check_output(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored) &&
      std::filesystem::file_size(path, ignored) != 0 && !trace::TraceFile::is_one(path)) {
    throw std::runtime_error(path + " exists and is no trace; name another file with -o");
  }
}

void tell(const record::SessionOptions& options, const record::SessionResult& result) {
  if (!result.failure.empty()) {
    fmt::print(stderr, "strata: error: the trace is not whole: {}\n", result.failure);
  }
  if (result.events == 0) {
    fmt::print(stderr,
               "strata: error: nothing was recorded: {} is static or set-uid, brings its own "
               "malloc,\nor did not start\n",
               options.command[0]);
    return;
  }
  fmt::print(stderr,
             "strata: recorded {} events of {} process{} in {:.2f} s: {}, {} ({:.1f} bytes "
             "an event)\n",
             result.events, result.processes, result.processes == 1 ? "" : "es", result.seconds,
             options.trace, size_words(double(result.bytes)),
             double(result.bytes) / double(result.events));
  if (result.lost != 0) fmt::print(stderr, "strata: {} events were lost\n", result.lost);
  if (result.processes_lost != 0) {
    fmt::print(stderr, "strata: {} processes could not be recorded\n", result.processes_lost);
  }
}

int run_record(const record::SessionOptions& options, bool quiet) {
  check_output(options.trace);
  const record::SessionResult result = record::record(options);
  if (!quiet || !result.failure.empty() || result.events == 0) tell(options, result);
  if (result.exit_code != 0) return result.exit_code;
  return result.failure.empty() && result.events != 0 ? 0 : 1;
}

}  // namespace

void register_record(CLI::App& app, Context& context) {
  auto options = std::make_shared<record::SessionOptions>();
  auto allocator = std::make_shared<std::string>("strata");
  auto quiet = std::make_shared<bool>(false);
  options->trace = "strata.trace";

  CLI::App* const record = app.add_subcommand("record", "Write down every allocation of a program");
  record->footer(R"(strata record [OPTIONS] [--] PROGRAM [ARGUMENTS...]

Runs PROGRAM as it would run, and writes each malloc, free, realloc and their kin,
of every thread and of every program that it starts, into a file of one to
three bytes an event. Exit code and signals are the program's.

  strata record -- python3 job.py             writes strata.trace
  strata record -o gcc.trace -- g++ -c x.cpp  the compiler proper is in it too
  strata record --with system -- ./server     under the system's malloc
  strata replay strata.trace                  which allocator serves it best?
  strata trace strata.trace                   what is in it)");
  record->add_option("-o,--output", options->trace, "The trace")->capture_default_str();
  record
      ->add_option("--with", *allocator,
                   "Allocator to run it under: a name (strata, system, jemalloc, ...) or a library")
      ->capture_default_str();
  record->add_flag("--sites", options->sites,
                   "Also write down where each allocation was called from (a byte or two more)");
  record->add_flag("--first-only", options->first_only,
                   "Leave out the programs that PROGRAM starts");
  record->add_flag("-q,--quiet", *quiet, "Say nothing when it went well");
  record->add_option("PROGRAM", options->command, "The program and its arguments")->required();
  record->positionals_at_end();  // what follows the program's name is its own
  record->callback([=, &context] {
    options->allocator = replay::find_allocator(*allocator).library;
    context.exit_code = run_record(*options, *quiet);
  });
}

}  // namespace strata::tool
