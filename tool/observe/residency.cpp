// smaps and pagemap. See residency.hpp.
#include "observe/residency.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace strata::tool {
namespace {

// Bits of a pagemap entry. `exclusive`: no other mapping has the page, and it is a real one.
constexpr std::uint64_t present_bit = std::uint64_t{1} << 63;
constexpr std::uint64_t exclusive_bit = std::uint64_t{1} << 56;

// "Rss:  12 kB" in bytes when the line begins with `field`.
bool field(const char* line, const char* name, std::uint64_t& bytes) {
  const size_t length = std::strlen(name);
  if (std::strncmp(line, name, length) != 0 || line[length] != ':') return false;
  bytes = std::strtoull(line + length + 1, nullptr, 10) * 1024;
  return true;
}

bool is_head(const std::string& line) {
  // Heads begin with a hexadecimal address, fields with a capital letter and a colon.
  const size_t word = line.find(' ');
  return word != std::string::npos && line.find('-') < word && line.find(':') > word;
}

Mapping parse_head(const std::string& line) {
  Mapping mapping;
  unsigned long start = 0;
  unsigned long end = 0;
  unsigned long offset = 0;
  int name_at = 0;
  // NOLINTNEXTLINE(cert-err34-c): the kernel's own format
  if (std::sscanf(line.c_str(), "%lx-%lx %4s %lx %*s %*s %n", &start, &end, mapping.rights, &offset,
                  &name_at) >= 4) {
    mapping.offset = offset;
    mapping.start = start;
    mapping.end = end;
    if (name_at > 0 && size_t(name_at) < line.size()) mapping.name = line.substr(size_t(name_at));
  }
  return mapping;
}

}  // namespace

size_t page_bytes() {
  static const auto bytes = size_t(::sysconf(_SC_PAGESIZE));
  return bytes;
}

std::vector<Mapping> parse_smaps(const std::string& text) {
  std::vector<Mapping> mappings;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (is_head(line)) {
      mappings.push_back(parse_head(line));
    } else if (!mappings.empty()) {
      Mapping& mapping = mappings.back();
      field(line.c_str(), "Rss", mapping.resident) ||
          field(line.c_str(), "Swap", mapping.swapped) ||
          field(line.c_str(), "AnonHugePages", mapping.huge);
    }
  }
  return mappings;
}

std::vector<Mapping> read_mappings(const Process& process) {
  return parse_smaps(process.read("smaps"));
}

PageMap::PageMap(const Process& process, std::uint64_t start, std::uint64_t bytes)
    : start_(start), page_(page_bytes()), pages_(bytes / page_bytes(), absent) {
  const int file = ::open(process.path("pagemap").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) process.refuse(errno);
  std::vector<std::uint64_t> entries(1 << 16);
  for (size_t done = 0; done < pages_.size();) {
    const size_t wanted = std::min(entries.size(), pages_.size() - done);
    const ssize_t got = ::pread(file, entries.data(), wanted * sizeof(std::uint64_t),
                                off_t((start / page_ + done) * sizeof(std::uint64_t)));
    if (got < 0) {
      const int error = errno;
      ::close(file);
      process.refuse(error);
    }
    const size_t count = size_t(got) / sizeof(std::uint64_t);
    if (count == 0) break;
    for (size_t i = 0; i < count; ++i) {
      if ((entries[i] & present_bit) == 0) continue;
      pages_[done + i] = (entries[i] & exclusive_bit) != 0 ? own : shared;
    }
    done += count;
  }
  ::close(file);
}

void PageMap::agree_with(std::uint64_t resident) {
  const auto mine = std::uint64_t(std::count(pages_.begin(), pages_.end(), own)) * page_;
  const auto others = std::uint64_t(std::count(pages_.begin(), pages_.end(), shared)) * page_;
  if (others == 0 || mine + others <= resident) return;
  weight_of_shared_ = resident > mine ? double(resident - mine) / double(others) : 0;
}

double PageMap::resident(std::uint64_t from, std::uint64_t to) const {
  std::uint64_t mine = 0;
  std::uint64_t others = 0;
  const std::uint64_t end =
      std::min((to - start_ + page_ - 1) / page_, std::uint64_t(pages_.size()));
  for (std::uint64_t i = (from - start_) / page_; i < end; ++i) {
    mine += pages_[i] == own ? 1 : 0;
    others += pages_[i] == shared ? 1 : 0;
  }
  return (double(mine) + double(others) * weight_of_shared_) * double(page_);
}

}  // namespace strata::tool
