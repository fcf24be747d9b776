// The report: one self-contained HTML page, which draws what its document holds.
//
// The document's members, all but title and facts optional: title, facts (sentences), statistics
// (as `strata stat --json`), findings (as `strata doctor --json`), samples (as `strata run
// --json`), map, profile. What is not there is not on the page.
#pragma once

#include <string>

#include "observe/documents.hpp"
#include "profile/heap_profile.hpp"

namespace strata::tool {

// At most about 1.5 MB, whatever the document was made of.
std::string report_page(const Json& document);

// One entry a run: kind, slots, bytes of a block, shares of it that are live and resident, live
// blocks. In order of address; only what is largest when there are too many runs.
Json map_document(const Account& account);

// The call tree, with the sums of every view; branches of less than a thousandth are left out.
Json profile_document(const HeapProfile& profile, View first);

}  // namespace strata::tool
