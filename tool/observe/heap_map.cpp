// Pictures of the heap. See heap_map.hpp.
#include "observe/heap_map.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "observe/words.hpp"
#include "ranges/slot.hpp"

namespace strata::tool {
namespace {

using observe::AreaKind;
using observe::Run;
using observe::RunKind;

struct Look {
  const char* name;
  char letter;
  // Colours of 256, from little of the slot live (or resident) to all of it.
  std::array<int, 4> colours;
};
constexpr Look looks[content_count] = {
    {"metadata", 'm', {120, 120, 120, 120}},
    {"slab", 's', {222, 110, 68, 27}},
    {"large", 'L', {72, 72, 35, 29}},
    {"lent to regions", 'r', {81, 81, 81, 81}},
    {"kept by a mode", 'k', {141, 141, 141, 141}},
    {"waiting for purge", 'w', {196, 196, 196, 196}},
    {"purged", '.', {236, 236, 236, 236}},
};

Content content_of(const Run& run, std::uint64_t resident) {
  switch (run.kind) {
    case RunKind::large:
      return Content::large;
    case RunKind::lent:
      return Content::lent;
    case RunKind::kept:
      return Content::kept;
    case RunKind::free_run:
      return resident != 0 ? Content::waiting : Content::purged;
    default:
      return Content::slab;
  }
}

std::uint16_t resident_units(const PageMap& pages, std::uint64_t slot) {
  unsigned bits = 0;
  for (unsigned unit = 0; unit < carve_units_per_slot; ++unit) {
    if (pages.is_resident(slot + unit * carve_unit)) bits |= 1U << unit;
  }
  return std::uint16_t(bits);
}

// Slots of one range: those under the records, and those of runs.
void add_area(HeapMap& map, const observe::Area& area, const Account& account,
              const Process& process) {
  const PageMap pages(process, area.address, area.usable);
  const std::uint64_t end = area.address + area.usable;
  const auto add = [&](std::uint64_t address, const RunShare* run) {
    SlotCell cell;
    cell.address = address;
    cell.pages = resident_units(pages, address);
    cell.resident = count_ones(cell.pages) * carve_unit;
    // Records have addresses for every slot that there may ever be: shown is what is there.
    if (run == nullptr && cell.resident == 0) return;
    cell.run = run;
    cell.content = run == nullptr ? Content::metadata : content_of(run->run, cell.resident);
    if (run != nullptr && run->resident != 0) {
      cell.live = std::min(cell.resident, run->live * cell.resident / run->resident);
    }
    map.cells.push_back(cell);
  };
  for (std::uint64_t at = area.address; at + slot_size <= std::min(area.first, end);
       at += slot_size) {
    add(at, nullptr);
  }
  for (const RunShare& run : account.runs) {
    const std::uint64_t from = run.run.address;
    if (run.run.kind == RunKind::huge || from < area.first || from >= end) continue;
    const std::uint64_t to = std::min(end, from + std::uint64_t{run.run.slots} * slot_size);
    for (std::uint64_t at = from; at + slot_size <= to; at += slot_size) add(at, &run);
  }
}

// A cell of the picture: some neighbouring slots together.
struct Tile {
  Content content = Content::purged;
  double fill = 0;  // live, of what they hold
};

Tile tile_of(const std::vector<SlotCell>& cells, size_t from, size_t to) {
  std::array<unsigned, content_count> votes{};
  double live = 0;
  for (size_t i = from; i < to; ++i) {
    ++votes[unsigned(cells[i].content)];
    live += double(cells[i].live);
  }
  Tile tile;
  tile.content = Content(std::max_element(votes.begin(), votes.end()) - votes.begin());
  tile.fill = live / double((to - from) * slot_size);
  return tile;
}

int colour_of(const Tile& tile) {
  const auto step = std::min<size_t>(3, size_t(tile.fill * 4));
  return looks[unsigned(tile.content)].colours[step];
}

std::string kind_word(RunKind kind) {
  switch (kind) {
    case RunKind::slab:
      return "slab";
    case RunKind::slab_part:
      return "slab_part";
    case RunKind::strip:
      return "strip";
    case RunKind::large:
      return "large";
    case RunKind::lent:
      return "lent";
    case RunKind::kept:
      return "kept";
    case RunKind::free_run:
      return "free";
    case RunKind::huge:
      return "huge";
    default:
      return "in_transit";
  }
}

}  // namespace

const char* name_of(Content content) { return looks[unsigned(content)].name; }

HeapMap make_map(const Account& account, const Process& process) {
  HeapMap map;
  for (const RunShare& run : account.runs) {
    if (run.run.kind == RunKind::huge) map.huge.push_back(run);
  }
  for (const observe::Area& area : account.view.areas) {
    if (area.kind == AreaKind::slots) add_area(map, area, account, process);
  }
  return map;
}

std::vector<std::string> picture(const HeapMap& map, unsigned columns, unsigned rows,
                                 bool colours) {
  constexpr unsigned margin = 15;  // for the address
  const unsigned width = std::max(8U, columns > margin ? columns - margin : 8U) / 8 * 8;
  const size_t room = size_t{width} * std::max(1U, rows) * (colours ? 2 : 1);
  const size_t per_tile = std::max<size_t>(1, (map.cells.size() + room - 1) / room);
  std::vector<Tile> tiles;
  for (size_t i = 0; i < map.cells.size(); i += per_tile) {
    tiles.push_back(tile_of(map.cells, i, std::min(map.cells.size(), i + per_tile)));
  }
  std::vector<std::string> lines;
  const size_t in_line = size_t{width} * (colours ? 2 : 1);
  for (size_t at = 0; at < tiles.size(); at += in_line) {
    std::string line = fmt::format("{:>12x}  ", map.cells[at * per_tile].address);
    for (size_t i = at; i < std::min(tiles.size(), at + width); ++i) {
      if (!colours) {
        line += looks[unsigned(tiles[i].content)].letter;
        continue;
      }
      line += fmt::format("\x1b[38;5;{}m", colour_of(tiles[i]));
      if (i + width < tiles.size())
        line += fmt::format("\x1b[48;5;{}m", colour_of(tiles[i + width]));
      line += "▀\x1b[0m";
    }
    lines.push_back(line);
  }
  const std::string scale = fmt::format("a cell is {}", size_words(double(per_tile * slot_size)));
  std::string legend;
  for (const Look& look : looks) {
    if (!legend.empty()) legend += "  ";
    if (colours) {
      legend += fmt::format("\x1b[38;5;{}m█\x1b[0m {}", look.colours[3], look.name);
    } else {
      legend += fmt::format("{} {}", look.letter, look.name);
    }
  }
  lines.push_back(legend);
  std::string shades;
  if (colours) {
    const Look& slab = looks[unsigned(Content::slab)];
    for (unsigned i = 0; i < 4; ++i) {
      shades += fmt::format("\x1b[38;5;{}m█\x1b[0m {}%  ", slab.colours[i], (i + 1) * 25);
    }
    shades = "; slabs by how much of them is live, up to: " + shades;
  }
  lines.push_back(scale + shades);
  return lines;
}

Json map_document(const HeapMap& map, const Account& account) {
  Json document;
  document["process"] = {{"number", account.process}, {"command", account.command}};
  document["slot_bytes"] = slot_size;
  document["unit_bytes"] = carve_unit;
  Json cells = Json::array();
  const RunShare* last = nullptr;
  for (const SlotCell& cell : map.cells) {
    Json entry = {{"address", cell.address},
                  {"content", name_of(cell.content)},
                  {"resident", cell.resident},
                  {"live", cell.live},
                  {"resident_units", fmt::format("{:04x}", cell.pages)}};
    if (cell.run != nullptr) {
      const Run& run = cell.run->run;
      entry["kind"] = kind_word(run.kind);
      // Of its run, told once: at its first slot.
      if (cell.run != last) {
        if (run.kind == RunKind::slab || run.kind == RunKind::slab_part) {
          entry["class"] = size_of_class(run.size_class);
        }
        if (run.kind == RunKind::slab) {
          entry["live_blocks"] = run.live;
          entry["thread"] = run.owner != 0;
        }
        if (run.kind == RunKind::large || run.kind == RunKind::lent) entry["bytes"] = run.bytes;
        if (run.kind == RunKind::free_run) entry["idle"] = run.idle;
        entry["slots"] = run.slots;
      }
    }
    last = cell.run;
    cells.push_back(entry);
  }
  document["slots"] = cells;
  Json huge = Json::array();
  for (const RunShare& run : map.huge) {
    huge.push_back(
        {{"address", run.run.address}, {"bytes", run.run.bytes}, {"resident", run.resident}});
  }
  document["huge"] = huge;
  return document;
}

}  // namespace strata::tool
