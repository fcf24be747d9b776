// See report.hpp.
#include "explain/report.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <istream>
#include <map>
#include <ostream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

extern char** environ;

namespace strata::tool {
namespace {

using Names = std::map<std::string, std::vector<std::string>>;  // by address, as it was written

// What a program writes; empty when it cannot be run. No shell: a report's paths are not trusted.
std::string output_of(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int failed =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, std::size_t(got));
  }
  close(ends[0]);
  if (failed == 0) waitpid(child, nullptr, 0);
  return text;
}

// addr2line -a -f -i: for each address itself, then a function and its line, for each function that
// is inlined there.
Names names_in(const std::string& file, const std::vector<std::string>& addresses) {
  std::vector<std::string> command = {"addr2line", "-a", "-f", "-i", "-C", "-e", file};
  command.insert(command.end(), addresses.begin(), addresses.end());
  std::istringstream lines(output_of(command));
  Names names;
  std::size_t at = 0;
  std::string place;
  const std::regex is_address("0x[0-9a-f]+");
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, is_address)) {
      if (at == addresses.size()) break;
      place = addresses[at++];
      names[place].clear();
      continue;
    }
    std::string source;
    if (!std::getline(lines, source) || line == "??") continue;
    source = source.substr(0, source.find(" (discriminator"));
    names[place].push_back(source.rfind("??", 0) == 0 ? line : line.append(" at ").append(source));
  }
  return names;
}

}  // namespace

unsigned explain_report(std::istream& in, std::ostream& out) {
  const std::regex is_place(R"(strata:     (/.*)\+(0x[0-9a-f]+))");
  std::vector<std::string> lines;
  std::map<std::string, std::vector<std::string>> addresses;  // by file
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("strata:   names:", 0) == 0) continue;  // they are given here
    lines.push_back(line);
    std::smatch found;
    if (std::regex_match(line, found, is_place)) addresses[found[1]].push_back(found[2]);
  }
  std::map<std::string, Names> names;
  for (const auto& [file, wanted] : addresses) names[file] = names_in(file, wanted);
  unsigned named = 0;
  for (const std::string& line : lines) {
    std::smatch found;
    const std::vector<std::string>* known = nullptr;
    if (std::regex_match(line, found, is_place)) {
      const Names& here = names[found[1]];
      if (const auto place = here.find(found[2]); place != here.end()) known = &place->second;
    }
    if (known == nullptr || known->empty()) {
      out << line << '\n';
      continue;
    }
    ++named;
    const std::string file = std::filesystem::path(found[1].str()).filename();
    for (const std::string& name : *known) out << "strata:     " << name << " (" << file << ")\n";
  }
  return named;
}

}  // namespace strata::tool
