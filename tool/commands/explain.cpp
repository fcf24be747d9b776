// strata explain: what one option does, when to change it, what it costs; or what a report says.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "command.hpp"
#include "explain/report.hpp"
#include "observe/settings.hpp"
#include "teach/lessons.hpp"
#include "teach/options.hpp"
#include "teach/text.hpp"

namespace strata::tool {
namespace {

void paragraph(const char* title, const std::string& text) {
  fmt::print("\n{}\n  {}\n", title, wrap(text, 2));
}

void explain_option(const std::string& name) {
  const OptionFacts& option = find_option(name);
  const Setting now = setting_in_environment(option);
  fmt::print("STRATA_{}\n  {}\n\n", option.name, wrap(option.help, 2));
  fmt::print("  takes    {}\n", wrap(kind_words(option.kind), 11));
  fmt::print("  default  {}\n", shown(option.default_value));
  fmt::print("  here     {}, {}\n", shown(now.value), now.origin);
  if (!now.complaint.empty()) fmt::print("           {}\n", wrap(now.complaint, 11));
  const Lesson* const lesson = lesson_on(option.name);
  if (lesson == nullptr) return;
  paragraph("What it does", lesson->does);
  paragraph("When to change it", lesson->change);
  paragraph("What it costs", lesson->cost);
  fmt::print("\nExample: {}\n  {}\n", lesson->shows, lesson->example);
}

void list_options() {
  for (const OptionFacts& option : library_options())
    fmt::print("{:13} {}\n", option.name, wrap(option.help, 14));
  fmt::print("\nstrata explain OPTION tells more of one; strata config, what is set.\n");
}

bool is_report(const std::string& what) {
  return what == "-" || std::filesystem::is_regular_file(what);
}

void explain_file(const std::string& path, Context& context) {
  std::ifstream file;
  if (path != "-") file.open(path);
  if (path != "-" && !file) {
    fmt::print(stderr, "strata explain: cannot read {}\n", path);
    context.exit_code = 1;
    return;
  }
  explain_report(path == "-" ? std::cin : file, std::cout);
}

}  // namespace

void register_explain(CLI::App& app, Context& context) {
  auto what = std::make_shared<std::string>();
  CLI::App* const explain =
      app.add_subcommand("explain", "What an option does, or what a report of an error says");
  explain->footer(R"(strata explain [OPTION|REPORT]

Tells what the option does, when another value is better, what that costs, and an
example. Without a name, all options in a line each. Names may be written small,
and with or without STRATA_.

A file is a report that the library wrote (STRATA_LOG), "-" one that comes by the
standard input: the places in it get the names of functions and lines of source.

  strata explain dirty_limit
  STRATA_MODE=diagnose STRATA_LOG=report LD_PRELOAD=libstrata.so ./program
  strata explain report)");
  explain->add_option("OPTION", *what, "The option, such as dirty_limit; or the report's file");
  explain->callback([what, &context] {
    if (what->empty()) {
      list_options();
    } else if (is_report(*what)) {
      explain_file(*what, context);
    } else {
      explain_option(*what);
    }
  });
}

}  // namespace strata::tool
