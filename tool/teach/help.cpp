// The layout of --help.
#include "teach/help.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "teach/text.hpp"
#include "teach/tree.hpp"

namespace strata::tool {
namespace {

constexpr std::size_t column = 28;  // where meanings begin

std::string entry(const std::string& what, const std::string& meaning) {
  const std::string text = wrap(meaning, column);
  if (what.size() + 3 > column) return fmt::format("  {}\n{:{}}{}\n", what, "", column, text);
  return fmt::format("  {:{}}{}\n", what, column - 2, text);
}

std::string names_of(const Argument& argument) {
  std::string names;
  for (const std::string& name : argument.names) names += (names.empty() ? "" : ", ") + name;
  if (argument.is_positional || !argument.takes_value()) return names;
  return names + (argument.value_optional ? "[=" + argument.value + "]" : " " + argument.value);
}

// With the default, behind the first line.
std::string meaning_of(const Argument& argument) {
  if (argument.standard.empty()) return argument.meaning;
  std::string meaning = argument.meaning;
  std::size_t end = std::min(meaning.find('\n'), meaning.size());
  if (end != 0 && meaning[end - 1] == ':') --end;
  return meaning.insert(end, " (" + argument.standard + ")");
}

std::string indented(const std::string& lines) {
  std::string out = "  ";
  for (const char c : lines) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out + "\n";
}

std::string usage_of(const Command& command) {
  std::string out;
  for (const std::string& line : command.synopsis)
    out += (out.empty() ? "Usage: " : "       ") + line + "\n";
  return out;
}

std::string arguments_of(const Command& command) {
  std::vector<std::string> groups;
  for (const Argument& argument : command.arguments) {
    const std::string group = argument.is_positional ? "Arguments" : argument.group;
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
  // What every command has comes last.
  std::stable_partition(groups.begin(), groups.end(),
                        [](const std::string& group) { return group == "Arguments"; });
  std::string out;
  for (const std::string& group : groups) {
    out += fmt::format("\n{}\n", wrap(group + ":"));
    for (const Argument& argument : command.arguments) {
      if ((argument.is_positional ? "Arguments" : argument.group) != group) continue;
      out += entry(names_of(argument), meaning_of(argument));
    }
  }
  return out;
}

std::string help_of_command(const Command& command) {
  std::string out =
      fmt::format("strata {}: {}\n\n{}", command.name, command.summary, usage_of(command));
  for (const Block& block : command.text) {
    if (block.kind == Block::Kind::paragraph) out += "\n" + wrap(block.text) + "\n";
    if (block.kind == Block::Kind::columns) out += "\n" + block.text + "\n";
  }
  out += arguments_of(command);
  bool first = true;
  for (const Block& block : command.text) {
    if (block.kind != Block::Kind::example) continue;
    out += (first ? "\nExamples:\n" : "\n") + indented(block.text);
    first = false;
  }
  return out;
}

std::string help_of_all(const CLI::App& app) {
  const Command self = describe(app);
  std::string out = wrap(self.summary) + "\n\n" + usage_of(self);
  std::string group;
  std::string examples;
  for (const Command& command : describe_commands(app)) {
    const bool begins_group = command.group != group;
    if (begins_group) out += fmt::format("\n{}:\n", group = command.group);
    out += fmt::format("  {:12}{}\n", command.name, wrap(command.summary, 14));
    if (const std::string example = command.first_example(); begins_group && !example.empty())
      examples += "  " + example + "\n";
  }
  out += arguments_of(self);
  if (!examples.empty()) out += "\nExamples:\n" + examples;
  return out +
         "\nstrata COMMAND --help tells what a command does, with examples;\n"
         "strata explain OPTION what an option of the library does.\n";
}

class Layout : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    return app->get_parent() == nullptr ? help_of_all(*app) : help_of_command(describe(*app));
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<Layout>(); }

}  // namespace strata::tool
