// Completion on the command line.
//
// The shells' own part is a few lines (completion_script) that hand the words typed so far to
// `strata __complete`; what may follow is worked out here from the same tree that parses. So it
// never goes stale, also not after an update, and is the same in every shell. A press of the key
// costs one start of the command, some milliseconds.
//
// What `__complete` prints: a line for each candidate, its text and, behind a tab, its meaning;
// then a line that tells the shell what else to offer:
//   :none        nothing
//   :files       names of files
//   :commands    names of programs, and files
//   :after N     word N (0 is "strata") begins another command line: complete that
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace strata::tool {

// `words`: what stands behind "strata", the last one being typed and perhaps empty.
std::string complete(const CLI::App& app, const std::vector<std::string>& words);

// For "bash", "zsh" or "fish", to be sourced or installed.
std::string completion_script(const std::string& shell);

}  // namespace strata::tool
