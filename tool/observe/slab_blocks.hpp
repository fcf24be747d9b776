// SlabBlocks: which single blocks of slabs are live, for the map's closest view.
#pragma once

#include <map>
#include <string>

#include "observe/account.hpp"

namespace strata::tool {

// By the slot's address.
using SlabBlocks = std::map<std::uint64_t, observe::SlotBlocks>;

// More than a page has room for.
constexpr size_t most_slots_with_blocks = 4096;

// Of the first `most` slots of slabs in the account that are neither full nor empty. The program
// goes on between the answers: a slab may hold others than the account says.
SlabBlocks read_blocks(Conversation& conversation, const Account& account, size_t most);

// Which of a slot's blocks are live, as lengths of rows, in base 36 and divided by points: so many
// free ones, so many live ones, so many free ones ...
std::string rows_of(const observe::SlotBlocks& blocks, unsigned capacity);

}  // namespace strata::tool
