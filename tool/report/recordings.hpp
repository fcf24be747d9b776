// Reports of what was recorded: the kinds of recordings, and the page's document of them.
#pragma once

#include <string>
#include <vector>

#include "observe/documents.hpp"

namespace strata::tool {

enum class Recording {
  none,     // something else
  run,      // what `strata run --json` wrote
  trace,    // of `strata record`
  profile,  // in pprof's format
};

// By the file's first bytes.
Recording kind_of(const std::string& path);

Json document_of_run(const std::string& path);
Json document_of_profile(const std::string& path);

// One page of all that was recorded of a program. Trouble when two tell of the same.
Json document_of_all(const std::vector<Json>& documents, const std::vector<std::string>& paths);

}  // namespace strata::tool
