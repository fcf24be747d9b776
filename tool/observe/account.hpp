// Account: where a process's resident memory is, so that the parts add up to what the kernel
// counts. The heap says what each of its pages is for, the kernel which of them are resident; every
// resident page of the process is in exactly one part. docs/reference/statistics.md explains each.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "observe/conversation.hpp"
#include "observe/residency.hpp"

namespace strata::tool {

enum class Part : unsigned {
  live,
  free_in_slabs,
  cached_in_threads,
  waiting_for_purge,
  huge_tail,
  lent,
  untouched,
  metadata,
  program,
  stacks,
  other_malloc,
  other_mappings,
  file_pages,
  shared_memory,
};
constexpr unsigned part_count = 14;
// Parts from here on are outside Strata.
constexpr Part first_outside = Part::program;

struct PartName {
  const char* name;     // in JSON
  const char* title;    // for people
  const char* meaning;  // in one line
};
const PartName& name_of(Part part);

struct Parts {
  std::array<std::uint64_t, part_count> bytes{};

  std::uint64_t& operator[](Part part) { return bytes[unsigned(part)]; }
  std::uint64_t operator[](Part part) const { return bytes[unsigned(part)]; }
  [[nodiscard]] std::uint64_t total() const;
  // Of the parts that are Strata's.
  [[nodiscard]] std::uint64_t heap() const;
};

// A run of slots or a huge block, with what is resident of it.
struct RunShare {
  observe::Run run;
  std::uint64_t resident = 0;
  std::uint64_t live = 0;  // resident bytes of live blocks, at most
  std::uint64_t free = 0;  // slab: resident and not live, but for pages that were never used
};

struct ClassShare {
  std::uint64_t size = 0;
  std::uint64_t slabs = 0;
  std::uint64_t owned_slabs = 0;  // by threads
  std::uint64_t live = 0;         // blocks
  std::uint64_t room = 0;         // blocks that the slabs could hold
  std::uint64_t resident = 0;
  std::uint64_t live_resident = 0;
};

struct ThreadShare {
  std::uint64_t key = 0;
  std::uint32_t number = 0;
  std::string name;
  std::uint64_t slabs = 0;
  std::uint64_t live_bytes = 0;    // of blocks in its slabs
  std::uint64_t cached_bytes = 0;  // resident in its slabs and free
  std::uint64_t stack_bytes = 0;   // resident
  std::uint64_t large_blocks = 0;  // that it was ever given, huge ones too
};

// A mapping that is not Strata's.
struct OutsideMapping {
  Part part;
  std::string label;  // its name, or whose it is
  std::uint64_t start = 0;
  std::uint64_t bytes = 0;
  std::uint64_t resident = 0;
};

struct Account {
  // The process.
  pid_t process = 0;
  std::string command;
  std::string release;                   // of the library
  std::uint64_t age = 0;                 // milliseconds that it has been observed
  std::uint64_t time = 0;                // the process's clock, in milliseconds
  std::uint64_t resident_by_kernel = 0;  // while the parts were looked at
  std::uint64_t peak_resident = 0;
  std::uint64_t swapped = 0;
  std::uint64_t huge_pages = 0;  // bytes of Strata's that lie in them
  unsigned kernel_threads = 0;

  Parts parts;
  HeapView view;
  std::vector<RunShare> runs;  // in order of address within a range; huge blocks first
  std::vector<ClassShare> classes;
  std::vector<ThreadShare> threads;
  std::vector<OutsideMapping> outside;  // what is resident in them, most first

  [[nodiscard]] std::uint64_t total() const { return parts.total(); }
  [[nodiscard]] std::uint64_t live_bytes() const {
    const observe::Totals& totals = view.totals;
    return totals.small_live_bytes + totals.large_bytes + totals.huge_bytes + totals.lent_bytes;
  }
};

// Asks the heap and the kernel and joins their answers. A process that changes fast is looked at
// again, up to `most_looks` times within a second, until both agree within half a hundredth; the
// look at which they agreed best is what comes back.
Account take_account(Conversation& conversation, unsigned most_looks = 16);
// Of a process whose heap cannot be asked: the parts outside Strata alone, which are all there are.
Account take_account_from_outside(const Process& process);

}  // namespace strata::tool
