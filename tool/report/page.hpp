// The report: one self-contained HTML page, which draws what its document holds.
//
// The document's members, all but title and facts optional: title, facts (sentences), statistics
// (as `strata stat --json`), findings (as `strata doctor --json`), samples (as `strata run --json`;
// `waiting` is optional, and with `changes` nothing differs between two points), map, sampled,
// profile, unknown (sentences: what a recording cannot tell). What is not there is not on the page.
#pragma once

#include <string>

#include "observe/documents.hpp"
#include "observe/slab_blocks.hpp"
#include "profile/heap_profile.hpp"

namespace strata::tool {

// At most about 1.5 MB, whatever the document was made of.
std::string report_page(const Json& document);
// Writes it and says so. Trouble when it cannot.
void write_report(const std::string& path, const Json& document);

// One entry a run: kind, slots, bytes of a block, shares of it that are live and resident, live
// blocks, address, units that hold no block yet as bits, which blocks are live (rows_of). In order
// of address, as far as there is room.
Json map_document(const Account& account, const SlabBlocks& blocks);
// Sampled blocks of one process: where, bytes asked for, milliseconds old, and who asked, as an
// index into `names`. As many as there is room for.
Json sampled_document(const HeapProfile& profile, std::uint32_t process);

// The call tree, with the sums of every view; branches of less than a thousandth are left out.
// `about`: where the figures come from, in a sentence; without, that they are estimates.
Json profile_document(const HeapProfile& profile, View first, const std::string& about = "");

}  // namespace strata::tool
