// Symbols through libdw. See symbols.hpp.
#include "profile/symbols.hpp"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

#include <cstdlib>

namespace strata::tool {
namespace {

// Where libdw is told that the file lies; anything but 0 will do.
constexpr GElf_Addr base = 0x10000000;

std::string demangled(const char* name) {
  if (name == nullptr) return {};
  int status = 0;
  char* const words = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  if (words == nullptr) return name;
  std::string result = words;
  std::free(words);
  return result;
}

// Where the function was declared: what entries of its code and of its inlined copies refer to.
Dwarf_Die declaration_of(Dwarf_Die entry) {
  for (const unsigned kind : {unsigned(DW_AT_abstract_origin), unsigned(DW_AT_specification)}) {
    Dwarf_Attribute attribute;
    Dwarf_Die other;
    if (dwarf_attr(&entry, kind, &attribute) != nullptr &&
        dwarf_formref_die(&attribute, &other) != nullptr) {
      entry = other;
    }
  }
  return entry;
}

// "space::Class::" of what an entry stands in.
std::string surroundings_of(Dwarf_Die entry) {
  Dwarf_Die declaration = declaration_of(entry);
  Dwarf_Die* scopes = nullptr;
  const int count = dwarf_getscopes_die(&declaration, &scopes);
  std::string names;
  for (int i = 1; i < count; ++i) {
    const int tag = dwarf_tag(&scopes[i]);
    const bool is_class = tag == DW_TAG_class_type || tag == DW_TAG_structure_type;
    if (!is_class && tag != DW_TAG_namespace && tag != DW_TAG_subprogram) continue;
    const char* const name = dwarf_diename(&scopes[i]);
    const char* const nameless = is_class ? "{lambda}" : "(anonymous namespace)";
    names.insert(0, std::string(name != nullptr ? name : nameless) + "::");
  }
  std::free(scopes);
  return names;
}

// The name of a function's entry, which may stand in another entry that it refers to.
std::string name_of(Dwarf_Die* entry) {
  Dwarf_Attribute attribute;
  for (const unsigned kind : {unsigned(DW_AT_linkage_name), unsigned(DW_AT_MIPS_linkage_name)}) {
    if (dwarf_attr_integrate(entry, kind, &attribute) != nullptr) {
      return demangled(dwarf_formstring(&attribute));
    }
  }
  const char* const name = dwarf_diename(entry);
  return name != nullptr ? surroundings_of(*entry) + name : "";
}

bool is_function(Dwarf_Die* entry) {
  const int tag = dwarf_tag(entry);
  return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

std::string call_file(Dwarf_Die* unit, Dwarf_Die* entry) {
  Dwarf_Attribute attribute;
  Dwarf_Word number = 0;
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  if (dwarf_formudata(dwarf_attr(entry, DW_AT_call_file, &attribute), &number) != 0) return {};
  if (dwarf_getsrcfiles(unit, &files, &count) != 0 || number >= count) return {};
  const char* const name = dwarf_filesrc(files, number, nullptr, nullptr);
  return name != nullptr ? name : "";
}

int call_line(Dwarf_Die* entry) {
  Dwarf_Attribute attribute;
  Dwarf_Word line = 0;
  if (dwarf_formudata(dwarf_attr(entry, DW_AT_call_line, &attribute), &line) != 0) return 0;
  return int(line);
}

}  // namespace

struct Symbols::OpenFile {
  Dwfl_Callbacks callbacks = {};
  Dwfl* session = nullptr;
  Dwfl_Module* module = nullptr;
  GElf_Addr shift = 0;  // from addresses of the file to the session's

  explicit OpenFile(const std::string& path) {
    if (::access(path.c_str(), R_OK) != 0) return;
    callbacks.find_elf = dwfl_build_id_find_elf;
    callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
    callbacks.section_address = dwfl_offline_section_address;
    session = dwfl_begin(&callbacks);
    if (session == nullptr) return;
    dwfl_report_begin(session);
    module = dwfl_report_elf(session, path.c_str(), path.c_str(), -1, base, false);
    dwfl_report_end(session, nullptr, nullptr);
    if (module != nullptr && dwfl_module_getelf(module, &shift) == nullptr) module = nullptr;
  }
  ~OpenFile() {
    if (session != nullptr) dwfl_end(session);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // By debug information; empty when there is none for the address.
  std::vector<SourcePlace> by_scopes(GElf_Addr address) const {
    std::vector<SourcePlace> places;
    Dwarf_Addr unit_shift = 0;
    Dwarf_Die* const unit = dwfl_module_addrdie(module, address, &unit_shift);
    if (unit == nullptr) return places;
    // Of an inlined function the first call tells where it was written; the second, where it is.
    Dwarf_Die* innermost = nullptr;
    if (dwarf_getscopes(unit, address - unit_shift, &innermost) <= 0) return places;
    Dwarf_Die* scopes = nullptr;
    const int count = dwarf_getscopes_die(innermost, &scopes);
    std::free(innermost);
    SourcePlace place;
    if (Dwfl_Line* const line = dwfl_module_getsrc(module, address); line != nullptr) {
      const char* const file = dwfl_lineinfo(line, nullptr, &place.line, nullptr, nullptr, nullptr);
      if (file != nullptr) place.file = file;
    }
    for (int i = 0; i < count; ++i) {
      if (!is_function(&scopes[i])) continue;
      place.function = name_of(&scopes[i]);
      places.push_back(place);
      if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram) break;
      place.file = call_file(unit, &scopes[i]);
      place.line = call_line(&scopes[i]);
    }
    std::free(scopes);
    return places;
  }
  [[nodiscard]] std::string by_symbols(GElf_Addr address) const {
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char* const name =
        dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
    // The nearest symbol before it may be another function's.
    if (name == nullptr || (symbol.st_size != 0 && offset >= symbol.st_size)) return {};
    return demangled(name);
  }
};

Symbols::Symbols() = default;
Symbols::~Symbols() = default;

Symbols::OpenFile& Symbols::open(const std::string& path) {
  std::unique_ptr<OpenFile>& file = files_[path];
  if (file == nullptr) file = std::make_unique<OpenFile>(path);
  return *file;
}

std::uint64_t Symbols::address_of(const std::string& path, std::uint64_t offset) {
  const OpenFile& file = open(path);
  GElf_Addr shift = 0;
  Elf* const elf = file.module != nullptr ? dwfl_module_getelf(file.module, &shift) : nullptr;
  size_t count = 0;
  if (elf == nullptr || elf_getphdrnum(elf, &count) != 0) return offset;
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr part;
    if (gelf_getphdr(elf, int(i), &part) == nullptr || part.p_type != PT_LOAD) continue;
    if (offset >= part.p_offset && offset < part.p_offset + part.p_filesz) {
      return offset - part.p_offset + part.p_vaddr;
    }
  }
  return offset;
}

std::vector<SourcePlace> Symbols::at(const std::string& path, std::uint64_t address) {
  OpenFile& file = open(path);
  if (file.module == nullptr) return {};
  const GElf_Addr there = address + file.shift;
  std::vector<SourcePlace> places = file.by_scopes(there);
  if (places.empty()) {
    SourcePlace place;
    place.function = file.by_symbols(there);
    if (!place.function.empty()) places.push_back(place);
  } else {
    // The function proper has a symbol, which is the better name.
    const std::string name = file.by_symbols(there);
    if (!name.empty()) places.back().function = name;
  }
  return places;
}

}  // namespace strata::tool
