// What an address is, for messages: found by reading /proc/self/maps, and the program headers of
// the module around it, because a module's zeroed variables stand in a mapping without its name.
//
// Cold, and careful: no allocation, no libc beyond what a signal handler may call, 4 KiB of stack.
#include <elf.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "platform/linux/linux_platform.hpp"
#include "platform/linux/raw_syscall.hpp"

namespace strata {
namespace {

// Reads a file line by line; lines beyond the buffer's length lose their end.
class Lines {
 public:
  explicit Lines(const char* path) noexcept
      : file_(int(raw::call(SYS_openat, AT_FDCWD, long(path), O_RDONLY | O_CLOEXEC))) {}
  ~Lines() {
    if (file_ >= 0) raw::call(SYS_close, file_);
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  // The next line, without its newline, or nullptr.
  char* next() noexcept {
    size_t length = 0;
    for (;;) {
      if (at_ == filled_ && !fill()) break;
      const char c = buffer_[at_++];
      if (c == '\n') {
        line_[length] = 0;
        return line_;
      }
      if (length + 1 < sizeof line_) line_[length++] = c;
    }
    return nullptr;
  }

 private:
  bool fill() noexcept {
    if (file_ < 0) return false;
    const long got = raw::call(SYS_read, file_, long(buffer_), sizeof buffer_);
    at_ = 0;
    filled_ = got > 0 ? size_t(got) : 0;
    return got > 0;
  }

  int file_;
  size_t at_ = 0;
  size_t filled_ = 0;
  char line_[512] = {};
  char buffer_[1024] = {};
};

Address read_hex(const char*& text) noexcept {
  Address value = 0;
  for (;; ++text) {
    const char c = *text;
    const unsigned digit = c >= '0' && c <= '9'   ? unsigned(c - '0')
                           : c >= 'a' && c <= 'f' ? unsigned(c - 'a') + 10
                                                  : 16;
    if (digit == 16) return value;
    value = value * 16 + digit;
  }
}

const char* skip_field(const char* text) noexcept {
  while (*text != 0 && *text != ' ') ++text;
  while (*text == ' ') ++text;
  return text;
}

// One line of the list: begin-end rwxp offset device inode path
struct Mapping {
  Address begin;
  Address end;
  bool starts_module;  // a file's readable first page: where a module is loaded
  const char* path;    // empty where there is none
};
Mapping mapping_of(const char* text) noexcept {
  const Address begin = read_hex(text);
  const Address end = read_hex(++text);
  text = skip_field(text);
  const bool readable = *text == 'r';
  text = skip_field(text);
  const char* digits = text;
  const Address offset = read_hex(digits);
  const char* const path = skip_field(skip_field(skip_field(text)));
  return {begin, end, *path == '/' && offset == 0 && readable, path};
}

bool starts_with(const char* text, const char* prefix) noexcept {
  while (*prefix != 0) {
    if (*text++ != *prefix++) return false;
  }
  return true;
}

void copy_text(char* to, size_t size, const char* from) noexcept {
  size_t length = 0;
  for (; from[length] != 0 && length + 1 < size; ++length) to[length] = from[length];
  to[length] = 0;
}

void copy_base_name(char* to, size_t size, const char* path) noexcept {
  const char* from = path;
  for (const char* at = path; *at != 0; ++at) {
    if (*at == '/') from = at + 1;
  }
  copy_text(to, size, from);
}

// The addresses that the module whose file begins at `base` has in its file, zeroed variables
// included. Empty: it is no module.
struct Extent {
  Address first = 0;  // of its first page
  Address end = 0;
};
Extent extent_of(Address base) noexcept {
  const auto* const header = reinterpret_cast<const Elf64_Ehdr*>(base);
  if (__builtin_memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phoff > 4096) {
    return {};
  }
  const auto* const program = reinterpret_cast<const Elf64_Phdr*>(base + header->e_phoff);
  Address first = ~Address{0};
  Address last = 0;
  for (unsigned i = 0; i < header->e_phnum && i < 32; ++i) {
    if (program[i].p_type != PT_LOAD) continue;
    if (program[i].p_vaddr < first) first = program[i].p_vaddr;
    if (program[i].p_vaddr + program[i].p_memsz > last) {
      last = program[i].p_vaddr + program[i].p_memsz;
    }
  }
  if (first > last) return {};
  return {first & ~Address{4095}, last};
}

// Where the module ends in memory.
Address module_end(Address base) noexcept {
  const Extent extent = extent_of(base);
  return extent.end == 0 ? 0 : base + (extent.end - extent.first);
}

}  // namespace

LinuxPlatform::Place LinuxPlatform::whereabouts(Address address, char* name, size_t size) noexcept {
  const Address here = Address(__builtin_frame_address(0));
  Address base = 0;  // of the last module that began
  char module[64] = {};
  *name = 0;
  Lines maps("/proc/self/maps");
  while (const char* text = maps.next()) {
    const auto [begin, end, starts_module, path] = mapping_of(text);
    if (starts_module) {
      base = begin;
      copy_base_name(module, sizeof module, path);
    }
    if (address < begin) return Place::nowhere;
    if (address >= end) continue;
    if (starts_with(path, "[stack") || (here >= begin && here < end)) return Place::stack;
    if (*path == '/') {
      copy_base_name(name, size, path);
      return Place::module;
    }
    if (base != 0 && address < module_end(base)) {
      copy_base_name(name, size, module);
      return Place::module;
    }
    return Place::mapped;
  }
  return Place::nowhere;
}

bool LinuxPlatform::locate(Address address, char* path, size_t size, Address& in_file) noexcept {
  Address base = 0;  // of the last module that began
  Lines maps("/proc/self/maps");
  while (const char* text = maps.next()) {
    const auto [begin, end, starts_module, file] = mapping_of(text);
    if (starts_module) base = begin;
    if (address < begin) return false;
    if (address >= end) continue;
    if (*file != '/' || base == 0) return false;
    const Extent extent = extent_of(base);
    if (extent.end == 0) return false;
    copy_text(path, size, file);
    in_file = address - base + extent.first;
    return true;
  }
  return false;
}

void LinuxPlatform::visit_writable(void (*visit)(void*, Address, Address) noexcept,
                                   void* context) noexcept {
  Lines maps("/proc/self/maps");
  while (const char* text = maps.next()) {
    const Address begin = read_hex(text);
    const Address end = read_hex(++text);
    text = skip_field(text);
    if (text[0] == 'r' && text[1] == 'w') visit(context, begin, end);
  }
}

bool LinuxPlatform::read_memory(Address from, void* to, size_t bytes) noexcept {
  struct Part {
    void* begin;
    size_t bytes;
  };
  const Part here = {to, bytes};
  const Part there = {reinterpret_cast<void*>(from), bytes};
  return raw::call(SYS_process_vm_readv, long(raw::call(SYS_getpid)), long(&here), 1, long(&there),
                   1, 0) == long(bytes);
}

}  // namespace strata
