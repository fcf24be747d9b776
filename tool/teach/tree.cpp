// From CLI11's tree to plain data.
#include "teach/tree.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

namespace strata::tool {
namespace {

// Headings of the commands, in the order in which they are shown. What is not named here stands
// under the last one.
struct Heading {
  const char* title;
  std::vector<std::string> commands;
};
const std::vector<Heading>& headings() {
  static const std::vector<Heading> all = {
      {"See a program's memory", {"run", "stat", "top", "map", "doctor", "profile", "report"}},
      {"Find the allocator and the options for a program",
       {"record", "trace", "replay", "compare"}},
      {"Try policies of the region heap", {"lab"}},
      {"Learn and set up", {"config", "explain", "completion"}},
      {"More", {}},
  };
  return all;
}

std::size_t heading_of(const std::string& command) {
  for (std::size_t i = 0; i < headings().size(); ++i) {
    const auto& names = headings()[i].commands;
    if (std::find(names.begin(), names.end(), command) != names.end()) return i;
  }
  return headings().size() - 1;
}

// Names whose value says more than its type.
struct Known {
  ValueKind kind;
  const char* value;
};
const std::map<std::string, Known>& known_values() {
  static const std::map<std::string, Known> all = {
      {"PROGRAM", {ValueKind::program, "PROGRAM"}},
      {"PID", {ValueKind::process, "PID"}},
      {"PID|PROGRAM", {ValueKind::target, "PID|PROGRAM"}},
      {"OPTION", {ValueKind::option, "OPTION"}},
      {"--set", {ValueKind::setting, "OPTION=VALUE"}},
      {"--with", {ValueKind::allocator, "ALLOCATOR"}},
      {"--json", {ValueKind::file, "FILE"}},
      {"--html", {ValueKind::file, "FILE"}},
      {"--output", {ValueKind::file, "FILE"}},
      {"--library", {ValueKind::file, "FILE"}},
  };
  return all;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : separator) + part;
  return all;
}

// CLI11 writes a value's type as "UINT in [1 - 9]", "TEXT:FILE" or "TEXT:{a,b}".
void describe_value(const CLI::Option& option, Argument& argument) {
  const std::string type = option.get_type_name();
  const auto contains = [&](const char* part) { return type.find(part) != std::string::npos; };
  for (const std::string& name : argument.names) {
    const auto found = known_values().find(name);
    if (found == known_values().end()) continue;
    argument.kind = found->second.kind;
    argument.value = found->second.value;
  }
  if (const std::size_t open = type.find('{'); open != std::string::npos) {
    argument.kind = ValueKind::choice;
    argument.choices = split(type.substr(open + 1, type.rfind('}') - open - 1), ',');
    argument.value = joined(argument.choices, "|");
  }
  if (argument.takes_value()) return;
  argument.kind = ValueKind::text;
  if (argument.is_positional) {
    argument.kind = contains("INT") || contains("FLOAT") ? ValueKind::text : ValueKind::file;
    argument.value = argument.names[0];
  } else if (contains("FILE") || contains("DIR") || contains("PATH")) {
    argument.kind = ValueKind::file;
    argument.value = "FILE";
  } else if (contains("SIZE")) {
    argument.value = "SIZE";
  } else if (contains("INT")) {
    argument.value = "N";
  } else if (contains("FLOAT")) {
    argument.value = "NUMBER";
  } else {
    for (const char c : option.get_single_name())
      argument.value += c == '-' ? '_' : char(std::toupper(static_cast<unsigned char>(c)));
  }
}

Argument describe(const CLI::Option& option) {
  Argument argument;
  argument.is_positional = option.get_positional() && option.get_lnames().empty();
  if (argument.is_positional) {
    argument.names.push_back(option.get_name(true));
  } else {
    for (const std::string& name : option.get_snames()) argument.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) argument.names.push_back("--" + name);
  }
  argument.meaning = option.get_description();
  argument.group = option.get_group();
  argument.required = option.get_required();
  if (option.get_items_expected_max() == 0) return argument;
  argument.value_optional = option.get_items_expected_min() == 0;
  argument.repeatable = option.get_items_expected_max() > 1 ||
                        option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  argument.standard = option.get_default_str();
  describe_value(option, argument);
  return argument;
}

bool is_columns(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  return begin != std::string::npos && line.find("  ", begin) != std::string::npos;
}

void describe_footer(const std::string& footer, Command& command) {
  const std::vector<std::string> lines = split(footer, '\n');
  std::size_t at = 0;
  for (; at < lines.size() && lines[at].rfind("strata ", 0) == 0; ++at)
    command.synopsis.push_back(lines[at]);
  bool begins = true;  // a block
  for (; at < lines.size(); ++at) {
    const std::string& line = lines[at];
    if (line.find_first_not_of(' ') == std::string::npos) {
      begins = true;
      continue;
    }
    const bool indented = line.rfind("  ", 0) == 0;
    const auto kind = indented           ? Block::Kind::example
                      : is_columns(line) ? Block::Kind::columns
                                         : Block::Kind::paragraph;
    if (begins || command.text.back().kind != kind) command.text.push_back({kind, ""});
    begins = false;
    std::string& text = command.text.back().text;
    const char* const between = kind == Block::Kind::paragraph ? " " : "\n";
    text += (text.empty() ? "" : between) + line.substr(indented ? 2 : 0);
  }
}

// How the application is called, where the footer does not tell.
std::string usual_synopsis(const Command& command) {
  std::string line = "strata " + command.name + " [OPTIONS]";
  for (const Argument& argument : command.arguments) {
    if (!argument.is_positional) continue;
    const std::string word = argument.value + (argument.repeatable ? "..." : "");
    line += argument.required ? " " + word : " [" + word + "]";
  }
  return line;
}

}  // namespace

std::string Command::first_example() const {
  for (const Block& block : text) {
    if (block.kind == Block::Kind::example) return block.text.substr(0, block.text.find('\n'));
  }
  return "";
}

Command describe(const CLI::App& app) {
  Command command;
  const bool is_root = app.get_parent() == nullptr;
  if (!is_root) command.name = app.get_name();
  command.summary = app.get_description();
  command.group = headings()[heading_of(command.name)].title;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) command.arguments.push_back(describe(*option));
  }
  command.ends_in_program = app.get_positionals_at_end();
  describe_footer(app.get_footer(), command);
  if (command.synopsis.empty()) {
    command.synopsis.push_back(is_root ? "strata COMMAND [OPTIONS] [ARGUMENTS...]"
                                       : usual_synopsis(command));
  }
  return command;
}

std::vector<Command> describe_commands(const CLI::App& app) {
  std::vector<std::pair<std::size_t, Command>> found;
  for (const CLI::App* sub : app.get_subcommands({})) {
    if (!sub->get_group().empty()) found.emplace_back(heading_of(sub->get_name()), describe(*sub));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Command> commands;
  commands.reserve(found.size());
  for (auto& [heading, command] : found) commands.push_back(std::move(command));
  return commands;
}

}  // namespace strata::tool
