// HeapMap: the slots of a heap, each with what it holds and how much of it is resident, for
// pictures. A slot is 64 KiB.
#pragma once

#include <string>
#include <vector>

#include "observe/documents.hpp"

namespace strata::tool {

enum class Content : unsigned {
  metadata,
  slab,
  large,
  lent,
  kept,
  waiting,  // free, resident
  purged,   // free, given back
};
constexpr unsigned content_count = 7;
const char* name_of(Content content);

struct SlotCell {
  std::uint64_t address = 0;
  Content content = Content::purged;
  std::uint64_t resident = 0;
  std::uint64_t live = 0;         // resident bytes of live blocks, at most
  std::uint16_t pages = 0;        // 4 KiB units that are resident, as bits
  const RunShare* run = nullptr;  // null: metadata
};

struct HeapMap {
  std::vector<SlotCell> cells;  // in order of address
  std::vector<RunShare> huge;   // blocks with mappings of their own
};

// The account outlives the map.
HeapMap make_map(const Account& account, const Process& process);

// Lines of text that show the map in so many columns: a cell is one slot, or more where there are
// too many for `rows`; two cells above one another are a character. Without colours letters.
std::vector<std::string> picture(const HeapMap& map, unsigned columns, unsigned rows, bool colours);

// What `strata map --json` prints.
Json map_document(const HeapMap& map, const Account& account);

}  // namespace strata::tool
