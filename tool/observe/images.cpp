// Finds variables by the program headers of what is mapped. See images.hpp.
#include "observe/images.hpp"

#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace strata::tool {
namespace {

// From the first loaded address to the end of the last segment in memory; 0 when it is no image.
struct Extent {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};

Extent extent_of(const std::string& path) {
  Extent extent;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return extent;
  elf_version(EV_CURRENT);
  Elf* const elf = elf_begin(file, ELF_C_READ, nullptr);
  size_t headers = 0;
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF) elf_getphdrnum(elf, &headers);
  bool any = false;
  for (size_t i = 0; i < headers; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, int(i), &header) == nullptr || header.p_type != PT_LOAD) continue;
    if (!any) extent.first = header.p_vaddr / page_bytes() * page_bytes();
    any = true;
    extent.end = std::max<std::uint64_t>(extent.end, header.p_vaddr + header.p_memsz);
  }
  if (elf != nullptr) elf_end(elf);
  ::close(file);
  return extent;
}

struct Image {
  std::uint64_t start = 0;  // of the mapping of its first bytes
  std::uint64_t end = 0;    // of the last mapping of the file
};

}  // namespace

std::vector<Variables> find_variables(const Process& process,
                                      const std::vector<Mapping>& mappings) {
  std::map<std::string, Image> images;
  for (const Mapping& mapping : mappings) {
    if (mapping.name.empty() || mapping.name[0] != '/') continue;
    Image& image = images[mapping.name];
    if (mapping.offset == 0 && image.start == 0) image.start = mapping.start;
    image.end = mapping.end;
  }
  std::vector<Variables> all;
  for (const auto& [name, image] : images) {
    if (image.start == 0) continue;
    const Extent extent = extent_of(process.path("root") + name);
    const std::uint64_t page = page_bytes();
    const std::uint64_t end = (image.start + (extent.end - extent.first) + page - 1) / page * page;
    if (extent.end != 0 && end > image.end) all.push_back({image.end, end, name});
  }
  std::sort(all.begin(), all.end(),
            [](const Variables& a, const Variables& b) { return a.start < b.start; });
  return all;
}

}  // namespace strata::tool
