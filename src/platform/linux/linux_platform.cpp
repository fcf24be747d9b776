// The Linux process, by raw system calls. See linux_platform.hpp.
#include "platform/linux/linux_platform.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/bits.hpp"
#include "platform/linux/raw_syscall.hpp"

namespace strata {
namespace {

constexpr int spins_before_sleep = 100;

Address map(Address hint, size_t bytes, int protection, int flags) noexcept {
  const long result = raw::call(SYS_mmap, long(hint), long(bytes), protection,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  return raw::failed(result) ? 0 : Address(result);
}

void unmap(Address address, size_t bytes) noexcept {
  if (bytes != 0) raw::call(SYS_munmap, long(address), long(bytes));
}

}  // namespace

void FutexLock::lock_slow() noexcept {
  for (int i = 0; i < spins_before_sleep; ++i) {
    cpu_relax();
    if (word_.load(Order::relaxed) == 0) {
      unsigned expected = 0;
      if (word_.compare_exchange(expected, 1, Order::acquire)) return;
    }
  }
  // From here on the word is 2 whenever we take it: somebody else may sleep too.
  while (word_.exchange(2, Order::acquire) != 0) {
    raw::call(SYS_futex, long(&word_), FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
  }
}

void FutexLock::wake() noexcept { raw::call(SYS_futex, long(&word_), FUTEX_WAKE_PRIVATE, 1); }

size_t LinuxPlatform::read_page_size() noexcept {
  page_size_ = size_t(getauxval(AT_PAGESZ));
  return page_size_;
}

Address LinuxPlatform::reserve(size_t bytes, size_t alignment) noexcept {
  Address address = map(0, bytes, PROT_NONE, 0);
  if (address == 0 || (address & (alignment - 1)) == 0) return address;
  unmap(address, bytes);
  const size_t padded = bytes + alignment;
  address = map(0, padded, PROT_NONE, 0);
  if (address == 0) return 0;
  const Address start = align_up(address, alignment);
  unmap(address, start - address);
  unmap(start + bytes, address + padded - (start + bytes));
  return start;
}

void LinuxPlatform::release(Address address, size_t bytes) noexcept {
  // Refused where it would split a mapping beyond vm.max_map_count: the addresses are lost then,
  // but not the memory.
  if (raw::failed(raw::call(SYS_munmap, long(address), long(bytes)))) purge(address, bytes);
}

bool LinuxPlatform::commit(Address address, size_t bytes) noexcept {
  return !raw::failed(raw::call(SYS_mprotect, long(address), long(bytes), PROT_READ | PROT_WRITE));
}

bool LinuxPlatform::purge(Address address, size_t bytes) noexcept {
  if (!raw::failed(raw::call(SYS_madvise, long(address), long(bytes), MADV_DONTNEED))) return true;
  // Where madvise is refused (seccomp, locked memory) a fresh mapping in place does the same.
  return map(address, bytes, PROT_READ | PROT_WRITE, MAP_FIXED) != 0;
}

bool LinuxPlatform::decommit(Address address, size_t bytes) noexcept {
  return map(address, bytes, PROT_NONE, MAP_FIXED) != 0;
}

void LinuxPlatform::populate(Address address, size_t bytes) noexcept {
  constexpr long populate_write = 23;  // MADV_POPULATE_WRITE, Linux 5.14
  if (!raw::failed(raw::call(SYS_madvise, long(address), long(bytes), populate_write))) return;
  for (size_t offset = 0; offset < bytes; offset += page_size()) {
    *reinterpret_cast<volatile char*>(address + offset) = 0;
  }
}

Address LinuxPlatform::remap(Address address, size_t old_bytes, size_t new_bytes) noexcept {
  const long result =
      raw::call(SYS_mremap, long(address), long(old_bytes), long(new_bytes), MREMAP_MAYMOVE);
  return raw::failed(result) ? 0 : Address(result);
}

bool LinuxPlatform::move_pages(Address from, size_t bytes, Address to) noexcept {
  constexpr long keep_addresses = 4;  // MREMAP_DONTUNMAP, Linux 5.7
  return !raw::failed(raw::call(SYS_mremap, long(from), long(bytes), long(bytes),
                                MREMAP_MAYMOVE | MREMAP_FIXED | keep_addresses, long(to)));
}

void LinuxPlatform::allow_huge_pages(Address address, size_t bytes, bool allow) noexcept {
  raw::call(SYS_madvise, long(address), long(bytes), allow ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

std::uint64_t LinuxPlatform::now() noexcept {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return std::uint64_t(time.tv_sec) * 1000 + std::uint64_t(time.tv_nsec) / 1000000;
}

bool LinuxPlatform::protect(Address address, size_t bytes) noexcept {
  return !raw::failed(raw::call(SYS_mprotect, long(address), long(bytes), PROT_NONE));
}

bool LinuxPlatform::find_resident(Address address, size_t bytes, unsigned char* pages) noexcept {
  return !raw::failed(raw::call(SYS_mincore, long(address), long(bytes), long(pages)));
}

bool LinuxPlatform::install_guard(Address address, size_t bytes) noexcept {
  constexpr long guard_install = 102;  // MADV_GUARD_INSTALL
  return !raw::failed(raw::call(SYS_madvise, long(address), long(bytes), guard_install));
}
bool LinuxPlatform::remove_guard(Address address, size_t bytes) noexcept {
  constexpr long guard_remove = 103;  // MADV_GUARD_REMOVE
  return !raw::failed(raw::call(SYS_madvise, long(address), long(bytes), guard_remove));
}

size_t LinuxPlatform::mapping_limit() noexcept {
  constexpr size_t usual = 65530;
  const long file =
      raw::call(SYS_openat, AT_FDCWD, long("/proc/sys/vm/max_map_count"), O_RDONLY | O_CLOEXEC);
  if (raw::failed(file)) return usual;
  char text[24] = {};
  raw::call(SYS_read, file, long(text), sizeof text - 1);
  raw::call(SYS_close, file);
  size_t limit = 0;
  for (const char* at = text; *at >= '0' && *at <= '9'; ++at)
    limit = limit * 10 + size_t(*at - '0');
  return limit != 0 ? limit : usual;
}

bool LinuxPlatform::random_bytes(void* memory, size_t bytes) noexcept {
  constexpr long at_once = 1;  // GRND_NONBLOCK
  return raw::call(SYS_getrandom, long(memory), long(bytes), at_once) == long(bytes);
}

void LinuxPlatform::write_error(const char* text, size_t length) noexcept {
  raw::call(SYS_write, 2, long(text), long(length));
}

size_t LinuxPlatform::address_space_limit() noexcept {
  size_t limit = ~size_t{0};
  constexpr int resources[] = {RLIMIT_AS, RLIMIT_DATA};
  for (const int resource : resources) {
    rlimit64 found{};
    if (!raw::failed(raw::call(SYS_prlimit64, 0, resource, 0, long(&found))) &&
        found.rlim_cur < limit) {
      limit = found.rlim_cur;
    }
  }
  return limit;
}

std::uint32_t LinuxPlatform::thread_number() noexcept {
  return std::uint32_t(raw::call(SYS_gettid));
}
std::uint32_t LinuxPlatform::process_number() noexcept {
  return std::uint32_t(raw::call(SYS_getpid));
}

void LinuxPlatform::wait(Atomic<std::uint32_t>& word, std::uint32_t seen,
                         std::uint32_t milliseconds) noexcept {
  const timespec time = {time_t(milliseconds / 1000), long(milliseconds % 1000) * 1000000};
  raw::call(SYS_futex, long(&word), FUTEX_WAIT_PRIVATE, long(seen), long(&time), 0, 0);
}

void LinuxPlatform::wake(Atomic<std::uint32_t>& word) noexcept {
  raw::call(SYS_futex, long(&word), FUTEX_WAKE_PRIVATE, 1);
}

namespace {

// Empty: the standard error. Written before the process has threads.
constinit char report_file[1024];

void put_number(char*& at, const char* end, std::uint32_t number) noexcept {
  char digits[10];
  unsigned count = 0;
  do {
    digits[count++] = char('0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count != 0 && at != end) *at++ = digits[--count];
}

}  // namespace

bool LinuxPlatform::set_report_file(const char* path) noexcept {
  size_t length = 0;
  if (*path != '/' && *path != 0) {
    const long got = raw::call(SYS_getcwd, long(report_file), sizeof report_file - 1);
    if (raw::failed(got) || got < 2) return false;
    length = size_t(got) - 1;  // counted with the closing zero
    if (length > 1) report_file[length++] = '/';
  }
  for (; *path != 0 && length + 1 < sizeof report_file; ++path) report_file[length++] = *path;
  report_file[*path == 0 ? length : 0] = 0;
  return *path == 0;
}

namespace {
constinit char* last_words;
constinit size_t last_words_bytes;
}  // namespace

void LinuxPlatform::keep_last_words(char* buffer, size_t bytes) noexcept {
  last_words = buffer;
  last_words_bytes = bytes;
}

void LinuxPlatform::write_report(const char* text, size_t length) noexcept {
  if (last_words != nullptr && last_words[0] == 0) {
    for (size_t i = 0; i + 1 < last_words_bytes && i < length; ++i) last_words[i] = text[i];
  }
  if (report_file[0] == 0) return write_error(text, length);
  char path[sizeof report_file + 16];
  char* at = path;
  const char* const end = path + sizeof path - 1;
  for (const char* from = report_file; *from != 0 && at != end; ++from) {
    if (from[0] == '%' && from[1] == 'p') {
      put_number(at, end, process_number());
      ++from;
    } else {
      *at++ = *from;
    }
  }
  *at = 0;
  const long file = raw::call(SYS_openat, AT_FDCWD, long(path),
                              O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (raw::failed(file)) return write_error(text, length);
  raw::call(SYS_write, file, long(text), long(length));
  raw::call(SYS_close, file);
}

void LinuxPlatform::fail(const char* text) noexcept {
  write_report(text, __builtin_strlen(text));
  abort();
}

}  // namespace strata
