// What the kernel keeps resident for a process: mappings (smaps) and single pages (pagemap).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "observe/process.hpp"

namespace strata::tool {

struct Mapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  char rights[5] = {};       // "rw-p"
  std::uint64_t offset = 0;  // in its file
  std::string name;          // path, [heap], [stack], or nothing
  std::uint64_t resident = 0;
  std::uint64_t swapped = 0;
  std::uint64_t huge = 0;  // of it in transparent huge pages

  [[nodiscard]] bool is_usable() const { return rights[0] != '-' || rights[1] != '-'; }
  [[nodiscard]] bool is_executable() const { return rights[2] == 'x'; }
};

// All mappings in order of address. The sum of `resident` is the process's RSS.
std::vector<Mapping> read_mappings(const Process& process);
std::vector<Mapping> parse_smaps(const std::string& text);

size_t page_bytes();

// How much of each page of [start, start + bytes) is resident: 0, 1, or a share of 1 where the
// kernel counts fewer pages than are mapped. (A page that was read before it was written stands for
// the common page of zeros: mapped, but not resident.)
class PageMap {
 public:
  PageMap(const Process& process, std::uint64_t start, std::uint64_t bytes);

  // `resident` is what the kernel counts for all of it.
  void agree_with(std::uint64_t resident);
  // Resident bytes of [from, to), which lies within.
  [[nodiscard]] double resident(std::uint64_t from, std::uint64_t to) const;
  [[nodiscard]] double resident() const { return resident(start_, start_ + pages_.size() * page_); }
  [[nodiscard]] bool is_resident(std::uint64_t address) const {
    return pages_[(address - start_) / page_] != absent;
  }

 private:
  enum Page : std::uint8_t { absent, shared, own };

  std::uint64_t start_;
  std::uint64_t page_;
  double weight_of_shared_ = 1;
  std::vector<Page> pages_;
};

}  // namespace strata::tool
