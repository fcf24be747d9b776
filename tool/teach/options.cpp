// Options in environments.
#include "teach/options.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "observe/trouble.hpp"

namespace strata::tool {
namespace {

std::ifstream file_of(pid_t process, const char* name) {
  const std::string path = fmt::format("/proc/{}/{}", process, name);
  errno = 0;
  std::ifstream file(path);
  if (!file) {
    throw Trouble("{}", errno == EACCES ? fmt::format("process {} is another user's", process)
                                        : fmt::format("there is no process {}", process));
  }
  return file;
}

}  // namespace

Environment own_environment() {
  Environment all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    all.emplace_back(*entry);
  return all;
}

Environment environment_of(pid_t process) {
  std::ifstream file = file_of(process, "environ");
  Environment all;
  for (std::string entry; std::getline(file, entry, '\0');) all.push_back(entry);
  return all;
}

Setting setting_in(const Environment& environment, const OptionFacts& option) {
  const std::string begin = "STRATA_" + option.name + "=";
  Setting setting{option.default_value, "default", ""};
  // The library applies all in their order: of two the last counts.
  for (const std::string& entry : environment) {
    if (entry.rfind(begin, 0) != 0) continue;
    const std::string complaint = complaint_about(entry);
    if (complaint.empty()) setting = {entry.substr(begin.size()), "environment", ""};
    if (!complaint.empty()) setting.complaint = complaint;
  }
  return setting;
}

Setting setting_in_environment(const OptionFacts& option) {
  return setting_in(own_environment(), option);
}

std::vector<std::string> strangers_in(const Environment& environment) {
  std::vector<std::string> found;
  for (const std::string& entry : environment) {
    const std::string name = entry.substr(0, entry.find('='));
    bool known = false;
    for (const OptionFacts& option : library_options()) known |= name == "STRATA_" + option.name;
    if (known) continue;
    if (std::string complaint = complaint_about(entry); !complaint.empty())
      found.push_back(std::move(complaint));
  }
  return found;
}

bool has_library(pid_t process, const std::string& name) {
  std::ifstream maps = file_of(process, "maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/" + name) != std::string::npos) return true;
  }
  return false;
}

std::string shown(const std::string& value) { return value.empty() ? "nothing" : value; }

}  // namespace strata::tool
