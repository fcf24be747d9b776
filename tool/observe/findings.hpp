// Findings: why a process's memory is as it is, in words, each with its figure and what to do.
#pragma once

#include <string>
#include <vector>

#include "observe/account.hpp"
#include "observe/documents.hpp"
#include "observe/surroundings.hpp"

namespace strata::tool {

struct Finding {
  std::string cause;    // one word, for programs: "waiting_for_purge"
  std::uint64_t bytes;  // that it explains; 0: it is not a matter of bytes
  std::string title;    // the finding, with its figure
  std::string detail;   // what is behind it
  std::string remedy;
};

// The gravest first. Never empty: when nothing is wrong, that is the finding.
std::vector<Finding> diagnose(const Account& account, const Surroundings& around);
// Of a process whose heap cannot be asked; `why` says why.
std::vector<Finding> diagnose_from_outside(const Account& account, const Surroundings& around,
                                           const std::string& why);

Json findings_document(const std::vector<Finding>& findings);
// A numbered list for people.
std::string findings_text(const std::vector<Finding>& findings);

}  // namespace strata::tool
