// A program before it is started: what file it is, and whether a preloaded library will reach it.
#pragma once

#include <string>
#include <vector>

namespace strata::tool {

struct ProgramFile {
  std::string path;                       // what is executed
  std::string executable;                 // the ELF file behind scripts, the same for others
  std::vector<std::string> interpreters;  // of scripts, outermost first
  bool found = false;
  bool may_be_executed = false;
  bool is_elf = false;
  bool is_64_bit = false;
  bool is_dynamic = false;
  std::string loader;         // its dynamic loader
  bool gains_rights = false;  // set-uid, set-gid or file capabilities that the user has not
  bool has_own_malloc = false;

  // Why Strata cannot serve it, in words; empty when it can.
  [[nodiscard]] std::string obstacle() const;
};

// Finds it as a shell would (PATH) and follows scripts to their interpreters.
ProgramFile examine_program(const std::string& name);

}  // namespace strata::tool
