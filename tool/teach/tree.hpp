// The command line as plain data, read from the tree that CLI11 parses with: what --help,
// completion and the manual pages are made of. So a subcommand that is registered is in all of
// them.
//
// What a subcommand's footer means (tool/commands/*.cpp keep to it):
//   lines at its beginning that start with "strata "   how it is called
//   lines indented by two spaces                       examples, kept as they are
//   lines with columns (two spaces or more inside)     kept as they are
//   anything else                                      paragraphs
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace strata::tool {

// What may stand for a value: what completion offers.
enum class ValueKind {
  none,  // a flag
  text,  // nothing can be offered
  file,
  choice,   // one of `choices`
  program,  // a program, and what follows is its own
  process,  // the number of a process
  target,   // a process or a program
  setting,  // OPTION=VALUE of the library
  option,   // OPTION of the library
  allocator,
};

struct Argument {
  std::vector<std::string> names;  // "-o", "--output"; of a positional its one name
  bool is_positional = false;
  ValueKind kind = ValueKind::none;
  std::string value;  // what stands for it in text: FILE, N, on|off
  std::vector<std::string> choices;
  std::string meaning;
  std::string standard;  // the default, empty when there is none to tell
  std::string group;
  bool required = false;
  bool repeatable = false;
  bool value_optional = false;

  [[nodiscard]] bool takes_value() const { return kind != ValueKind::none; }
};

struct Block {
  enum class Kind { paragraph, example, columns } kind;
  std::string text;  // a paragraph is one line; those of an example are without their indent
};

struct Command {
  std::string name;  // without "strata"; of the application itself empty
  std::string summary;
  std::string group;                  // heading it stands under
  std::vector<std::string> synopsis;  // "strata record [OPTIONS] ..."
  std::vector<Block> text;
  std::vector<Argument> arguments;  // positionals among them
  bool ends_in_program = false;     // what follows its first positional is not the command's

  [[nodiscard]] std::string first_example() const;  // empty: it has none
};

// The application, or one subcommand.
Command describe(const CLI::App& app);

// All subcommands that are shown, by group and as they were registered.
std::vector<Command> describe_commands(const CLI::App& app);

}  // namespace strata::tool
