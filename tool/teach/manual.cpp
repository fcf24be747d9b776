// Manual pages.
#include "teach/manual.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "observe/settings.hpp"
#include "observe/trouble.hpp"
#include "teach/lessons.hpp"
#include "teach/tree.hpp"

namespace strata::tool {
namespace {

// Text as it is: backslashes, and hyphens that are to be copied, mean something to the formatter.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '`' || c == '\'') {
      out += c == '`' ? "\\(ga" : "\\(aq";
    } else {
      out += c;
    }
  }
  return out;
}

// Running text: a new sentence begins a line, and no line begins with what the formatter would
// obey.
std::string prose(const std::string& text) {
  std::string out;
  std::istringstream words(text);
  std::string line;
  const auto flush = [&] {
    if (line.empty()) return;
    if (line[0] == '.' || line[0] == '\'') line.insert(0, "\\&");
    out += line + "\n";
    line.clear();
  };
  for (std::string word; words >> word;) {
    if (line.size() + word.size() > 78) flush();
    line += (line.empty() ? "" : " ") + plain(word);
    if (word.size() > 1 && (word.back() == '.' || word.back() == '?')) flush();
  }
  flush();
  return out;
}

std::string verbatim(const std::string& text) {
  std::string out = ".Bd -literal -offset indent\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::string whole = plain(line);
    out += (!whole.empty() && (whole[0] == '.' || whole[0] == '\'') ? "\\&" : "") + whole + "\n";
  }
  return out + ".Ed\n";
}

std::string head(const std::string& title, int section, const std::string& name,
                 const std::string& summary) {
  std::string upper = title;
  for (char& c : upper) c = char(std::toupper(static_cast<unsigned char>(c)));
  std::string what = summary;
  while (!what.empty() && what.back() == '.') what.pop_back();
  return fmt::format(".Dd $Mdocdate$\n.Dt {} {}\n.Os Strata " STRATA_VERSION
                     "\n.Sh NAME\n.Nm {}\n.Nd {}\n",
                     upper, section, plain(name), plain(what));
}

std::string argument_entry(const Argument& argument) {
  std::string names;
  for (const std::string& name : argument.names) {
    if (argument.is_positional) {
      names += " Ar " + plain(name);
    } else {
      names += (names.empty() ? "" : " , ") + std::string("Fl ") + plain(name.substr(1));
    }
  }
  while (names[0] == ' ') names.erase(0, 1);
  if (!argument.is_positional && argument.takes_value()) names += " Ar " + plain(argument.value);
  std::string out = ".It " + names + "\n";
  std::string first = argument.meaning;
  std::string rest;
  if (const std::size_t end = first.find('\n'); end != std::string::npos) {
    rest = first.substr(end + 1);
    first.resize(end);
  }
  if (!first.empty() && std::isalnum(static_cast<unsigned char>(first.back())) != 0) first += '.';
  out += prose(first);
  if (!rest.empty()) out += verbatim(rest);
  if (!argument.standard.empty()) out += prose("The default is " + argument.standard + ".");
  return out;
}

std::string arguments(const Command& command) {
  std::string out;
  std::vector<std::string> groups;
  for (const Argument& argument : command.arguments) {
    const std::string group = argument.is_positional ? "" : argument.group;
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
  std::stable_partition(groups.begin(), groups.end(),
                        [](const std::string& group) { return group.empty(); });
  for (const std::string& group : groups) {
    if (!group.empty() && groups.size() > 1) out += ".Pp\n" + prose(group + ":");
    out += ".Bl -tag -width Ds\n";
    for (const Argument& argument : command.arguments) {
      if ((argument.is_positional ? "" : argument.group) == group) out += argument_entry(argument);
    }
    out += ".El\n";
  }
  return out;
}

std::string synopsis(const Command& command) {
  std::string out = ".Sh SYNOPSIS\n";
  for (std::size_t i = 0; i < command.synopsis.size(); ++i) {
    if (i != 0) out += ".br\n";
    out += plain(command.synopsis[i]) + "\n";
  }
  return out;
}

std::string see_also(const std::vector<Command>& commands, const std::string& self, int section) {
  std::vector<std::pair<int, std::string>> pages;
  if (!self.empty()) pages.emplace_back(1, "strata");
  for (const Command& command : commands) {
    if (command.name != self) pages.emplace_back(1, "strata-" + command.name);
  }
  if (section != 7) pages.emplace_back(7, "strata");
  if (section == 7) pages.emplace_back(1, "strata");
  std::sort(pages.begin(), pages.end());
  pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
  std::string out = ".Sh SEE ALSO\n";
  for (std::size_t i = 0; i < pages.size(); ++i) {
    out += fmt::format(".Xr {} {}{}\n", pages[i].second, pages[i].first,
                       i + 1 < pages.size() ? " ," : "");
  }
  return out;
}

std::string page_of(const Command& command, const std::vector<Command>& all) {
  std::string out = head("strata-" + command.name, 1, "strata-" + command.name, command.summary);
  out += synopsis(command) + ".Sh DESCRIPTION\n" + prose(command.summary + ".");
  std::string examples;
  for (const Block& block : command.text) {
    switch (block.kind) {
      case Block::Kind::paragraph:
        out += ".Pp\n" + prose(block.text);
        break;
      case Block::Kind::columns:
        out += verbatim(block.text);
        break;
      case Block::Kind::example:
        examples += verbatim(block.text);
        break;
    }
  }
  out += arguments(command);
  if (!examples.empty()) out += ".Sh EXAMPLES\n" + examples;
  return out + see_also(all, command.name, 1);
}

std::string page_of_all(const CLI::App& app, const std::vector<Command>& all) {
  const Command self = describe(app);
  std::string out = head("strata", 1, "strata", self.summary);
  out += synopsis(self) + ".Sh DESCRIPTION\n" + prose(self.summary);
  std::string group;
  std::string examples;
  for (const Command& command : all) {
    if (command.group != group) {
      if (!group.empty()) out += ".El\n";
      out += ".Ss " + plain(group = command.group) + "\n.Bl -tag -width completion\n";
    }
    out += ".It Cm " + command.name + "\n" + prose(command.summary + ".");
    if (const std::string example = command.first_example(); !example.empty())
      examples += (examples.empty() ? "" : "\n") + example;
  }
  if (!group.empty()) out += ".El\n";
  out += ".Ss Options\n" + arguments(self);
  out += ".Sh EXIT STATUS\n" +
         prose(
             "0 when all went well, 1 when something did not and was said on the standard error, "
             "another number when the command line could not be understood. Commands that run a "
             "program end with the program's own exit status.");
  out += ".Sh EXAMPLES\n" + verbatim(examples);
  return out + see_also(all, "", 1);
}

std::string page_of_options(const std::vector<Command>& all) {
  std::string out = head("strata", 7, "strata", "options of the memory allocator");
  out += ".Sh DESCRIPTION\n" +
         prose(
             "Options are environment variables, read once when the program starts. A name that "
             "does not exist or a value that is none is answered by a line on the standard error, "
             "and changes nothing. Programs that run with more rights than their user obey "
             "STRATA_MODE alone.") +
         ".Sh OPTIONS\n";
  for (const OptionFacts& option : library_options()) {
    out += ".Ss STRATA_" + plain(option.name) + "\n" + prose(option.help) +
           ".Bl -tag -width default -compact\n.It takes\n" + prose(kind_words(option.kind)) +
           ".It default\n" +
           prose(option.default_value.empty() ? "nothing" : option.default_value) + ".El\n";
    const Lesson* const lesson = lesson_on(option.name);
    if (lesson == nullptr) continue;
    for (const char* text : {lesson->does, lesson->change}) out += ".Pp\n" + prose(text);
    out += ".Pp\n" + prose(std::string("What it costs: ") + lesson->cost);
    out += ".Pp\n" + prose(std::string("Example (") + lesson->shows + "):") +
           verbatim(lesson->example);
  }
  return out + see_also(all, "", 7);
}

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw Trouble("cannot write {}", path.string());
}

}  // namespace

void write_manual(const CLI::App& app, const std::string& folder) {
  const std::filesystem::path root = folder;
  std::filesystem::create_directories(root / "man1");
  std::filesystem::create_directories(root / "man7");
  const std::vector<Command> all = describe_commands(app);
  write(root / "man1/strata.1", page_of_all(app, all));
  for (const Command& command : all)
    write(root / ("man1/strata-" + command.name + ".1"), page_of(command, all));
  write(root / "man7/strata.7", page_of_options(all));
}

}  // namespace strata::tool
