// strata explain: what one option does, when to change it, what it costs.
#include <fmt/core.h>

#include "command.hpp"
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

}  // namespace

void register_explain(CLI::App& app, Context&) {
  auto what = std::make_shared<std::string>();
  CLI::App* const explain =
      app.add_subcommand("explain", "What an option of the library does, and when to change it");
  explain->footer(R"(strata explain [OPTION]

Tells what the option does, when another value is better, what that costs, and an
example. Without a name, all options in a line each. Names may be written small,
and with or without STRATA_.

  strata explain dirty_limit)");
  explain->add_option("OPTION", *what, "The option, such as dirty_limit");
  explain->callback([what] {
    if (what->empty()) {
      list_options();
    } else {
      explain_option(*what);
    }
  });
}

}  // namespace strata::tool
