// Looks into executables. See program.hpp.
#include "observe/program.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <gelf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace strata::tool {
namespace {

constexpr int most_scripts = 5;

bool is_executable_file(const std::string& path) {
  struct stat facts = {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

std::string find_in_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* const variable = std::getenv("PATH");
  std::istringstream folders(variable != nullptr ? variable : "/bin:/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string path = (folder.empty() ? "." : folder) + "/" + name;
    if (is_executable_file(path)) return path;
  }
  return "";
}

// What a script's first line runs; empty when it is no script.
std::string interpreter_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  char mark[2] = {};
  if (!file.read(mark, 2) || mark[0] != '#' || mark[1] != '!') return "";
  std::getline(file, line);
  std::istringstream words(line);
  std::string interpreter;
  words >> interpreter;
  // /usr/bin/env NAME finds NAME; its options and settings are passed over.
  if (interpreter.size() >= 4 && interpreter.substr(interpreter.size() - 4) == "/env") {
    for (std::string word; words >> word;) {
      if (word[0] != '-' && word.find('=') == std::string::npos) return find_in_path(word);
    }
  }
  return interpreter;
}

bool gains_rights(const std::string& path) {
  struct stat facts = {};
  if (::stat(path.c_str(), &facts) != 0) return false;
  if ((facts.st_mode & S_ISUID) != 0 && facts.st_uid != ::getuid()) return true;
  const bool group_changes = (facts.st_mode & S_ISGID) != 0 && (facts.st_mode & S_IXGRP) != 0;
  if (group_changes && facts.st_gid != ::getgid()) return true;
  return ::getuid() != 0 && ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

// Whether it defines malloc for everybody: what a program defines itself comes before what is
// preloaded.
bool exports_malloc(Elf* elf) {
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNSYM) continue;
    Elf_Data* const data = elf_getdata(section, nullptr);
    if (data == nullptr || header.sh_entsize == 0) continue;
    for (int i = 0; i < int(header.sh_size / header.sh_entsize); ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, i, &symbol) == nullptr || symbol.st_shndx == SHN_UNDEF) continue;
      const char* const name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name != nullptr && std::string(name) == "malloc") return true;
    }
  }
  return false;
}

void examine_elf(ProgramFile& program) {
  const int file = ::open(program.executable.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  elf_version(EV_CURRENT);
  Elf* const elf = elf_begin(file, ELF_C_READ, nullptr);
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF) {
    program.is_elf = true;
    program.is_64_bit = gelf_getclass(elf) == ELFCLASS64;
    size_t headers = 0;
    elf_getphdrnum(elf, &headers);
    for (size_t i = 0; i < headers; ++i) {
      GElf_Phdr header;
      if (gelf_getphdr(elf, int(i), &header) == nullptr || header.p_type != PT_INTERP) continue;
      program.is_dynamic = true;
      std::string loader(header.p_filesz, 0);
      const ssize_t got = ::pread(file, loader.data(), loader.size(), off_t(header.p_offset));
      loader.resize(got > 0 ? size_t(got) : 0);
      program.loader = loader.c_str();
    }
    program.has_own_malloc = exports_malloc(elf);
  }
  if (elf != nullptr) elf_end(elf);
  ::close(file);
}

}  // namespace

std::string ProgramFile::obstacle() const {
  if (!is_elf) return "";  // unknown: let it try
  if (!is_dynamic) return fmt::format("{} is statically linked", executable);
  if (gains_rights) {
    return fmt::format("{} runs with more rights than you have (set-uid, set-gid or capabilities)",
                       executable);
  }
  if (!is_64_bit) return fmt::format("{} is a 32-bit program", executable);
  if (loader.find("ld-linux") == std::string::npos && loader.find("ld64") == std::string::npos) {
    return fmt::format("{} is not made for glibc (its loader is {})", executable, loader);
  }
  if (has_own_malloc) return fmt::format("{} brings its own malloc", executable);
  return "";
}

ProgramFile examine_program(const std::string& name) {
  ProgramFile program;
  program.path = find_in_path(name);
  program.found = !program.path.empty() && ::access(program.path.c_str(), F_OK) == 0;
  if (!program.found) return program;
  program.may_be_executed = is_executable_file(program.path);
  program.executable = program.path;
  for (int i = 0; i < most_scripts; ++i) {
    const std::string interpreter = interpreter_of(program.executable);
    if (interpreter.empty() || ::access(interpreter.c_str(), F_OK) != 0) break;
    program.interpreters.push_back(interpreter);
    program.executable = interpreter;
  }
  program.gains_rights = gains_rights(program.executable);
  examine_elf(program);
  return program;
}

}  // namespace strata::tool
