// Options of the library, as the command checks and passes them: from the library's own table.
#pragma once

#include <string>
#include <vector>

namespace strata::tool {

struct OptionFacts {
  std::string name;  // DIRTY_LIMIT
  std::string kind;
  std::string default_value;
  std::string help;
};

const std::vector<OptionFacts>& library_options();

// "dirty_limit", "dirty-limit", "STRATA_DIRTY_LIMIT": all mean DIRTY_LIMIT. Trouble, with the
// nearest name, when there is no such option.
const OptionFacts& find_option(const std::string& name);

// "dirty_limit=8MiB" as "STRATA_DIRTY_LIMIT=8MiB". Trouble when the name or the value is bad.
std::string environment_entry(const std::string& assignment);

// What is wrong with a variable of the environment, in words; empty when nothing is, or when it is
// no option of Strata's.
std::string complaint_about(const std::string& environment_entry);

// What values of that kind look like, in words.
std::string kind_words(const std::string& kind);

}  // namespace strata::tool
