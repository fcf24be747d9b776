// strata config: every option of the library, its value and where that comes from.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "teach/options.hpp"
#include "teach/text.hpp"

namespace strata::tool {
namespace {

struct Options {
  pid_t process = 0;  // 0: the environment here
  bool json = false;
};

void print_json(const Options& o, const Environment& environment,
                const std::vector<std::string>& complaints) {
  nlohmann::ordered_json all = {{"process", nullptr}, {"options", nlohmann::ordered_json::array()}};
  if (o.process != 0) all["process"] = o.process;
  for (const OptionFacts& option : library_options()) {
    const Setting setting = setting_in(environment, option);
    all["options"].push_back({{"name", option.name},
                              {"variable", "STRATA_" + option.name},
                              {"value", setting.value},
                              {"from", setting.origin},
                              {"default", option.default_value},
                              {"kind", option.kind},
                              {"takes", kind_words(option.kind)},
                              {"help", option.help}});
  }
  all["complaints"] = complaints;
  fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void print_table(const Environment& environment) {
  std::size_t name_width = 0;
  std::size_t value_width = 5;
  std::size_t default_width = 7;
  for (const OptionFacts& option : library_options()) {
    name_width = std::max(name_width, option.name.size());
    value_width = std::max(value_width, shown(setting_in(environment, option).value).size());
    default_width = std::max(default_width, shown(option.default_value).size());
  }
  fmt::print("{:{}}  {:{}}  {:11}  {:{}}  {}\n", "option", name_width, "value", value_width, "from",
             "default", default_width, "takes");
  const std::size_t column = name_width + value_width + 11 + default_width + 8;
  for (const OptionFacts& option : library_options()) {
    const Setting setting = setting_in(environment, option);
    const std::size_t width = std::max<std::size_t>(page_width, column + 25);
    fmt::print("{:{}}  {:{}}  {:11}  {:{}}  {}\n", option.name, name_width, shown(setting.value),
               value_width, setting.origin, shown(option.default_value), default_width,
               wrap(kind_words(option.kind), column, width));
  }
}

int run_config(const Options& o) {
  const Environment environment = o.process == 0 ? own_environment() : environment_of(o.process);
  std::vector<std::string> complaints = strangers_in(environment);
  for (const OptionFacts& option : library_options()) {
    const Setting setting = setting_in(environment, option);
    if (!setting.complaint.empty()) complaints.push_back(setting.complaint);
  }
  if (o.process != 0 && !has_library(o.process, "libstrata.so"))
    complaints.push_back(fmt::format(
        "process {} has no libstrata.so in it; if it was not linked with libstrata.a, its options "
        "have no effect",
        o.process));
  if (o.json) {
    print_json(o, environment, complaints);
  } else {
    print_table(environment);
    fmt::print(
        "\nSet STRATA_<OPTION> in a program's environment; strata explain OPTION tells more.\n");
  }
  for (const std::string& complaint : complaints)
    fmt::print(stderr, "strata: warning: {}\n", complaint);
  return complaints.empty() ? 0 : 1;
}

}  // namespace

void register_config(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  CLI::App* const config =
      app.add_subcommand("config", "Every option of the library, its value, where that comes from");
  config->footer(R"(strata config [OPTIONS] [PID]

What a program that is started here would run with, or what a process was started
with. Names that are no option and values that are none are named on the standard
error, with what was probably meant; then the exit code is 1.

  strata config
  STRATA_DIRTY_LIMT=1MiB strata config     a name that does not exist
  strata config 1234                       what process 1234 was started with)");
  config->add_option("PID", o->process, "A process, instead of the environment here")
      ->check(CLI::PositiveNumber);
  config->add_flag("--json", o->json, "As JSON");
  config->callback([o, &context] { context.exit_code = run_config(*o); });
}

}  // namespace strata::tool
