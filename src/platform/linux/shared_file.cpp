// Files of shared memory by raw system calls. See shared_file.hpp.
#include "platform/linux/shared_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "platform/linux/raw_syscall.hpp"

namespace strata {
namespace {

constexpr long owner_only = 0600;
// Where the system cannot close a range of descriptors at once: more than programs usually have.
constexpr long most_closed_singly = 4096;

}  // namespace

SharedFile SharedFile::create(const char* label, size_t bytes) noexcept {
  SharedFile file;
  const long made = raw::call(SYS_memfd_create, long(label), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (raw::failed(made)) return file;
  // Sealed at its length: nobody who has it open can take pages away from under our stores.
  constexpr long seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (raw::failed(raw::call(SYS_ftruncate, made, long(bytes))) ||
      raw::failed(raw::call(SYS_fchmod, made, owner_only)) ||
      raw::failed(raw::call(SYS_fcntl, made, F_ADD_SEALS, seals))) {
    raw::call(SYS_close, made);
    return file;
  }
  file.descriptor_ = int(made);
  return file;
}

SharedFile SharedFile::open(const char* path, size_t bytes) noexcept {
  SharedFile file;
  const long opened = raw::call(SYS_openat, AT_FDCWD, long(path), O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (raw::failed(opened)) return file;
  struct stat found = {};
  if (raw::failed(raw::call(SYS_fstat, opened, long(&found))) || !S_ISREG(found.st_mode) ||
      found.st_uid != uid_t(raw::call(SYS_geteuid)) || size_t(found.st_size) < bytes) {
    raw::call(SYS_close, opened);
    return file;
  }
  file.descriptor_ = int(opened);
  return file;
}

Address SharedFile::map(size_t offset, size_t bytes) const noexcept {
  const long result = raw::call(SYS_mmap, 0, long(bytes), PROT_READ | PROT_WRITE, MAP_SHARED,
                                descriptor_, long(offset));
  if (raw::failed(result)) return 0;
  raw::call(SYS_madvise, result, long(bytes), MADV_DONTFORK);
  return Address(result);
}

void SharedFile::unmap(Address address, size_t bytes) noexcept {
  raw::call(SYS_munmap, long(address), long(bytes));
}

void SharedFile::set_position(size_t offset) const noexcept {
  raw::call(SYS_lseek, descriptor_, long(offset), SEEK_SET);
}

void SharedFile::keep_alone() noexcept {
  if (descriptor_ != 0) {
    raw::call(SYS_dup3, descriptor_, 0, O_CLOEXEC);
    descriptor_ = 0;
  }
#ifdef SYS_close_range
  if (!raw::failed(raw::call(SYS_close_range, 1, ~0U, 0))) return;
#endif
  for (long descriptor = 1; descriptor < most_closed_singly; ++descriptor) {
    raw::call(SYS_close, descriptor);
  }
}

void wait_shared(Atomic<std::uint32_t>& word, std::uint32_t seen,
                 std::uint32_t milliseconds) noexcept {
  const timespec limit = {time_t(milliseconds / 1000), long(milliseconds % 1000) * 1000000};
  raw::call(SYS_futex, long(&word), FUTEX_WAIT, long(seen), milliseconds == 0 ? 0 : long(&limit));
}

void wake_shared(Atomic<std::uint32_t>& word) noexcept {
  raw::call(SYS_futex, long(&word), FUTEX_WAKE, 0x7fffffff);
}

bool word_is(Address address, std::uint32_t value) noexcept {
  // Waits for no time at all, if it is that value, and does not begin to otherwise.
  const timespec none = {};
  return raw::call(SYS_futex, long(address), FUTEX_WAIT_PRIVATE, long(value), long(&none)) ==
         -ETIMEDOUT;
}

void name_thread(const char* name) noexcept { raw::call(SYS_prctl, PR_SET_NAME, long(name)); }

void read_thread_name(char (&name)[16]) noexcept { raw::call(SYS_prctl, PR_GET_NAME, long(name)); }

std::uint32_t parent_process_number() noexcept { return std::uint32_t(raw::call(SYS_getppid)); }

}  // namespace strata
