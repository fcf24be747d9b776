// Environments for programs under Strata. See under_strata.hpp.
#include "observe/under_strata.hpp"

#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "libraries.hpp"
#include "observe/program.hpp"
#include "observe/settings.hpp"
#include "observe/trouble.hpp"

namespace strata::tool {

UnderStrata under_strata(const std::string& program, const std::string& library,
                         const std::vector<std::string>& settings) {
  UnderStrata how;
  std::string path = library.empty() ? own_file("libstrata.so") : library;
  char absolute[PATH_MAX];
  if (::realpath(path.c_str(), absolute) == nullptr) throw Trouble("there is no library {}", path);
  path = absolute;
  if (path.find_first_of(" :") != std::string::npos) {
    throw Trouble("{} cannot be preloaded: its path has a space or a colon in it", path);
  }
  how.environment.push_back("LD_PRELOAD=" + preload_of(path));
  for (const std::string& setting : settings) {
    how.environment.push_back(environment_entry(setting));
  }
  how.obstacle = examine_program(program).obstacle();
  return how;
}

}  // namespace strata::tool
